//! The arguments, as `--help` shows them.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, value_parser};
use clap_complete::Shell;
use countersign::Tolerance;

use self::help::{
    API_HELP, CANCEL_HELP, COMPLETIONS_HELP, EXIT_CODES, INBOX_HELP, INFER_HELP, KEY_HELP, LISTEN_HELP,
    MAN_HELP, REPLAY_HELP, SEND_HELP, SERVE_HELP, SIGN_HELP, VERIFY_HELP,
};
use crate::{
    api::{
        cancel::CancelArgs, delivery::DeliveryCommand, endpoint::EndpointCommand, key::KeyCommand,
        message::MessageCommand, overview::StatusArgs, replay::ReplayArgs, tenant::TenantCommand,
    },
    inbox::InboxCommand,
    listen::{ListenArgs, ReplayLocalArgs},
    schemes::SchemeArgs,
    secrets::SecretArgs,
    send::SendArgs,
    serve::{ApiKeyArgs, ServeArgs},
    shell::ManArgs,
};

mod help;

/// The exit code for a request that isn't valid, and a scheme file that makes no sense.
pub(crate) const NOT_VALID: u8 = 1;

/// The exit code for what was asked of another machine and not done.
pub(crate) const NOT_DONE: u8 = 1;

/// The exit code for arguments, files or secrets that can't be used.
pub(crate) const USAGE: u8 = 2;

/// The last second of the year 9999, beyond which no time is read.
const LAST_SECOND: i64 = 253_402_300_799;

/// Signs, verifies, sends, receives and serves webhooks, by the scheme of any provider or your own.
#[derive(Parser)]
#[command(name = "countersign", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Signs a body: prints the headers, a curl line or a whole request
    #[command(after_help = SIGN_HELP)]
    Sign(Box<SignArgs>),
    /// Says whether a request is valid, and why not
    #[command(after_help = VERIFY_HELP)]
    Verify(Box<VerifyArgs>),
    /// Finds the scheme of captured requests, and prints it as TOML
    #[command(after_help = INFER_HELP)]
    Infer(InferArgs),
    /// Lists the known schemes, shows one as TOML, or checks a file
    #[command(after_help = EXIT_CODES)]
    Schemes(SchemesArgs),
    /// Sends one signed request now, and says what was answered
    #[command(after_help = SEND_HELP)]
    Send(Box<SendArgs>),
    /// Receives requests on this machine, verifies, shows, forwards and keeps them
    #[command(after_help = LISTEN_HELP)]
    Listen(Box<ListenArgs>),
    /// Sends a request that `listen` has kept to an application on this machine again
    #[command(after_help = LISTEN_HELP)]
    ReplayLocal(ReplayLocalArgs),
    /// Serves the dashboard and the API, and delivers
    #[command(after_help = SERVE_HELP)]
    Serve(Box<ServeArgs>),
    /// Makes an API key for the server's configuration; `key` makes those of a server that runs
    #[command(after_help = EXIT_CODES)]
    ApiKey(ApiKeyArgs),
    /// Shows what waits on a server, how a day's attempts went, and which endpoints are in trouble
    #[command(after_help = API_HELP)]
    Status(StatusArgs),
    /// Makes, shows and changes endpoints of a server
    #[command(subcommand, after_help = API_HELP)]
    Endpoint(EndpointCommand),
    /// Sends messages to the endpoints of a server, and shows them
    #[command(subcommand, after_help = API_HELP)]
    Message(MessageCommand),
    /// Shows deliveries of a server, makes them again, and cancels them
    #[command(subcommand, after_help = API_HELP)]
    Delivery(DeliveryCommand),
    /// Makes many deliveries again, after counting them
    #[command(after_help = REPLAY_HELP)]
    Replay(Box<ReplayArgs>),
    /// Cancels many deliveries that wait, after counting them
    #[command(after_help = CANCEL_HELP)]
    Cancel(Box<CancelArgs>),
    /// Makes, lists and removes API keys of a server while it runs
    #[command(subcommand, after_help = KEY_HELP)]
    Key(KeyCommand),
    /// Lists, shows and forgets the tenants of a server
    #[command(subcommand, after_help = API_HELP)]
    Tenant(TenantCommand),
    /// Lists what an application's inbox has given up, shows it, and puts it back
    #[command(subcommand, after_help = INBOX_HELP)]
    Inbox(InboxCommand),
    /// Prints completions for a shell
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Prints the manual page, or writes one for each command
    #[command(after_help = MAN_HELP)]
    Man(ManArgs),
}

#[derive(Args)]
#[command(group = ArgGroup::new("form").args(["curl", "http", "json"]))]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) scheme: SchemeArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// The event's id; made up where the scheme signs one and none is given
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// The event type, for schemes that write it in a header
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// One more header, which is not signed (repeatable)
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// The method [default: the scheme's first, which is POST nearly always]
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<http::Method>,
    /// The whole URL that the request goes to
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The time of signing, in Unix seconds [default: now]
    #[arg(long, value_name = "SECS", value_parser = value_parser!(i64).range(0..=LAST_SECOND))]
    pub(crate) now: Option<i64>,
    /// Prints a curl line that sends the request
    #[arg(long, requires = "url")]
    pub(crate) curl: bool,
    /// Prints the request as a raw HTTP/1.1 message
    #[arg(long)]
    pub(crate) http: bool,
    /// Prints a JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Signs one JSON object a line, from standard input to standard output
    #[arg(long, conflicts_with_all = BATCH_SIGN)]
    pub(crate) batch: bool,
    /// The file with the body, which is signed byte for byte; `-` for standard input
    #[arg(value_name = "BODY", required_unless_present = "batch")]
    pub(crate) body: Option<PathBuf>,
}

