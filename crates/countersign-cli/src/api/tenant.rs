//! `countersign tenant`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use serde_json::json;

use super::{Api, ListArgs, ServerArgs, fields};

#[derive(Subcommand)]
pub(crate) enum TenantCommand {
    /// Lists tenants: those that have an endpoint or a message
    List(ListArgs),
    /// Shows a tenant
    Show(OneArgs),
    /// Forgets a tenant: its keys, its messages with their history, its endpoints, for ever
    Forget(ForgetArgs),
}

#[derive(Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The tenant's name
    name: String,
}

#[derive(Args)]
pub(crate) struct ForgetArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Says that it is meant
    #[arg(long, required = true)]
    yes: bool,
}

pub(crate) fn run(command: TenantCommand) -> anyhow::Result<ExitCode> {
    match command {
        TenantCommand::List(arguments) => list(&arguments)?,
        TenantCommand::Show(arguments) => show(&arguments)?,
        TenantCommand::Forget(arguments) => forget(&arguments.one)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(arguments: &ListArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    api.print_list(TENANTS, &[], &arguments.page, &["name", "endpoints", "last_message_at"])
}

fn show(arguments: &OneArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    api.print(&api.get(&[TENANTS, &arguments.name], &[])?, fields)
}

/// Forgets a tenant step by step, which can be stopped, and gone on with by the same command.
fn forget(arguments: &OneArgs) -> anyhow::Result<()> {
    let api = Api::new(&arguments.server)?;
    let count = ProgressBar::new_spinner();
    let mut forgotten = 0;
    loop {
        let step = api.delete(&[TENANTS, &arguments.name]).with_context(|| stopped(forgotten))?;
        forgotten += step["forgotten"].as_u64().unwrap_or_default();
        count.set_message(format!("{forgotten} messages and endpoints"));
        if step["more"] != true {
            count.finish_and_clear();
            return api.print(&json!({ "forgotten": forgotten }), fields);
        }
    }
}

fn stopped(forgotten: u64) -> String {
    match forgotten {
        0 => "nothing was forgotten".to_owned(),
        _ => format!("stopped after {forgotten} messages and endpoints; the same command goes on"),
    }
}

const TENANTS: &str = "tenants";
