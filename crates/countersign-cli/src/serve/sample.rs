//! `countersign serve --sample`: the server with endpoints, a receiver and traffic of its own, to look at.
//!
//! All of it is real but for the events: the dispatcher, its requests, their signatures, and the receiver that
//! verifies them.

use std::{io::Write as _, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use countersign_dispatch::Outbox;
use countersign_store::{
    api_keys::ApiKeyStore,
    outbox::{Endpoint, Limits, OutboxStore},
};
use tempfile::TempDir;

use self::endpoints::{ENDPOINTS, Sample};
use super::{bind, running::Work, settings::Settings, welcome};
use crate::{output, stop};

mod endpoints;
mod receiver;
mod system;
mod traffic;

/// Serves until it is told to stop. What it writes is in a folder that goes with it.
pub(super) async fn run(listen: Option<SocketAddr>) -> anyhow::Result<()> {
    if listen.is_some_and(|address| !address.ip().is_loopback()) {
        bail!("the sample is for this machine alone: --listen takes an address such as 127.0.0.1:8080");
    }
    let stop = stop::signals().context("signals can't be waited for")?;
    let folder = TempDir::with_prefix("countersign-").context("no temporary folder can be made")?;
    let database = folder.path().join("sample.db");
    let receiver = receiver::start().await?;
    let (settings, key) = Settings::of_sample(listen, &database, receiver)?;
    let listener = bind(&settings).await?;
    let outbox = fill(&database, receiver).await?;
    let work = Work::new(outbox.clone(), &settings)?
        .dispatching(|dispatcher| dispatcher.payload_source(system::payload_source()));
    explain()?;
    writeln!(output::stdout(), "API key, for this run alone: {}", key.expose())?;
    welcome(&listener, &work)?;
    let flow = tokio::spawn(traffic::flow(outbox));
    let worked = work.run(listener, stop).await;
    flow.abort();
    worked
}

/// An outbox with the endpoints and what has been told of so far.
async fn fill(
    database: &Path,
    receiver: SocketAddr,
) -> anyhow::Result<Outbox<impl OutboxStore + ApiKeyStore>> {
    let outbox = Outbox::new(super::database::sqlite(database).await?);
    for sample in &ENDPOINTS {
        outbox.store().put_endpoint(&endpoint(sample, receiver)?).await?;
    }
    traffic::burst(&outbox).await?;
    Ok(outbox)
}

fn endpoint(sample: &Sample, receiver: SocketAddr) -> anyhow::Result<Endpoint> {
    let (id, url) = (format!("ep_{}", sample.path), format!("http://{receiver}/{}", sample.path));
    let mut endpoint = sample.system.endpoint(&id, &url, receiver::SECRET)?;
    endpoint.name = format!("{}: {}", sample.system.name(), sample.name);
    // With several at once, as many would fail before the first answer has come.
    endpoint.limits = Limits { in_flight: 1, ..Limits::default() };
    Ok(endpoint)
}

/// Prints what each endpoint shows.
fn explain() -> anyhow::Result<()> {
    let mut table = output::table();
    table.set_header(["ENDPOINT", "SYSTEM", "ITS RECEIVER"]);
    for sample in &ENDPOINTS {
        table.add_row([sample.name, sample.system.name(), sample.shows]);
    }
    Ok(write!(output::stdout(), "{}\n{ENDS}\n", output::lines(table))?)
}

const ENDS: &str = "A message is sent each second until Ctrl-C, which deletes all of it.";
/// Short, to be watched.
pub(super) const WAITS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8), Duration::from_secs(16)];
pub(super) const WARN_AFTER: Duration = Duration::from_secs(30);
pub(super) const DISABLE_AFTER: Duration = Duration::from_secs(3600);
