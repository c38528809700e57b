//! `countersign infer`.

use std::{io::Write as _, process::ExitCode};

use anyhow::bail;
use countersign::{
    Scheme, catalog,
    infer::{Captured, infer},
};
use serde::Serialize;

use crate::{
    cli::{InferArgs, NOT_VALID},
    input, output,
    request::Request,
};

/// A scheme that fits.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    title: &'a str,
    /// Whether it is one of the catalogue.
    known: bool,
    toml: String,
}

pub(crate) fn run(arguments: &InferArgs) -> anyhow::Result<ExitCode> {
    let from_stdin = arguments.requests.iter().filter(|path| input::is_stdin(path)).count();
    if from_stdin + usize::from(arguments.secrets.use_stdin()) > 1 {
        bail!("only one request, or the secret, can be read from standard input");
    }
    let secrets = arguments.secrets.read()?;
    let [(_, secret)] = &secrets[..] else {
        bail!(
            "give the one secret that the requests were signed with: --secret-env NAME or --secret-file FILE"
        );
    };
    let requests: Vec<Request> =
        arguments.requests.iter().map(|path| Request::read(path)).collect::<Result<_, _>>()?;
    let captured: Vec<_> =
        requests.iter().map(|request| Captured { request: request.view(), body: &request.body }).collect();
    let schemes = infer(&captured, secret, arguments.url.as_deref());
    match arguments.json {
        true => output::json(&schemes.iter().map(row).collect::<Vec<_>>())?,
        false => show(&schemes, captured.len())?,
    }
    Ok(if schemes.is_empty() { ExitCode::from(NOT_VALID) } else { ExitCode::SUCCESS })
}

fn row(scheme: &Scheme) -> Row<'_> {
    Row { name: &scheme.name, title: &scheme.title, known: is_known(scheme), toml: scheme.to_toml() }
}

fn is_known(scheme: &Scheme) -> bool {
    catalog::find(&scheme.name).is_some()
}

/// Prints the first scheme, and says what else there is to know.
fn show(schemes: &[Scheme], requests: usize) -> anyhow::Result<()> {
    let Some((first, others)) = schemes.split_first() else {
        writeln!(output::stdout(), "{}nothing that was tried fits{:#}", output::BAD, output::BAD)?;
        output::note(
            "is it the secret of this endpoint, and are these the bytes that were sent? With --url, schemes that \
             sign the URL are tried too",
        );
        return Ok(());
    };
    write!(output::stdout(), "{}", first.to_toml())?;
    if is_known(first) {
        output::note(format_args!("this scheme is known: --scheme {} does without the file", first.name));
    } else {
        output::note(
            "give it a name, and check its limits and the places of the event's id and type: they are guesses",
        );
        if requests == 1 {
            output::note("it was found by one request: give another to be sure");
        }
    }
    for other in others {
        output::note(format_args!("{} ({}) fits as well", other.name, other.title));
    }
    Ok(())
}
