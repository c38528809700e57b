//! `countersign message`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Api, ServerArgs, fields};
use crate::{api::delivery::FilterArgs, input};

#[derive(Subcommand)]
pub(crate) enum MessageCommand {
    /// Sends a message to every endpoint that wants it
    Send(Box<SendArgs>),
    /// Lists messages, the newest first
    List(ListArgs),
    /// Shows a message with its payload
    Show(OneArgs),
}

#[derive(Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The event type, such as invoice.paid
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// The tenant whose endpoints are given it
    #[arg(long)]
    tenant: Option<String>,
    /// The channels that it is on (repeatable)
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// Delivered from this time on, such as 2026-11-20T00:00:00Z
    #[arg(long, value_name = "TIME")]
    due_at: Option<String>,
    /// A text under which it is sent once, however often this is run
    #[arg(long, value_name = "TEXT", value_parser = idempotency_key)]
    idempotency_key: Option<String>,
    /// The file with the body, which is JSON and is sent byte for byte; `-` for standard input
    #[arg(value_name = "BODY")]
    body: PathBuf,
}

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The message's id
    id: String,
}

pub(crate) fn run(command: MessageCommand) -> anyhow::Result<ExitCode> {
    match command {
        MessageCommand::Send(arguments) => send(&arguments)?,
        MessageCommand::List(arguments) => list(&arguments)?,
        MessageCommand::Show(arguments) => show(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A new message, as the server reads it.
#[derive(Serialize)]
struct Draft<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    payload: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    channels: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<&'a str>,
}

fn send(arguments: &SendArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let name = input::name(&arguments.body);
    let payload = serde_json::from_slice(&input::read(&arguments.body)?);
    let draft = Draft {
        kind: &arguments.kind,
        payload: payload.with_context(|| format!("{name} isn't JSON"))?,
        tenant: arguments.tenant.as_deref(),
        channels: &arguments.channels,
        due_at: arguments.due_at.as_deref(),
    };
    let enqueued = match &arguments.idempotency_key {
        Some(key) => api.post_json_once(&[MESSAGES], &draft, key),
        None => api.post_json(&[MESSAGES], &draft),
    }?;
    api.print(&enqueued, fields)?;
    if enqueued["duplicate"] == false && enqueued["deliveries"] == 0 {
        api.note("no endpoint wants it, of its type, its channels and its tenant: it goes nowhere");
    }
    Ok(())
}

fn list(arguments: &ListArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    arguments.filter.print(&api, MESSAGES, &[], &["id", "type", "tenant", "created_at"])
}

fn show(arguments: &OneArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    api.print(&api.get(&[MESSAGES, &arguments.id], &[])?, fields)
}

/// A text that the header of an idempotency key can carry.
fn idempotency_key(text: &str) -> Result<String, &'static str> {
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    fits.then(|| text.to_owned()).ok_or(
        "it is sent in a header, which carries 1 to 255 characters of ASCII, and no control characters",
    )
}

const MESSAGES: &str = "messages";
