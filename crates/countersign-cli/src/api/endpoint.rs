//! `countersign endpoint`.

use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::{Api, PageArgs, ServerArgs, fields, table, web_url};
use crate::{output, schemes, secrets};

#[derive(Subcommand)]
pub(crate) enum EndpointCommand {
    /// Lists endpoints
    List(ListArgs),
    /// Makes an endpoint, and prints its secret, this once
    Add(Box<AddArgs>),
    /// Shows an endpoint
    Show(OneArgs),
    /// Changes an endpoint: what is given
    Change(Box<ChangeArgs>),
    /// Changes an endpoint's secret, and prints the new one, this once
    Rotate(RotateArgs),
    /// Sends an endpoint a test event, and no other endpoint
    Test(TestArgs),
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
    #[arg(value_parser = web_url)]
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
    #[command(flatten)]
    limits: Limits,
}

/// What an endpoint can bear, as the server reads it.
#[derive(Args, Serialize)]
struct Limits {
    /// How many requests may be under way at once: 10, where nothing was said
    #[arg(long, value_name = "REQUESTS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<u32>,
    /// How many requests may begin in a second; `none` for any number
    #[arg(long, value_name = "REQUESTS", value_parser = per_second)]
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<PerSecond>,
}

#[derive(Clone, Copy, Serialize)]
struct PerSecond(Option<u32>);

fn per_second(text: &str) -> Result<PerSecond, String> {
    match text {
        "none" => Ok(PerSecond(None)),
        _ => {
            text.parse().map(|times| PerSecond(Some(times))).map_err(|_| "neither a number nor `none`".into())
        }
    }
}

#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(CHANGES))]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Where messages are delivered, those that wait among them
    #[arg(long, value_parser = web_url)]
    url: Option<Url>,
    /// Where the URL leads to another host: lets the secrets sign for that, too
    #[arg(long, requires = "url")]
    keep_secrets: bool,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// The event types that are wanted from now on, such as invoice.paid or invoice.* (repeatable)
    #[arg(long = "event", value_name = "PATTERN")]
    events: Vec<String>,
    /// The channels that are wanted from now on (repeatable)
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    #[command(flatten)]
    limits: Limits,
}

#[derive(Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    one: OneArgs,
    /// The environment variable with the new secret, where the receiver has it already
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,
    /// For how long the old secrets sign beside the new one [default: a day, where the scheme has room]
    #[arg(long, value_name = "SECS")]
    overlap: Option<u32>,
}

#[derive(Args)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    one: OneArgs,
    /// The event type [default: test.webhook]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
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

/// The arguments of which a change needs one.
const CHANGES: [&str; 6] = ["url", "name", "events", "channels", "in_flight", "per_second"];

