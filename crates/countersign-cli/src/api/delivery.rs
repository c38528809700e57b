//! `countersign delivery`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Api, PageArgs, Query, ServerArgs, fields, status::Status, table, which::Sent};

#[derive(Subcommand)]
pub(crate) enum DeliveryCommand {
    /// Lists deliveries, the newest first
    List(Box<ListArgs>),
    /// Shows a delivery with its attempts
    Show(OneArgs),
    /// Makes a delivery that is settled again, or at once the attempt that one waits for
    ///
    /// While its endpoint is left alone after failures, the attempt waits for that: `countersign endpoint enable` ends
    /// it.
    Redeliver(OneArgs),
    /// Cancels a delivery that waits
    Cancel(OneArgs),
}

/// Which rows of a list, of messages as of deliveries.
#[derive(Args)]
pub(crate) struct FilterArgs {
    #[command(flatten)]
    sent: Sent,
    #[command(flatten)]
    page: PageArgs,
}

impl FilterArgs {
    /// Prints the rows that this and `more` describe.
    pub(super) fn print(
        &self,
        api: &Api,
        path: &str,
        more: Query<'_>,
        fields: &[&str],
    ) -> anyhow::Result<()> {
        api.print_list(path, &[&self.sent.query(), more].concat(), &self.page, fields)
    }
}

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// To this endpoint, by its id
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Of this message, by its id
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Where it stands
    #[arg(long)]
    status: Option<Status>,
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The delivery's id
    id: String,
}

pub(crate) fn run(command: DeliveryCommand) -> anyhow::Result<ExitCode> {
    match command {
        DeliveryCommand::List(arguments) => list(&arguments)?,
        DeliveryCommand::Show(arguments) => show(&arguments)?,
        DeliveryCommand::Redeliver(arguments) => act(&arguments, "redeliver")?,
        DeliveryCommand::Cancel(arguments) => act(&arguments, "cancel")?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(arguments: &ListArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let more = [
        ("endpoint", arguments.endpoint.as_deref()),
        ("message", arguments.message.as_deref()),
        ("status", arguments.status.map(Status::as_str)),
    ];
    let columns = ["id", "status", "type", "endpoint", "attempts", "last_status", "last_error", "created_at"];
    arguments.filter.print(&api, DELIVERIES, &more, &columns)
}

fn show(arguments: &OneArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let delivery = api.get(&[DELIVERIES, &arguments.id], &[])?;
    let attempts = api.get(&[DELIVERIES, &arguments.id, "attempts"], &[])?;
    let both = json!({ "delivery": delivery, "attempts": attempts["items"] });
    api.print(&both, |both| {
        let columns = ["number", "at", "trigger", "answer", "latency", "error", "response_body"];
        format!("{}\n{}", fields(&both["delivery"]), table::rows_of(&both["attempts"], &columns, cell))
    })
}

/// What a table shows of an attempt: by another name than the delivery's status what was answered, and milliseconds.
fn cell(attempt: &Value, column: &str) -> String {
    match column {
        "answer" => table::field(attempt, "status"),
        "latency" => match attempt["latency_micros"].as_f64() {
            Some(micros) => format!("{:.1} ms", micros / 1000.0),
            None => table::field(attempt, "latency_micros"),
        },
        _ => table::field(attempt, column),
    }
}

fn act(arguments: &OneArgs, action: &str) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    api.print(&api.post(&[DELIVERIES, &arguments.id, action])?, fields)
}

const DELIVERIES: &str = "deliveries";
