//! The `countersign` command: signs, verifies, sends and serves webhooks.

use std::{io::Write as _, process::ExitCode};

use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;

use crate::cli::{Cli, Command};

mod api;
mod batch;
mod cli;
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
mod sign;
mod stop;
mod tls;
mod verify;

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        output::error(&error);
        ExitCode::from(if error.is::<api::NotDone>() { cli::NOT_DONE } else { cli::USAGE })
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Schemes(arguments) => schemes::run(&arguments),
        Command::Send(arguments) => send::run(&arguments),
        Command::Listen(arguments) => listen::run(&arguments),
        Command::ReplayLocal(arguments) => listen::replay(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::ApiKey(arguments) => serve::make_key(&arguments),
        Command::Endpoint(command) => api::endpoint::run(command),
        Command::Message(command) => api::message::run(command),
        Command::Delivery(command) => api::delivery::run(command),
        Command::Replay(arguments) => api::replay::run(&arguments),
        Command::Completions { shell } => completions(shell),
    }
}

fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