#[derive(Args)]
#[command(group = ArgGroup::new("message").args(["request", "headers"]))]
#[command(group = ArgGroup::new("age").args(["tolerance", "no_tolerance"]))]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) scheme: SchemeArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// The file with the whole request, a raw HTTP/1.1 message; `-` for standard input
    #[arg(long, value_name = "FILE", required_unless_present_any = ["headers", "batch"])]
    pub(crate) request: Option<PathBuf>,
    /// The file with the headers, one `Name: value` a line
    #[arg(long, value_name = "FILE", requires = "body")]
    pub(crate) headers: Option<PathBuf>,
    /// The file with the body; `-` for standard input
    #[arg(long, value_name = "FILE", requires = "headers", conflicts_with = "request")]
    pub(crate) body: Option<PathBuf>,
    /// The method of a request that is given as headers and body [default: POST]
    #[arg(long, value_name = "METHOD", conflicts_with = "request")]
    pub(crate) method: Option<http::Method>,
    /// The endpoint's URL as it is registered with the provider, for schemes that sign it
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The receiver's clock, in Unix seconds [default: now]
    #[arg(long, value_name = "SECS", value_parser = value_parser!(i64).range(0..=LAST_SECOND))]
    pub(crate) now: Option<i64>,
    /// How many seconds the timestamp may be off [default: what the scheme says]
    #[arg(long, value_name = "SECS")]
    pub(crate) tolerance: Option<u32>,
    /// Accepts timestamps of any age, for recorded requests
    #[arg(long)]
    pub(crate) no_tolerance: bool,
    /// Takes the request for the provider's test of the endpoint, and prints the answer it is owed
    #[arg(long)]
    pub(crate) handshake: bool,
    /// A value that the handshake is compared with, such as verify_token (repeatable)
    #[arg(long = "setting", value_name = "NAME=VALUE", requires = "handshake", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// Where it isn't valid, tries what is usually wrong, and says what it is
    #[arg(long, conflicts_with = "handshake")]
    pub(crate) explain: bool,
    /// Prints a JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Verifies one JSON object a line, from standard input to standard output
    #[arg(long, conflicts_with_all = BATCH_VERIFY)]
    pub(crate) batch: bool,
}

impl VerifyArgs {
    /// How far the timestamp may be off; a number holds ahead of the clock as well, where the scheme
    /// limits that at all.
    pub(crate) fn tolerance(&self, scheme: &countersign::Scheme) -> Tolerance {
        match self.tolerance {
            _ if self.no_tolerance => Tolerance::UNCHECKED,
            Some(seconds) => tolerance(scheme, seconds),
            None => Tolerance::default(),
        }
    }
}

#[derive(Args)]
pub(crate) struct InferArgs {
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// The endpoint's URL as it is registered with the sender, which may be signed too
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Prints a JSON list
    #[arg(long)]
    pub(crate) json: bool,
    /// Files with a whole request each, raw HTTP/1.1 messages; `-` for standard input
    #[arg(value_name = "REQUEST", required = true)]
    pub(crate) requests: Vec<PathBuf>,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SchemesArgs {
    #[command(subcommand)]
    pub(crate) action: Option<SchemesAction>,
    /// Prints a JSON list
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum SchemesAction {
    /// Prints a scheme of the catalogue as TOML, to start your own from
    Show {
        /// The scheme's name, such as `stripe`
        name: String,
    },
    /// Says whether a scheme file can be used, and otherwise the line, the field and the remedy
    Check {
        /// The TOML file; `-` for standard input
        file: PathBuf,
    },
}

impl Command {
    /// Whether the exit code is an answer, of which 0 says that all is well.
    pub(crate) fn judges(&self) -> bool {
        match self {
            Command::Verify(_) | Command::Infer(_) | Command::Send(_) | Command::ReplayLocal(_) => true,
            Command::Schemes(arguments) => matches!(arguments.action, Some(SchemesAction::Check { .. })),
            _ => false,
        }
    }
}

/// At most `seconds` old and, where the scheme limits that, at most `seconds` ahead.
pub(crate) fn tolerance(scheme: &countersign::Scheme, seconds: u32) -> Tolerance {
    let past = Tolerance::default().past(seconds);
    match scheme.timestamp.as_ref().and_then(|rule| rule.future) {
        Some(_) => past.future(seconds),
        None => past,
    }
}

/// The name and the value of a handshake's setting.
pub(crate) fn setting(text: &str) -> Result<(String, String), &'static str> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("write NAME=VALUE, such as verify_token=meatyhamhock")?;
    Ok((name.to_owned(), value.to_owned()))
}

const BATCH_SIGN: [&str; 14] = [
    "scheme",
    "secret",
    "secret_env",
    "secret_file",
    "secret_stdin",
    "id",
    "kind",
    "headers",
    "method",
    "url",
    "now",
    "curl",
    "http",
    "body",
];

const BATCH_VERIFY: [&str; 14] = [
    "scheme",
    "secret",
    "secret_env",
    "secret_file",
    "secret_stdin",
    "request",
    "headers",
    "method",
    "url",
    "now",
    "tolerance",
    "no_tolerance",
    "handshake",
    "explain",
];
