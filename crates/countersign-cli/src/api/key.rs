//! `countersign key`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::{Api, ListArgs, ServerArgs, text};
use crate::{output, serve::ScopeName};

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes an API key, and prints it, this once
    Create(CreateArgs),
    /// Lists API keys: their labels, and what they may do
    List(ListArgs),
    /// Removes an API key, which lets nobody in from then on
    Remove(RemoveArgs),
}

#[derive(Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    draft: Draft,
}

/// A new key, as the server reads it.
#[derive(Args, Serialize)]
struct Draft {
    /// What the server's log calls the key: no other has it
    #[arg(long)]
    label: String,
    /// What the key may do
    #[arg(long, value_enum)]
    scope: ScopeName,
    /// The tenant that the key is confined to
    #[arg(long, required_if_eq("scope", "app"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// From when it lets nobody in, such as 2027-01-01T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

#[derive(Args)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The key's id
    id: String,
}

pub(crate) fn run(command: KeyCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeyCommand::Create(arguments) => create(&arguments)?,
        KeyCommand::List(arguments) => list(&arguments)?,
        KeyCommand::Remove(arguments) => remove(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn create(arguments: &CreateArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let made = api.post_json(&[KEYS], &arguments.draft)?;
    output::note(format_args!("this is the key of {}, shown this once", text(&made["id"])));
    api.print(&made, key)
}

/// The key alone, as a variable or a file takes it.
fn key(made: &Value) -> String {
    text(&made["key"]) + "\n"
}

fn list(arguments: &ListArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let columns = ["id", "label", "scope", "tenant", "created_at", "expires_at"];
    api.print_list(KEYS, &[], &arguments.page, &columns)
}

fn remove(arguments: &RemoveArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    api.delete(&[KEYS, &arguments.id])?;
    output::note(format_args!("{} is removed", output::printable(&arguments.id)));
    Ok(())
}

const KEYS: &str = "keys";
