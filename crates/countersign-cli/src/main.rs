//! The `countersign` command: signs, verifies, sends and serves webhooks.

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

mod api;
mod batch;
mod cli;
mod connections;
mod inbox;
mod incoming;
mod infer;
mod input;
mod listen;
mod output;
mod private;
mod report;
mod request;
mod schemes;
mod secrets;
mod send;
mod serve;
mod shell;
mod sign;
mod span;
mod stop;
mod tls;
mod verify;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let judges = cli.command.judges();
    run(cli).unwrap_or_else(|error| match output::nobody_reads(&error) {
        true if judges => ExitCode::from(cli::USAGE),
        true => ExitCode::SUCCESS,
        false => {
            output::error(&error);
            ExitCode::from(if error.is::<api::NotDone>() { cli::NOT_DONE } else { cli::USAGE })
        }
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Infer(arguments) => infer::run(&arguments),
        Command::Schemes(arguments) => schemes::run(&arguments),
        Command::Send(arguments) => send::run(&arguments),
        Command::Listen(arguments) => listen::run(&arguments),
        Command::ReplayLocal(arguments) => listen::replay(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::ApiKey(arguments) => serve::make_key(&arguments),
        Command::Status(arguments) => api::overview::run(&arguments),
        Command::Endpoint(command) => api::endpoint::run(command),
        Command::Message(command) => api::message::run(command),
        Command::Delivery(command) => api::delivery::run(command),
        Command::Replay(arguments) => api::replay::run(&arguments),
        Command::Cancel(arguments) => api::cancel::run(&arguments),
        Command::Key(command) => api::key::run(command),
        Command::Tenant(command) => api::tenant::run(command),
        Command::Inbox(command) => inbox::run(&command),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man(arguments) => shell::man(&arguments),
    }
}
