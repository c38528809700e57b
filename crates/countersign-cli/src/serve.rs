//! `countersign serve` and `countersign api-key`: the server, and the keys that it lets in.

use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, anyhow, bail};
use axum::Router;
use clap::Args;
use countersign_dispatch::Outbox;
use countersign_server::ApiKey;
use countersign_store::{api_keys::ApiKeyStore, outbox::OutboxStore};
use tokio::{net::TcpListener, runtime::Runtime};

use self::{keys::KeyEntry, log::Log, running::Work, settings::Settings, traces::Traces};
use crate::{cli::USAGE, connections::Connections, output, stop};

pub(crate) use self::{
    arguments::ServeArgs,
    database::{Database, Store},
    keys::ScopeName,
};

mod arguments;
mod count;
mod dashboard;
mod database;
mod delivering;
mod file;
mod keys;
mod layers;
mod log;
mod network;
mod otlp;
mod running;
mod sample;
mod sealed;
mod settings;
mod shown;
#[cfg(not(feature = "otlp"))]
#[path = "serve/traces_off.rs"]
mod traces;
#[cfg(feature = "otlp")]
#[path = "serve/traces_on.rs"]
mod traces;

/// What the key may do.
#[derive(Args)]
pub(crate) struct ApiKeyArgs {
    /// What the server's log calls the key
    #[arg(long, default_value = "admin")]
    label: String,
    /// What the key may do
    #[arg(long, value_enum, default_value_t = ScopeName::Admin)]
    scope: ScopeName,
    /// The tenant that the key is confined to
    #[arg(long, required_if_eq("scope", "app"))]
    tenant: Option<String>,
}

