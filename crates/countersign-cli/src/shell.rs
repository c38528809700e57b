//! What a shell and `man` know of the command.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{cli::Cli, output};

#[derive(Args)]
pub(crate) struct ManArgs {
    /// The folder into which a page for each command is written, such as ~/.local/share/man/man1
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(crate) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
    output::bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the page of the command itself, or writes all pages.
pub(crate) fn man(arguments: &ManArgs) -> anyhow::Result<ExitCode> {
    let Some(folder) = &arguments.folder else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page)?;
        output::bytes(&page)?;
        return Ok(ExitCode::SUCCESS);
    };
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.with_context(|| format!("the pages can't be written to {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
