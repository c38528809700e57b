//! `countersign inbox`: an application's inbox, straight at its database.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use countersign_store::{DeadLetter, InboxStore};
use indicatif::ProgressBar;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    api::{NotDone, fields, rows},
    output,
    serve::{Database, Store},
};

#[derive(Subcommand)]
pub(crate) enum InboxCommand {
    /// Lists the events that were given up, and says how many wait to be handled
    Dead(DeadArgs),
    /// Shows an event that was given up, or prints its body
    Show(ShowArgs),
    /// Puts events that were given up back, to be handled again at once
    Requeue(RequeueArgs),
}

#[derive(Args)]
pub(crate) struct DatabaseArgs {
    /// The application's database: a SQLite file, or the URL of PostgreSQL
    #[arg(long, value_name = "FILE|URL")]
    database: Database,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct DeadArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// How many rows
    #[arg(long, value_name = "ROWS", default_value_t = 50)]
    limit: u32,
    /// Those behind this id, as the page before it said
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: i64,
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The event's row
    id: i64,
    /// Prints the body, byte for byte as it arrived
    #[arg(long, conflicts_with = "json")]
    body: bool,
}

#[derive(Args)]
pub(crate) struct RequeueArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The events' rows
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<i64>,
    /// All that were given up
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

pub(crate) fn run(command: &InboxCommand) -> anyhow::Result<ExitCode> {
    let (InboxCommand::Dead(DeadArgs { database, .. })
    | InboxCommand::Show(ShowArgs { database, .. })
    | InboxCommand::Requeue(RequeueArgs { database, .. })) = command;
    let runtime = Runtime::new().context("the database can't be opened")?;
    runtime.block_on(async {
        match database.database.open().await? {
            Store::Sqlite(store) => run_in(&store, command).await,
            Store::Postgres(store) => run_in(&store, command).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn run_in(store: &impl InboxStore, command: &InboxCommand) -> anyhow::Result<()> {
    match command {
        InboxCommand::Dead(arguments) => dead(store, arguments).await,
        InboxCommand::Show(arguments) => show(store, arguments).await,
        InboxCommand::Requeue(arguments) => requeue(store, arguments).await,
    }
}

async fn dead(store: &impl InboxStore, arguments: &DeadArgs) -> anyhow::Result<()> {
    let letters = store.dead(arguments.after, arguments.limit).await?;
    let waiting = store.depth().await?;
    let full = u32::try_from(letters.len()).is_ok_and(|count| count >= arguments.limit);
    let next = letters.last().filter(|_| full).map(|letter| letter.id);
    let items: Value = letters.iter().map(described).collect();
    if arguments.database.json {
        return output::json(&json!({ "waiting": waiting, "items": items, "next": next }));
    }
    let columns = ["id", "source", "type", "event_id", "attempts", "accepted_at", "reason"];
    write!(output::stdout(), "{}", rows(&items, &columns))?;
    output::note(format_args!("waiting or being handled: {waiting}"));
    if let Some(next) = next {
        output::note(format_args!("there may be more: --after {next}"));
    }
    Ok(())
}

async fn show(store: &impl InboxStore, arguments: &ShowArgs) -> anyhow::Result<()> {
    let found = store.dead(arguments.id.saturating_sub(1), 1).await?;
    let letter = found.first().filter(|letter| letter.id == arguments.id);
    let letter = letter.ok_or_else(|| NotDone::because(no_such(arguments.id)))?;
    if arguments.body {
        return output::bytes(&letter.received.body);
    }
    match arguments.database.json {
        true => output::json(&described(letter)),
        false => Ok(write!(output::stdout(), "{}", fields(&described(letter)))?),
    }
}

async fn requeue(store: &impl InboxStore, arguments: &RequeueArgs) -> anyhow::Result<()> {
    let mut requeued = 0_u64;
    for &id in &arguments.ids {
        if !store.requeue(id).await? {
            return Err(NotDone::because(format!("{}; {requeued} were put back", no_such(id))).into());
        }
        requeued += 1;
    }
    if arguments.all {
        requeued = requeue_all(store).await?;
    }
    match arguments.database.json {
        true => output::json(&json!({ "requeued": requeued })),
        false => Ok(writeln!(output::stdout(), "put back: {requeued}")?),
    }
}

/// Puts those back that are dead now. One that dies again meanwhile is not taken again: its id is behind.
async fn requeue_all(store: &impl InboxStore) -> anyhow::Result<u64> {
    const AT_ONCE: u32 = 100;
    let progress = ProgressBar::new_spinner();
    let (mut after, mut requeued) = (0, 0);
    loop {
        let letters = store.dead(after, AT_ONCE).await?;
        let Some(last) = letters.last() else { break };
        after = last.id;
        for letter in &letters {
            requeued += u64::from(store.requeue(letter.id).await?);
            progress.set_message(format!("{requeued} events"));
            progress.tick();
        }
    }
    progress.finish_and_clear();
    Ok(requeued)
}

fn described(letter: &DeadLetter) -> Value {
    let DeadLetter { id, attempts, reason, accepted_at, received } = letter;
    json!({
        "id": id,
        "key": received.key,
        "source": received.source,
        "tenant": received.tenant,
        "event_id": received.event_id,
        "type": received.event_type,
        "order": received.order,
        "attempts": attempts,
        "accepted_at": Timestamp::from_microsecond(*accepted_at).ok().map(|time| format!("{time:.6}")),
        "bytes": received.body.len(),
        "reason": reason,
    })
}

fn no_such(id: i64) -> String {
    format!("no event of row {id} was given up: see `countersign inbox dead`")
}
