//! `countersign sign`.

use std::{io::Write as _, path::Path, process::ExitCode};

use anyhow::{Context as _, anyhow, bail};
use countersign::{
    ConfigError, Message, Scheme, SignError, Signer,
    scheme::{Part, Place},
};
use serde::Serialize;

use crate::{
    batch,
    cli::SignArgs,
    input, output,
    request::{
        target_of,
        write::{Outgoing, header},
    },
    secrets::SecretArgs,
};

pub(crate) fn run(arguments: &SignArgs) -> anyhow::Result<ExitCode> {
    let Some(path) = arguments.body.as_deref().filter(|_| !arguments.batch) else {
        return batch::sign(arguments.scheme.own()?);
    };
    let scheme = arguments.scheme.load()?;
    if input::is_stdin(path) && arguments.secrets.use_stdin() {
        bail!("body and secret can't both be read from standard input");
    }
    let signer = signer(&scheme, &arguments.secrets)?;
    let body = input::read(path)?;
    arguments.url.as_deref().map(target_of).transpose()?;
    note_what_stands_in_the_body(&scheme, arguments);

    let wanted = Wanted {
        id: arguments.id.as_deref(),
        kind: arguments.kind.as_deref(),
        headers: &arguments.headers,
        method: arguments.method.as_ref().map(|method| method.as_str()),
        url: arguments.url.as_deref(),
        now: arguments.now,
    };
    let (id, outgoing) = wanted.sign(&scheme, &signer, &body)?;
    print(arguments, &outgoing, &id, path)?;
    Ok(ExitCode::SUCCESS)
}

/// What is signed besides the body.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    /// More headers, one `Name: value` each.
    pub(crate) headers: &'a [String],
    pub(crate) method: Option<&'a str>,
    pub(crate) url: Option<&'a str>,
    pub(crate) now: Option<i64>,
}

impl<'a> Wanted<'a> {
    /// The event's id, and the signed request.
    pub(crate) fn sign(
        &self,
        scheme: &'a Scheme,
        signer: &Signer,
        body: &'a [u8],
    ) -> anyhow::Result<(String, Outgoing<'a>)> {
        let id = event_id(scheme, self.id)?;
        let method = self.method.unwrap_or_else(|| default_method(scheme));
        let more = more_headers(self.headers)?;
        let given: Vec<(&str, &str)> = more.iter().map(|(name, value)| (&**name, &**value)).collect();
        let message = Message {
            id: &id,
            event_type: self.kind,
            body,
            method,
            url: self.url.unwrap_or_default(),
            headers: &given,
        };
        let signed = signer.sign(&message, self.now.unwrap_or_else(input::clock)).map_err(explain)?;
        let mut outgoing = Outgoing { method, url: self.url, headers: signed.headers, body };
        add_headers(&mut outgoing, more)?;
        Ok((id, outgoing))
    }
}

/// The signer of a scheme with these secrets.
pub(crate) fn signer(scheme: &Scheme, secrets: &SecretArgs) -> anyhow::Result<Signer> {
    Signer::new(scheme, secrets.keyring(scheme)?).map_err(explain_config)
}

/// The event's id: as given, or made up where the scheme signs one.
pub(crate) fn event_id(scheme: &Scheme, given: Option<&str>) -> anyhow::Result<String> {
    match given {
        Some(id) => Ok(id.to_owned()),
        None if signs_id(scheme) => {
            let mut random = [0; 16];
            getrandom::fill(&mut random).map_err(|error| anyhow!("no random bytes can be had: {error}"))?;
            Ok(format!("msg_{}", hex::encode(random)))
        }
        None => Ok(String::new()),
    }
}

/// The method by which the scheme delivers.
pub(crate) fn default_method(scheme: &Scheme) -> &str {
    scheme.delivery.methods.first().map_or("POST", |method| method)
}

/// Whether a header beside the time is signed, which then is the id.
fn signs_id(scheme: &Scheme) -> bool {
    let time = scheme.timestamp.as_ref().map(|rule| &rule.at);
    scheme.content.iter().any(|part| match part {
        Part::Header(name) => time != Some(&Place::Header(name.clone())),
        _ => false,
    })
}

/// The headers that were asked for.
fn more_headers(texts: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    texts.iter().map(|text| header(text).context("--header can't be used")).collect()
}

/// Adds the headers that the signer hasn't written itself.
fn add_headers(outgoing: &mut Outgoing<'_>, more: Vec<(String, String)>) -> anyhow::Result<()> {
    for (name, value) in more {
        match outgoing.value(&name) {
            None => outgoing.headers.push((name, value)),
            Some(written) if written == value => {}
            Some(_) => bail!(
                "--header can't be used: {name} is written already; set an id by --id and a type by --type"
            ),
        }
    }
    Ok(())
}

fn print(arguments: &SignArgs, outgoing: &Outgoing<'_>, id: &str, path: &Path) -> anyhow::Result<()> {
    let mut out = output::stdout();
    if arguments.json {
        let event_id = Some(id).filter(|id| !id.is_empty());
        let Outgoing { method, url, headers, .. } = outgoing;
        output::json(&Answer { event_id, method, url: *url, headers })?;
    } else if arguments.curl {
        writeln!(out, "{}", outgoing.curl(path)?)?;
    } else if arguments.http {
        // A message is bytes: nothing may be taken out of its body as a colour.
        outgoing.write_http(&mut output::plain())?;
    } else {
        outgoing.write_headers(&mut out)?;
    }
    Ok(out.flush()?)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    event_id: Option<&'a str>,
    method: &'a str,
    url: Option<&'a str>,
    headers: &'a [(String, String)],
}

/// Time and id that the scheme reads from the body are the body's business: it is signed as it is.
fn note_what_stands_in_the_body(scheme: &Scheme, arguments: &SignArgs) {
    if let Some(Place::Json(pointer)) = scheme.timestamp.as_ref().map(|rule| &rule.at) {
        output::note(format_args!(
            "{} reads the time of sending from {pointer} in the body: set it there",
            scheme.name
        ));
    }
    let in_body = scheme.event.id.iter().any(|place| matches!(place, Place::Json(_)));
    if arguments.id.is_some() && in_body && !signs_id(scheme) {
        output::note(format_args!("{} reads the event's id from the body: --id has no effect", scheme.name));
    }
}

/// The core's own message, where it is for people; some of it is for programmers.
fn explain_config(error: ConfigError) -> anyhow::Error {
    match error {
        ConfigError::CannotSign(algorithm) => {
            anyhow!("the secret can't sign by {}: a public key only verifies", algorithm.as_str())
        }
        other => other.into(),
    }
}

fn explain(error: SignError) -> anyhow::Error {
    match error {
        SignError::NoUrl => {
            anyhow!("the scheme signs the URL: give the whole of it by --url, https:// included")
        }
        SignError::MissingHeader => anyhow!("the scheme signs another header: give its value by --header"),
        other => other.into(),
    }
}
