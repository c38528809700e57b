//! `countersign replay`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use serde::Serialize;
use serde_json::json;

use super::{
    Api, ServerArgs, fields,
    status::Replayed,
    which::{self, NEEDED, STEP, Which},
};

#[derive(Args)]
#[command(group = ArgGroup::new("which").args(NEEDED).required(true).multiple(true))]
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

#[derive(Args, Serialize)]
struct Filter {
    #[command(flatten)]
    #[serde(flatten)]
    which: Which,
    /// Where they stand
    #[arg(long, default_value_t = Replayed::Dead, value_enum)]
    status: Replayed,
}

pub(crate) fn run(arguments: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let api = Api::new(&arguments.server)?;
    let Filter { which, status } = &arguments.filter;
    let status = status.as_str();
    let query = [which.query().as_slice(), &[("status", Some(status))]].concat();
    let count = api.get(&["replays", "count"], &query)?;
    let result = match arguments.count {
        true => count,
        false => json!({ "redelivered": replay(&api, arguments, count["count"].as_u64())? }),
    };
    api.print(&result, fields)?;
    if which::is_none(&result) {
        api.note(format_args!("nothing matched: no {status} delivery is among those that were asked for"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes them again, step by step, and says how many there were.
fn replay(api: &Api, arguments: &ReplayArgs, count: Option<u64>) -> anyhow::Result<u64> {
    let bar = which::progress(count);
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