pub(crate) fn run(arguments: &ServeArgs) -> anyhow::Result<ExitCode> {
    if arguments.sample {
        runtime()?.block_on(sample::run(arguments.listen.map(|listen| listen.0)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let settings = Settings::read(arguments)?;
    let log = Log::of(&settings);
    if arguments.database.as_ref().is_some_and(Database::has_password) {
        log.warning(PASSWORD_SHOWN);
    }
    if arguments.print_config {
        shown::print(&settings, arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    match serve(settings, log) {
        Err(error) if !output::nobody_reads(&error) => {
            log.error(&error);
            Ok(ExitCode::from(USAGE))
        }
        served => served.map(|()| ExitCode::SUCCESS),
    }
}

/// Serves until the process is told to stop.
fn serve(settings: Settings, log: Log) -> anyhow::Result<()> {
    settings.check()?;
    if settings.sealer.is_none() {
        log.note(UNSEALED);
    }
    let (wanted, most) =
        (settings.max_connections.value.0, Connections::new(settings.max_connections.value.0).most());
    if most < wanted.get() {
        log.note(format_args!(
            "{most} connections are taken at once, and not {wanted}: half of the files that this process may have \
             open, which `ulimit -n` raises"
        ));
    }
    let traces = Traces::start(&settings.otlp_endpoint)?;
    let served = runtime()?.block_on(start(settings, log, &traces));
    traces.finish();
    served
}

/// Makes a key, and prints it with what the configuration needs to let it in.
pub(crate) fn make_key(arguments: &ApiKeyArgs) -> anyhow::Result<ExitCode> {
    let key = ApiKey::generate()?;
    let entry = KeyEntry::new(&arguments.label, key.digest(), arguments.scope, arguments.tenant.clone())?;
    output::note("the key is the first line, and is not shown again; the rest belongs into countersign.toml");
    write!(output::stdout(), "{}\n\n{entry}", key.expose())?;
    Ok(ExitCode::SUCCESS)
}

/// The API over a database that is there already, with the other settings of the server.
pub(crate) struct ApiOver {
    pub(crate) router: Router,
    store: Store,
    /// Whether the secrets that it stores are sealed.
    seals: bool,
}

impl ApiOver {
    /// Whether secrets that are stored are stored as they are.
    ///
    /// # Errors
    /// They would be, and others are sealed.
    pub(crate) async fn stores_in_clear(&self) -> anyhow::Result<bool> {
        if !self.seals {
            sealed::check_none(&self.store).await?;
        }
        Ok(!self.seals)
    }
}

/// Opens a database that is there already.
pub(crate) async fn api_over(database: &Database) -> anyhow::Result<ApiOver> {
    let arguments = ServeArgs { database: Some(database.clone()), ..ServeArgs::default() };
    let settings = Settings::read(&arguments)?;
    if database.has_password() {
        output::warning(PASSWORD_SHOWN);
    }
    let store = database.open().await?;
    Log::of_command().start_alone();
    let router = match &store {
        Store::Sqlite(store) => running::api(Outbox::new(store.clone()), &settings)?,
        Store::Postgres(store) => running::api(Outbox::new(store.clone()), &settings)?,
    };
    Ok(ApiOver { router, store, seals: settings.sealer.is_some() })
}

fn runtime() -> anyhow::Result<Runtime> {
    Runtime::new().context("the server can't be started")
}

async fn start(settings: Settings, log: Log, traces: &Traces) -> anyhow::Result<()> {
    match &settings.database.value {
        Database::Sqlite(path) => {
            let store = database::sqlite(path).await?;
            let served = listen(store.clone(), settings, log, traces).await;
            store.close().await;
            served
        }
        Database::Postgres(both) => {
            let store = settings.database.value.postgres(&both.1).await?;
            listen(store, settings, log, traces).await
        }
    }
}

async fn listen(
    store: impl OutboxStore + ApiKeyStore,
    mut settings: Settings,
    log: Log,
    traces: &Traces,
) -> anyhow::Result<()> {
    let stop = stop::signals().context("signals can't be waited for")?;
    sealed::check(&store, &settings, log).await?;
    let listener = bind(&settings).await?;
    if let Some(key) = first_key(&mut settings)? {
        show_once(&key, &settings.path)?;
    }
    let work = Work::new(Outbox::new(store), &settings)?;
    welcome(&listener, &work)?;
    log.start(traces);
    work.run(listener, stop).await
}

async fn bind(settings: &Settings) -> anyhow::Result<TcpListener> {
    let address = settings.listen.value.0;
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!(
            "can't listen at {address}, where another process does: --listen {} takes a port that is free",
            SocketAddr::new(address.ip(), 0)
        ),
        _ => anyhow!("can't listen at {address}: {error}"),
    })
}

/// Says where the server is reached, and how people get in.
fn welcome<S: OutboxStore + ApiKeyStore>(listener: &TcpListener, work: &Work<S>) -> anyhow::Result<()> {
    let origin = format!("http://{}", listener.local_addr()?);
    Ok(write!(output::stdout(), "listening at {origin}\n{}", work.invitation(&origin)?)?)
}

/// Shows the key whose digest was just written to this file. Where it can't be shown the file is removed: nobody would
/// ever be let in by it, and the next start makes another.
fn show_once(key: &ApiKey, path: &Path) -> anyhow::Result<()> {
    let file = path.display();
    let shown =
        writeln!(output::stdout(), "API key, shown this once ({file} keeps its digest): {}", key.expose());
    shown.or_else(|error| {
        fs::remove_file(path).with_context(|| format!("{file} keeps a key that nobody has"))?;
        Err(error.into())
    })
}

/// Makes an admin's key where there is none, and no configuration file in which it is missing.
fn first_key(settings: &mut Settings) -> anyhow::Result<Option<ApiKey>> {
    if !settings.role.value.answers() || !settings.keys.is_empty() {
        return Ok(None);
    }
    if settings.file_exists {
        bail!(
            "there is no API key: make one by `countersign api-key`, and put what it prints into {}",
            settings.path.display()
        );
    }
    settings.keys.make_first(&settings.path).map(Some)
}

/// What is said where secrets are stored as they are.
pub(crate) const UNSEALED: &str = "\
    endpoints' secrets are stored as they are: COUNTERSIGN_SEAL_KEY, made by `openssl rand -base64 32`, \
    seals those that are made from then on";
const PASSWORD_SHOWN: &str = "\
    --database shows its password to everybody who can run `ps` here, and to the shell's history: use \
    COUNTERSIGN_DATABASE or PGPASSWORD";
