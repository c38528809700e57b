//! The settings of the server.

use std::{
    env,
    fmt::{self, Display},
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use countersign_dispatch::Sealer;
use countersign_server::{ApiKey, EventTypes};
use countersign_transport::Policy;
use serde::Deserialize;

use super::{
    arguments::ServeArgs,
    count::Count,
    database::Database,
    delivering::Delivering,
    file::File,
    keys::Keys,
    layers::{Layers, List, Setting, text},
    log::{LogFormat, LogLevel},
    network::{Address, Network},
    otlp::Otlp,
};
use crate::connections;

/// Every setting, and [where it comes from](super::layers).
pub(super) struct Settings {
    /// The configuration file that was read, or that would have been.
    pub(super) path: PathBuf,
    pub(super) file_exists: bool,
    pub(super) listen: Setting<Address>,
    pub(super) max_connections: Setting<Count>,
    pub(super) database: Setting<Database>,
    pub(super) role: Setting<Role>,
    pub(super) allow_networks: Setting<List<Network>>,
    pub(super) allow_ports: Setting<List<u16>>,
    pub(super) allow_http: Setting<bool>,
    pub(super) event_presets: Setting<List<Preset>>,
    pub(super) billrun: Setting<bool>,
    pub(super) behind_tls_proxy: Setting<bool>,
    pub(super) otlp_endpoint: Setting<Otlp>,
    pub(super) log_format: Setting<LogFormat>,
    pub(super) log_level: Setting<LogLevel>,
    pub(super) delivering: Delivering,
    pub(super) keys: Keys,
    pub(super) sealer: Option<Sealer>,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Answers the API
    Api,
    /// Delivers
    Worker,
    /// Answers the API and delivers
    Both,
}

/// A billing system whose event types are known.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Preset(String);

impl Settings {
    /// # Errors
    /// A file or a value that can't be used.
    pub(super) fn read(arguments: &ServeArgs) -> anyhow::Result<Self> {
        let (path, must_exist) = config_path(arguments);
        let found = must_exist || path.exists();
        let mut file = if found { File::read(&path)? } else { File::default() };
        let flag = |given: bool| given.then_some(true);
        let layers = Layers { path: &path };
        let delivering = Delivering::read(&layers, &arguments.delivering, &mut file)?;
        Ok(Settings {
            listen: layers
                .setting(arguments.listen, "COUNTERSIGN_LISTEN", file.listen, || Address(LISTEN.into()))?,
            max_connections: layers.setting(
                arguments.max_connections,
                "COUNTERSIGN_MAX_CONNECTIONS",
                file.max_connections,
                || Count(connections::MOST),
            )?,
            database: layers.setting(
                arguments.database.clone(),
                "COUNTERSIGN_DATABASE",
                file.database,
                || Database::Sqlite(DATABASE.into()),
            )?,
            role: layers.setting(arguments.role, "COUNTERSIGN_ROLE", file.role, || Role::Both)?,
            allow_networks: layers.list(
                &arguments.allow_network,
                "COUNTERSIGN_ALLOW_NETWORKS",
                file.allow_networks,
            )?,
            allow_ports: layers.list(&arguments.allow_port, "COUNTERSIGN_ALLOW_PORTS", file.allow_ports)?,
            allow_http: layers.switch(
                flag(arguments.allow_http),
                "COUNTERSIGN_ALLOW_HTTP",
                file.allow_http,
            )?,
            event_presets: layers.list(
                &arguments.event_preset,
                "COUNTERSIGN_EVENT_PRESETS",
                file.event_presets,
            )?,
            billrun: layers.switch(flag(arguments.billrun), "COUNTERSIGN_BILLRUN", file.billrun)?,
            behind_tls_proxy: layers.switch(
                flag(arguments.behind_tls_proxy),
                "COUNTERSIGN_BEHIND_TLS_PROXY",
                file.behind_tls_proxy,
            )?,
            otlp_endpoint: layers.otlp(arguments.otlp_endpoint.clone(), file.otlp_endpoint)?,
            log_format: layers.setting(
                arguments.log_format,
                "COUNTERSIGN_LOG_FORMAT",
                file.log_format,
                || LogFormat::Text,
            )?,
            log_level: layers.setting(
                arguments.log_level,
                "COUNTERSIGN_LOG_LEVEL",
                file.log_level,
                || LogLevel::Info,
            )?,
            delivering,
            keys: Keys::new(file.keys, &path)?,
            sealer: sealer()?,
            file_exists: found,
            path,
        })
    }

    /// The settings of the sample, and the only key that it lets in.
    ///
    /// # Errors
    /// Where the operating system gives no random numbers.
    pub(super) fn of_sample(
        listen: Option<SocketAddr>,
        database: &Path,
        receiver: SocketAddr,
    ) -> anyhow::Result<(Self, ApiKey)> {
        let (keys, key) = Keys::made_up()?;
        let presets = EventTypes::PRESETS.iter().map(|name| Preset((*name).to_owned()));
        let settings = Settings {
            path: CONFIG.into(),
            file_exists: false,
            listen: Setting::default(Address(listen.unwrap_or(LISTEN.into()))),
            max_connections: Setting::default(Count(connections::MOST)),
            database: Setting::default(Database::Sqlite(database.to_owned())),
            role: Setting::default(Role::Both),
            allow_networks: Setting::default(List(vec![Network(receiver.ip().into())])),
            allow_ports: Setting::default(List(vec![receiver.port()])),
            allow_http: Setting::default(true),
            event_presets: Setting::default(List(presets.collect())),
            billrun: Setting::default(false),
            behind_tls_proxy: Setting::default(false),
            otlp_endpoint: Setting::default(Otlp::OFF),
            log_format: Setting::default(LogFormat::Text),
            log_level: Setting::default(LogLevel::Info),
            delivering: Delivering::of_sample(),
            keys,
            sealer: None,
        };
        Ok((settings, key))
    }

    /// Refuses to be reached from other machines by who has no key, or over connections that anybody on the way
    /// can read.
    /// Settings that contradict each other are refused, too.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.delivering.check()?;
        let listen = self.listen.value.0;
        if listen.ip().is_loopback() {
            return Ok(());
        }
        if self.keys.is_empty() && self.role.value.answers() {
            bail!(
                "{listen} can be reached from other machines, and there is no API key: make one by \
                 `countersign api-key`, and put what it prints into {}",
                self.path.display()
            );
        }
        if !self.behind_tls_proxy.value {
            bail!(
                "{listen} can be reached from other machines, and this server doesn't secure connections itself: \
                 put a proxy in front that does, and say so by --behind-tls-proxy"
            );
        }
        Ok(())
    }

    /// What may be delivered to.
    pub(super) fn policy(&self) -> Policy {
        let policy = if self.allow_http.value { Policy::new().allow_http() } else { Policy::new() };
        let ports = &self.allow_ports.value.0;
        let policy = ports.iter().fold(policy, |policy, port| policy.allow_port(*port));
        let networks = &self.allow_networks.value.0;
        networks.iter().fold(policy, |policy, network| policy.allow_network(network.0))
    }

    /// The event types of all presets; of a name that two of them have, the first.
    pub(super) fn event_types(&self) -> anyhow::Result<EventTypes> {
        let mut all = EventTypes::new();
        for Preset(name) in &self.event_presets.value.0 {
            for event_type in EventTypes::preset(name).unwrap_or_default().iter() {
                if all.find(&event_type.name).is_none() {
                    all.add(event_type.clone())?;
                }
            }
        }
        Ok(all)
    }
}