pub(crate) fn run(command: EndpointCommand) -> anyhow::Result<ExitCode> {
    match command {
        EndpointCommand::List(arguments) => list(&arguments)?,
        EndpointCommand::Add(arguments) => add(&arguments)?,
        EndpointCommand::Show(arguments) => show(&arguments)?,
        EndpointCommand::Change(arguments) => change(&arguments)?,
        EndpointCommand::Rotate(arguments) => rotate(&arguments)?,
        EndpointCommand::Test(arguments) => test(&arguments)?,
        EndpointCommand::Enable(arguments) => act(&arguments, "enable")?,
        EndpointCommand::Disable(arguments) => act(&arguments, "disable")?,
        EndpointCommand::Remove(arguments) => remove(&arguments.one)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(arguments: &ListArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let columns = ["id", "name", "url", "events", "health", "scheme"];
    let tenant = ("tenant", arguments.tenant.as_deref());
    api.print_list_of(ENDPOINTS, &[tenant], &arguments.page, (&columns, cell))
}

/// What a list shows of an endpoint: a name where it says more than the id, and how it fares in words.
pub(super) fn cell(endpoint: &Value, column: &str) -> String {
    match column {
        "name" if endpoint["name"] == endpoint["id"] => String::new(),
        "health" => health(endpoint),
        _ => table::field(endpoint, column),
    }
}

/// How an endpoint fares, in the dashboard's words.
fn health(endpoint: &Value) -> String {
    let health = &endpoint["health"];
    match (endpoint["disabled_because"].as_str(), health["failures"].as_u64()) {
        (Some("gone"), _) => "disabled: it answered 410 Gone".to_owned(),
        (Some("failing"), _) => {
            format!("disabled: failing since {}", table::field(health, "failing_since"))
        }
        (Some(_), _) => "disabled".to_owned(),
        (None, Some(failures @ 1..)) => format!("{failures} failed in a row"),
        (None, _) if health["succeeded_at"].is_string() => "well".to_owned(),
        (None, _) => "-".to_owned(),
    }
}

/// Whether somebody should look at an endpoint: its last attempt failed, or it was disabled because of what it answered.
pub(super) fn is_in_trouble(endpoint: &Value) -> bool {
    let disabled_by_us =
        endpoint["disabled_because"].as_str().is_some_and(|why| ["gone", "failing"].contains(&why));
    disabled_by_us || endpoint["health"]["failures"].as_u64().is_some_and(|failures| failures > 0)
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
    limits: &'a Limits,
}

fn add(arguments: &AddArgs) -> anyhow::Result<()> {
    // A scheme can be given as TOML, too, in lines.
    if let Some(name) = arguments.scheme.as_deref().filter(|scheme| !scheme.contains('\n')) {
        schemes::find(name)?;
    }
    let api = Api::new(&arguments.server)?;
    let secret = arguments.secret_env.as_deref().map(secrets::variable).transpose()?;
    api.note_secret()?;
    let draft = Draft {
        url: arguments.url.as_str(),
        name: arguments.name.as_deref(),
        scheme: arguments.scheme.as_deref(),
        events: &arguments.events,
        channels: &arguments.channels,
        tenant: arguments.tenant.as_deref(),
        secret: secret.as_ref().map(|secret| secret.as_str()),
        limits: &arguments.limits,
    };
    print_with_secret(&api, api.post_json(&[ENDPOINTS], &draft)?, secret.is_some())
}

/// Prints an endpoint that has a new secret. Who gave the secret has it; it need not stand in a log as well.
fn print_with_secret(api: &Api, mut endpoint: Value, was_given: bool) -> anyhow::Result<()> {
    if let Some(answer) = endpoint.as_object_mut().filter(|_| was_given) {
        answer.remove("secret");
    }
    if endpoint["secret"].is_string() {
        output::note("the secret is shown this once");
    }
    api.print(&endpoint, fields)
}

/// What is changed of an endpoint, as the server reads it.
#[derive(Serialize)]
struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_secrets: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    events: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    channels: &'a [String],
    limits: &'a Limits,
}

fn change(arguments: &ChangeArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.one.server)?;
    let change = Change {
        url: arguments.url.as_ref().map(Url::as_str),
        keep_secrets: arguments.keep_secrets.then_some(true),
        name: arguments.name.as_deref(),
        events: &arguments.events,
        channels: &arguments.channels,
        limits: &arguments.limits,
    };
    api.print(&api.patch_json(&[ENDPOINTS, &arguments.one.id], &change)?, fields)
}

/// How a secret is changed, as the server reads it.
#[derive(Serialize)]
struct Rotation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap_seconds: Option<u32>,
}

fn rotate(arguments: &RotateArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.one.server)?;
    let secret = arguments.secret_env.as_deref().map(secrets::variable).transpose()?;
    api.note_secret()?;
    let given = secret.as_ref().map(|secret| secret.as_str());
    let rotation = Rotation { secret: given, overlap_seconds: arguments.overlap };
    let rotated = api.post_json(&[ENDPOINTS, &arguments.one.id, "rotate"], &rotation)?;
    print_with_secret(&api, rotated, secret.is_some())
}

fn test(arguments: &TestArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.one.server)?;
    let path = [ENDPOINTS, &arguments.one.id, "test"];
    let delivery = match &arguments.kind {
        Some(kind) => api.post_json(&path, &json!({ "type": kind })),
        None => api.post(&path),
    }?;
    api.print(&delivery, fields)?;
    let id = table::field(&delivery, "id");
    api.note(format_args!("`countersign delivery show {id}` shows what becomes of it"));
    Ok(())
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

pub(super) const ENDPOINTS: &str = "endpoints";
