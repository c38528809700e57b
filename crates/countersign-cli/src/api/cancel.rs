//! `countersign cancel`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use serde_json::json;

use super::{
    Api, ServerArgs, fields,
    which::{self, NEEDED, STEP, Which},
};

#[derive(Args)]
#[command(group = ArgGroup::new("which").args(NEEDED).required(true).multiple(true))]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    which: Which,
    /// Counts the deliveries, and cancels none
    #[arg(long)]
    count: bool,
}

pub(crate) fn run(arguments: &CancelArgs) -> anyhow::Result<ExitCode> {
    let api = Api::new(&arguments.server)?;
    let count = api.get(&["cancellations", "count"], &arguments.which.query())?;
    let result = match arguments.count {
        true => count,
        false => json!({ "cancelled": cancel(&api, &arguments.which, count["count"].as_u64())? }),
    };
    api.print(&result, fields)?;
    if which::is_none(&result) {
        api.note("nothing matched: no delivery that waits is among those that were asked for");
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancels them, step by step, and says how many there were.
fn cancel(api: &Api, which: &Which, count: Option<u64>) -> anyhow::Result<u64> {
    let bar = which::progress(count);
    let (step, mut cancelled) = (json!({ "filter": which, "limit": STEP }), 0);
    loop {
        let stopped = || format!("stopped after {cancelled} deliveries");
        let answer = api.post_json(&["cancellations"], &step).with_context(stopped)?;
        let done = answer["cancelled"].as_u64().unwrap_or_default();
        cancelled += done;
        bar.inc(done);
        if answer["more"] != true {
            bar.finish_and_clear();
            return Ok(cancelled);
        }
    }
}
