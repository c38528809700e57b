//! The `countersign` command: signs and verifies webhooks by the scheme of any known provider.

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

mod batch;
mod cli;
mod input;
mod output;
mod report;
mod request;
mod schemes;
mod secrets;
mod sign;
mod verify;

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        output::error(&error);
        ExitCode::from(cli::USAGE)
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Schemes(arguments) => schemes::run(&arguments),
    }
}
