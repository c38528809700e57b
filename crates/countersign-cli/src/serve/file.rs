//! The configuration file.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde::Deserialize;

use super::{
    count::Count,
    database::Database,
    keys::KeyEntry,
    layers::List,
    log::{LogFormat, LogLevel},
    network::{Address, Network},
    otlp::Otlp,
    settings::{Preset, Role},
};
use crate::{input, span::Span};

/// The configuration file. What it doesn't know is refused, so that a slip of the pen is no setting lost.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) listen: Option<Address>,
    pub(super) max_connections: Option<Count>,
    pub(super) database: Option<Database>,
    pub(super) role: Option<Role>,
    pub(super) allow_networks: Option<List<Network>>,
    pub(super) allow_ports: Option<List<u16>>,
    pub(super) allow_http: Option<bool>,
    pub(super) event_presets: Option<List<Preset>>,
    pub(super) billrun: Option<bool>,
    pub(super) behind_tls_proxy: Option<bool>,
    pub(super) otlp_endpoint: Option<Otlp>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) log_level: Option<LogLevel>,
    pub(super) schedule: Option<List<Span>>,
    pub(super) concurrency: Option<Count>,
    pub(super) warn_after: Option<Span>,
    pub(super) disable_after: Option<Span>,
    pub(super) keep_for: Option<Span>,
    pub(super) keep_messages: Option<u64>,
    pub(super) announce_to: Option<String>,
    pub(super) mail_to: Option<List<String>>,
    pub(super) mail_from: Option<String>,
    pub(super) smtp_unencrypted: Option<bool>,
    pub(super) keys: Vec<KeyEntry>,
}

impl File {
    /// # Errors
    /// A file that can't be read or used, with the line.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = String::from_utf8(input::read_up_to(path, MAX_BYTES)?);
        let text = text.map_err(|_| anyhow!("{} isn't UTF-8 text", path.display()))?;
        parse(&text).with_context(|| format!("{} can't be used", path.display()))
    }
}

fn parse(text: &str) -> anyhow::Result<File> {
    let broken = |error: &toml::de::Error, key: &str| {
        // Its own text quotes the line, which may hold a password.
        let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
        anyhow!("line {}: {key}{}", line.unwrap_or(1), error.message())
    };
    let toml = toml::Deserializer::parse(text).map_err(|error| broken(&error, ""))?;
    serde_path_to_error::deserialize(toml).map_err(|error| {
        let key = error.path().iter().next().map(|_| format!("{}: ", error.path()));
        broken(error.inner(), &key.unwrap_or_default())
    })
}

const MAX_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_with_its_line_and_without_its_text() {
        for (text, why) in [
            ("listen = '127.0.0.1:1'\nlissten = 'x'\n", "line 2: lissten: unknown field `lissten`"),
            ("\n\nrole = 'boss'", "line 3: role: unknown variant `boss`"),
            ("database = 'mysql://app:hunter2@db'", "line 1: database: only postgres:// is known"),
            ("database = 'postgres://app:hunter2@db:x'\n", "line 1: database: this is no URL of a database"),
            ("database = 'postgres://app:hunter2@db", "line 1: "),
            ("schedule = ['5s', 'soon']", "line 1: schedule[1]: this is no length of time"),
            (
                "\nschedule = '5s'",
                "line 2: schedule: invalid type: string \"5s\", expected a list in brackets",
            ),
            ("event_presets = ['acme']", "line 1: event_presets[0]: the systems are billrun"),
            ("listen = '127.0.0.1'", "line 1: listen: write an address and a port, such as 127.0.0.1:8080"),
            ("concurrency = 0", "line 1: concurrency: write a whole number from 1 on"),
            ("warn_after = 5", "line 1: warn_after: invalid type: integer `5`"),
            (
                "[[keys]]\nlabel = 'ops'\ndigest = 'sha256:00'\nscope = 'admin'\n",
                "line 3: keys[0].digest: this is no digest of a key",
            ),
        ] {
            let error = parse(text).err().expect("an error").to_string();
            assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
        }
    }
}