impl Role {
    /// Whether it answers the API.
    pub(super) fn answers(self) -> bool {
        self != Role::Worker
    }

    /// Whether it delivers.
    pub(super) fn delivers(self) -> bool {
        self != Role::Api
    }
}

/// The configuration file, and whether somebody named it.
fn config_path(arguments: &ServeArgs) -> (PathBuf, bool) {
    let named = arguments.config.clone().or_else(|| env::var_os("COUNTERSIGN_CONFIG").map(PathBuf::from));
    match named {
        Some(path) => (path, true),
        None => (CONFIG.into(), false),
    }
}

fn sealer() -> anyhow::Result<Option<Sealer>> {
    let Some(keys) = text(SEAL_KEY)? else { return Ok(None) };
    let sealer = Sealer::new(keys.split(',')).with_context(|| format!("{SEAL_KEY} can't be used"))?;
    Ok(Some(sealer))
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <Role as ValueEnum>::from_str(text, false).map_err(|_| "a role is api, worker or both")
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match EventTypes::PRESETS.contains(&text) {
            true => Ok(Preset(text.to_owned())),
            false => Err(format!("the systems are {}", EventTypes::PRESETS.join(", "))),
        }
    }
}

impl TryFrom<String> for Preset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Api => "api",
            Role::Worker => "worker",
            Role::Both => "both",
        })
    }
}

impl Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys that seal secrets, the newest first, with commas between them.
pub(super) const SEAL_KEY: &str = "COUNTERSIGN_SEAL_KEY";
const CONFIG: &str = "countersign.toml";
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);
const DATABASE: &str = "webhooks.db";
