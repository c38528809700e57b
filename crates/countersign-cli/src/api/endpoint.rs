//! `countersign endpoint`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use url::Url;

use super::{Api, PageArgs, ServerArgs, fields};
use crate::{output, secrets};

#[derive(Subcommand)]
pub(crate) enum EndpointCommand {
    /// Lists endpoints
    List(ListArgs),
    /// Makes an endpoint, and prints its secret, this once
    Add(Box<AddArgs>),
    /// Shows an endpoint
    Show(OneArgs),
    /// Gives an endpoint what waits for it, and what comes
    Enable(OneArgs),
    /// Keeps what is for an endpoint until it is enabled
    Disable(OneArgs),
    /// Deletes an endpoint with its history, for ever
    Remove(RemoveArgs),
}

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Where messages are delivered
    url: Url,
    /// What people call it [default: its id]
    #[arg(long)]
    name: Option<String>,
    /// How messages are signed, by a name in `countersign schemes` [default: standard-webhooks]
    #[arg(long, value_name = "NAME")]
    scheme: Option<String>,
    /// The event types that are wanted, such as invoice.paid or invoice.* (repeatable) [default: all]
    #[arg(long = "event", value_name = "PATTERN")]
    events: Vec<String>,
    /// The channels that are wanted (repeatable) [default: any]
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// The tenant whose messages it is given
    #[arg(long)]
    tenant: Option<String>,
    /// The environment variable with the secret, where the receiver has one already
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,
}

#[derive(Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The endpoint's id
    id: String,
}

#[derive(Args)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Says that it is meant
    #[arg(long, required = true)]
    yes: bool,
}

pub(crate) fn run(command: EndpointCommand) -> anyhow::Result<ExitCode> {
    match command {
        EndpointCommand::List(arguments) => list(&arguments)?,
        EndpointCommand::Add(arguments) => add(&arguments)?,
        EndpointCommand::Show(arguments) => show(&arguments)?,
        EndpointCommand::Enable(arguments) => act(&arguments, "enable")?,
        EndpointCommand::Disable(arguments) => act(&arguments, "disable")?,
        EndpointCommand::Remove(arguments) => remove(&arguments.one)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(arguments: &ListArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let columns = ["id", "name", "url", "events", "enabled", "scheme"];
    api.print_list(ENDPOINTS, &[("tenant", arguments.tenant.as_deref())], &arguments.page, &columns)
}

/// A new endpoint, as the server reads it.
#[derive(Serialize)]
struct Draft<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    events: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    channels: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

fn add(arguments: &AddArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let secret = arguments.secret_env.as_deref().map(secrets::variable).transpose()?;
    api.note_secret();
    let draft = Draft {
        url: arguments.url.as_str(),
        name: arguments.name.as_deref(),
        scheme: arguments.scheme.as_deref(),
        events: &arguments.events,
        channels: &arguments.channels,
        tenant: arguments.tenant.as_deref(),
        secret: secret.as_ref().map(|secret| secret.as_str()),
    };
    let mut made = api.post_json(&[ENDPOINTS], &draft)?;
    if let Some(answer) = made.as_object_mut().filter(|_| secret.is_some()) {
        // Who gave the secret has it; it need not stand in a log as well.
        answer.remove("secret");
    }
    if made["secret"].is_string() {
        output::note("the secret is shown this once");
    }
    api.print(&made, fields)
}

fn show(arguments: &OneArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    api.print(&api.get(&[ENDPOINTS, &arguments.id], &[])?, fields)
}

fn act(arguments: &OneArgs, action: &str) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    api.print(&api.post(&[ENDPOINTS, &arguments.id, action])?, fields)
}

fn remove(arguments: &OneArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    api.delete(&[ENDPOINTS, &arguments.id])?;
    output::note(format_args!("{} is deleted", output::printable(&arguments.id)));
    Ok(())
}

const ENDPOINTS: &str = "endpoints";
