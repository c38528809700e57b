//! `countersign serve --print-config`.

use std::{fmt::Display, io::Write as _};

use serde::Serialize;

use super::{
    delivering::SMTP_URL,
    layers::{Origin, Setting},
    settings::{SEAL_KEY, Settings},
};
use crate::output;

/// Prints every setting and where it comes from, and no secret.
pub(super) fn print(settings: &Settings, json: bool) -> anyhow::Result<()> {
    let rows = rows(settings);
    if json {
        return output::json(&rows);
    }
    let mut table = output::table();
    table.set_header(["SETTING", "VALUE", "FROM"]);
    for Row { setting, value, from } in rows {
        table.add_row([setting.to_owned(), output::printable(&value), from]);
    }
    Ok(write!(output::stdout(), "{}", output::lines(table))?)
}

#[derive(Serialize)]
struct Row {
    setting: &'static str,
    value: String,
    from: String,
}

impl Row {
    fn new(setting: &'static str, value: impl Display, from: &Origin) -> Self {
        Row { setting, value: value.to_string(), from: from.to_string() }
    }
}

fn rows(settings: &Settings) -> Vec<Row> {
    fn row<T: Display>(name: &'static str, setting: &Setting<T>) -> Row {
        Row::new(name, &setting.value, &setting.from)
    }
    let delivering = &settings.delivering;
    let mut rows = vec![
        row("listen", &settings.listen),
        row("max_connections", &settings.max_connections),
        row("database", &settings.database),
        row("role", &settings.role),
        row("allow_networks", &settings.allow_networks),
        row("allow_ports", &settings.allow_ports),
        row("allow_http", &settings.allow_http),
        row("event_presets", &settings.event_presets),
        row("billrun", &settings.billrun),
        row("behind_tls_proxy", &settings.behind_tls_proxy),
        row("otlp_endpoint", &settings.otlp_endpoint),
        row("log_format", &settings.log_format),
        row("log_level", &settings.log_level),
        row("schedule", &delivering.schedule),
        row("concurrency", &delivering.concurrency),
        row("warn_after", &delivering.warn_after),
        row("disable_after", &delivering.disable_after),
        row("keep_for", &delivering.keep_for),
        row("keep_messages", &delivering.keep_messages),
        row("announce_to", &delivering.announce_to),
        row("mail_to", &delivering.mail_to),
        row("mail_from", &delivering.mail_from),
        row("smtp_unencrypted", &delivering.smtp_unencrypted),
    ];
    rows.extend(settings.keys.iter().map(|(key, from)| Row::new("key", key.summary(), from)));
    if settings.sealer.is_some() {
        rows.push(Row::new("seal_key", "set", &Origin::Variable(SEAL_KEY)));
    }
    if delivering.smtp.is_some() {
        rows.push(Row::new("smtp_url", "set", &Origin::Variable(SMTP_URL)));
    }
    rows
}
