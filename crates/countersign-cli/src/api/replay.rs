//! `countersign replay`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Api, ServerArgs, fields};

#[derive(Args)]
#[command(group = ArgGroup::new("which").args(["endpoint", "message", "from"]).required(true).multiple(true))]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    filter: Filter,
    /// Counts the deliveries, and makes none again
    #[arg(long)]
    count: bool,
    /// Where to go on, as a replay that was stopped said
    #[arg(long, value_name = "DELIVERY", conflicts_with = "count")]
    after: Option<i64>,
}

/// Which deliveries, as the server reads it.
#[derive(Args, Serialize)]
struct Filter {
    /// To this endpoint, by its id
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Of this message, by its id
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Of this event type
    #[arg(long = "type", value_name = "TYPE")]
    #[serde(rename = "type")]
    kind: Option<String>,
    /// How they ended: dead, delivered or cancelled
    #[arg(long, default_value = "dead")]
    status: String,
    /// Enqueued at this time or later, such as 2026-11-20T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Enqueued before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<String>,
}

pub(crate) fn run(arguments: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let api = Api::new(&arguments.server)?;
    let count = arguments.filter.count(&api)?;
    let result = match arguments.count {
        true => count,
        false => json!({ "redelivered": replay(&api, arguments, count["count"].as_u64())? }),
    };
    api.print(&result, fields)?;
    Ok(ExitCode::SUCCESS)
}

impl Filter {
    /// How many deliveries there are.
    fn count(&self, api: &Api) -> anyhow::Result<Value> {
        api.get(
            &["replays", "count"],
            &[
                ("endpoint", self.endpoint.as_deref()),
                ("message", self.message.as_deref()),
                ("type", self.kind.as_deref()),
                ("status", Some(&self.status)),
                ("from", self.from.as_deref()),
                ("until", self.until.as_deref()),
                ("tenant", self.tenant.as_deref()),
            ],
        )
    }
}

/// Makes them again, step by step, and says how many there were.
fn replay(api: &Api, arguments: &ReplayArgs, count: Option<u64>) -> anyhow::Result<u64> {
    let bar = progress(count.unwrap_or_default());
    let (mut after, mut redelivered) = (arguments.after, 0);
    loop {
        let step = json!({ "filter": &arguments.filter, "after": after, "limit": STEP });
        let answer = api.post_json(&["replays"], &step).with_context(|| stopped(redelivered, after))?;
        let made = answer["redelivered"].as_u64().unwrap_or_default();
        redelivered += made;
        bar.inc(made);
        after = answer["next"].as_i64();
        if after.is_none() {
            bar.finish_and_clear();
            return Ok(redelivered);
        }
    }
}

fn stopped(redelivered: u64, after: Option<i64>) -> String {
    match after {
        Some(after) => format!("stopped after {redelivered} deliveries; --after {after} goes on"),
        None => "nothing was made again".to_owned(),
    }
}

/// A bar on standard error, where that is a terminal.
fn progress(count: u64) -> ProgressBar {
    let bar = ProgressBar::new(count);
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} {eta}");
    style.into_iter().for_each(|style| bar.set_style(style));
    bar
}

/// How many deliveries a step makes again: the most that the server takes.
const STEP: u32 = 1_000;
