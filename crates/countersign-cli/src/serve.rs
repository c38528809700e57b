//! `countersign serve` and `countersign api-key`: the server, and the keys that it lets in.

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;
use countersign_server::ApiKey;
use countersign_store::outbox::OutboxStore;
use tokio::net::TcpListener;

use self::{
    database::Database,
    keys::{KeyEntry, ScopeName},
    running::Work,
    settings::Settings,
};
use crate::{output, stop};

pub(crate) use self::arguments::ServeArgs;

mod arguments;
mod database;
mod file;
mod keys;
mod running;
mod settings;
mod shown;

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
    let settings = Settings::read(arguments)?;
    if arguments.print_config {
        shown::print(&settings, arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    settings.check()?;
    if settings.sealer.is_none() {
        output::note(
            "endpoints' secrets are stored as they are: COUNTERSIGN_SEAL_KEY, made by `openssl rand -base64 32`, \
             seals those that are made from then on",
        );
    }
    let runtime = tokio::runtime::Runtime::new().context("the server can't be started")?;
    runtime.block_on(start(settings))?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a key, and prints it with what the configuration needs to let it in.
pub(crate) fn make_key(arguments: &ApiKeyArgs) -> anyhow::Result<ExitCode> {
    let key = ApiKey::generate()?;
    let entry = KeyEntry::new(&arguments.label, key.digest(), arguments.scope, arguments.tenant.clone())?;
    output::note("the key is the first line, and is not shown again; the rest belongs into countersign.toml");
    write!(output::stdout(), "{}\n\n{entry}", key.expose())?;
    Ok(ExitCode::SUCCESS)
}

async fn start(settings: Settings) -> anyhow::Result<()> {
    match &settings.database.value {
        Database::Sqlite(path) => {
            let store = database::sqlite(path).await?;
            listen(store, settings).await
        }
        Database::Postgres(both) => {
            let store = database::postgres(&both.1).await?;
            listen(store, settings).await
        }
    }
}

async fn listen(store: impl OutboxStore, mut settings: Settings) -> anyhow::Result<()> {
    let stop = stop::signals().context("signals can't be waited for")?;
    let address = settings.listen.value;
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("can't listen at {address}"))?;
    if let Some(key) = first_key(&mut settings)? {
        let path = settings.path.display();
        writeln!(output::stdout(), "API key, shown this once ({path} keeps its digest): {}", key.expose())?;
    }
    let work = Work::new(store, &settings)?;
    writeln!(output::stdout(), "listening at http://{}", listener.local_addr()?)?;
    work.run(listener, stop).await
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
