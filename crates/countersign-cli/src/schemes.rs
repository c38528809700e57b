//! The known schemes: choosing one, listing them, showing one, checking a file.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use countersign::{Scheme, catalog};

use self::row::Row;
use crate::{
    cli::{NOT_VALID, SchemesAction, SchemesArgs},
    input, output,
};

mod row;

/// The scheme of a command.
#[derive(Args)]
pub(crate) struct SchemeArgs {
    /// The scheme, by its name in `countersign schemes`
    #[arg(long, value_name = "NAME")]
    pub(crate) scheme: Option<String>,
    /// A scheme of your own, as TOML; with --batch, one more beside the known ones
    #[arg(long, value_name = "FILE", conflicts_with = "scheme")]
    pub(crate) scheme_file: Option<PathBuf>,
}

impl SchemeArgs {
    pub(crate) fn load(&self) -> anyhow::Result<Scheme> {
        match (self.own()?, &self.scheme) {
            (Some(own), _) => Ok(own),
            (None, Some(name)) => find(name).cloned(),
            (None, None) => Err(anyhow!("no scheme was given: use --scheme NAME or --scheme-file FILE")),
        }
    }

    /// Whether there is one at all.
    pub(crate) fn is_given(&self) -> bool {
        self.scheme.is_some() || self.scheme_file.is_some()
    }

    /// The scheme of the file, where one is given.
    pub(crate) fn own(&self) -> anyhow::Result<Option<Scheme>> {
        self.scheme_file.as_deref().map(read).transpose()
    }
}

pub(crate) fn run(arguments: &SchemesArgs) -> anyhow::Result<ExitCode> {
    match &arguments.action {
        None => list(arguments.json)?,
        Some(SchemesAction::Show { name }) => write!(output::stdout(), "{}", find(name)?.to_toml())?,
        Some(SchemesAction::Check { file }) => return check(file),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(json: bool) -> anyhow::Result<()> {
    let rows: Vec<_> = catalog::ALL.iter().map(Row::of).collect();
    if json {
        return output::json(&rows);
    }
    let mut table = output::table();
    table.set_header(Row::HEADINGS);
    table.add_rows(rows.iter().map(Row::cells));
    Ok(write!(output::stdout(), "{}", output::lines(table))?)
}

fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let (text, name) = (text(file)?, input::name(file));
    let mut out = output::stdout();
    let (good, bad) = (output::GOOD, output::BAD);
    match Scheme::from_toml(&text) {
        Ok(scheme) => {
            writeln!(
                out,
                "{name}: {good}good{good:#}: scheme `{}` ({})",
                scheme.name,
                output::printable(&scheme.title)
            )?;
            warnings(&scheme).iter().for_each(output::warning);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let why = error.to_string().lines().collect::<Vec<_>>().join("; ");
            writeln!(out, "{name}: {bad}not good{bad:#}: {}", output::printable(&why))?;
            Ok(ExitCode::from(NOT_VALID))
        }
    }
}

/// What a scheme can be that is good, and is seldom meant.
fn warnings(scheme: &Scheme) -> Vec<String> {
    let open = !scheme.content.is_empty() && !scheme.covers_body();
    let body = open
        .then(|| "the body is not signed, so that anybody can change it: `content` has no {body}".to_owned());
    let known = catalog::find(&scheme.name).filter(|known| **known != *scheme);
    let name = known.map(|known| {
        format!(
            "`{}` is the name of a scheme of the catalogue, which says otherwise: choose another",
            known.name
        )
    });
    body.into_iter().chain(name).collect()
}

/// The scheme of the catalogue with this name, or a message that names the nearest.
pub(crate) fn find(name: &str) -> anyhow::Result<&'static Scheme> {
    catalog::find(name).ok_or_else(|| match nearest(name) {
        Some(other) => anyhow!("no scheme is called `{name}`: did you mean `{other}`?"),
        None => anyhow!("no scheme is called `{name}`: `countersign schemes` lists all"),
    })
}

fn nearest(name: &str) -> Option<&'static str> {
    let alike = |scheme: &'static Scheme| (strsim::jaro_winkler(&scheme.name, name), &*scheme.name);
    let best = catalog::ALL.iter().map(alike).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(likeness, _)| *likeness > 0.8).map(|(_, name)| name)
}

fn read(file: &Path) -> anyhow::Result<Scheme> {
    Scheme::from_toml(&text(file)?).with_context(|| format!("{} is no scheme", input::name(file)))
}

fn text(file: &Path) -> anyhow::Result<String> {
    String::from_utf8(input::read(file)?).map_err(|_| anyhow!("{} isn't UTF-8 text", input::name(file)))
}
