//! `countersign status`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{Api, ServerArgs, endpoint, fields, table};

#[derive(Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// What waits, how a day's attempts went, and the endpoints that are in trouble: what to look at first.
pub(crate) fn run(arguments: &StatusArgs) -> anyhow::Result<ExitCode> {
    let api = Api::new(&arguments.server)?;
    let mut status = api.get(&["stats"], &[])?;
    let attempts = api.get(&["stats", "activity"], &[])?;
    let (mut endpoints, mut troubled) = (0_u64, Vec::new());
    api.each_row(endpoint::ENDPOINTS, &[], |endpoint| {
        endpoints += 1;
        troubled.extend(endpoint::is_in_trouble(endpoint).then(|| endpoint.clone()));
        Ok(())
    })?;
    status["attempts_of_a_day"] = json!({
        "succeeded": sum(&attempts["items"], "succeeded"),
        "failed": sum(&attempts["items"], "failed"),
    });
    status["endpoints"] = json!(endpoints);
    status["endpoints_in_trouble"] = json!(troubled);
    api.print(&status, shown)?;
    Ok(ExitCode::SUCCESS)
}

fn sum(steps: &Value, outcome: &str) -> u64 {
    steps.as_array().into_iter().flatten().filter_map(|step| step[outcome].as_u64()).sum()
}

fn shown(status: &Value) -> String {
    let mut figures = status.clone();
    let troubled = figures["endpoints_in_trouble"].take();
    let count = troubled.as_array().map_or(0, Vec::len);
    figures["endpoints_in_trouble"] = json!(count);
    match count {
        0 => fields(&figures),
        _ => format!("{}\n{}", fields(&figures), table::rows_of(&troubled, &COLUMNS, endpoint::cell)),
    }
}

const COLUMNS: [&str; 4] = ["id", "name", "url", "health"];
