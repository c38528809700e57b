//! The arguments of `countersign serve`.

use std::path::PathBuf;

use clap::Args;

use super::{
    count::Count,
    database::Database,
    delivering::DeliveringArgs,
    log::{LogFormat, LogLevel},
    network::{Address, Network},
    otlp::Otlp,
    settings::{Preset, Role},
};

/// Each overrides its environment variable, which overrides the configuration file.
#[derive(Args, Default)]
pub(crate) struct ServeArgs {
    /// The configuration file, as TOML [default: countersign.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The address and port to listen at [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<Address>,
    /// How many connections to have open at once, half of the files that the process may have open at most
    /// [default: 512]
    #[arg(long, value_name = "CONNECTIONS")]
    pub(super) max_connections: Option<Count>,
    /// A SQLite file, or the URL of a PostgreSQL database [default: webhooks.db]
    #[arg(long, value_name = "FILE|URL")]
    pub(super) database: Option<Database>,
    /// What this process does: answer the API, deliver, or both [default: both]
    #[arg(long)]
    pub(super) role: Option<Role>,
    /// Also delivers to addresses of this network, which is not public (repeatable)
    #[arg(long, value_name = "CIDR")]
    pub(super) allow_network: Vec<Network>,
    /// Also delivers to this port, beside 443 (repeatable)
    #[arg(long, value_name = "PORT")]
    pub(super) allow_port: Vec<u16>,
    /// Also delivers to http:// and port 80
    #[arg(long)]
    pub(super) allow_http: bool,
    /// Lists the event types of a billing system: billrun, iptvbp, ispbills, panel, snapbill (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(super) event_preset: Vec<Preset>,
    /// Offers BillRun's API of webhooks, too
    #[arg(long)]
    pub(super) billrun: bool,
    /// Says that a proxy in front secures the connections, which lets the server listen beyond loopback
    #[arg(long)]
    pub(super) behind_tls_proxy: bool,
    /// Sends traces to this collector by OTLP over HTTP, such as http://127.0.0.1:4318, or off [default: off]
    #[arg(long, value_name = "URL")]
    pub(super) otlp_endpoint: Option<Otlp>,
    /// How the log is written [default: text]
    #[arg(long)]
    pub(super) log_format: Option<LogFormat>,
    /// What is logged: this and all that is worse [default: info]
    #[arg(long)]
    pub(super) log_level: Option<LogLevel>,
    /// Serves a sample to look at, with endpoints, a receiver and traffic, which leaves nothing behind
    #[arg(long, conflicts_with_all = NOT_WITH_SAMPLE)]
    pub(super) sample: bool,
    /// Shows the settings and where each comes from, and starts nothing
    #[arg(long)]
    pub(super) print_config: bool,
    /// With --print-config, prints a JSON object
    #[arg(long, requires = "print_config")]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) delivering: DeliveringArgs,
}

/// The sample has settings of its own, but for where it listens.
const NOT_WITH_SAMPLE: [&str; 24] = [
    "config",
    "max_connections",
    "database",
    "role",
    "allow_network",
    "allow_port",
    "allow_http",
    "event_preset",
    "billrun",
    "behind_tls_proxy",
    "otlp_endpoint",
    "log_format",
    "log_level",
    "schedule",
    "concurrency",
    "warn_after",
    "disable_after",
    "keep_for",
    "keep_messages",
    "announce_to",
    "mail_to",
    "mail_from",
    "smtp_unencrypted",
    "print_config",
];
