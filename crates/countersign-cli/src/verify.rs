//! `countersign verify`.

use std::{io::Write as _, process::ExitCode};

use anyhow::{anyhow, bail};
use countersign::{
    Authenticity, ConfigError, Error, ErrorKind, Greeting, Keyring, Outcome, Scheme, Verified, Verifier,
    explain::{Case, Change, Finding, explain, hints},
    scheme::{Place, TimeFormat},
};

use crate::{
    batch,
    cli::{NOT_VALID, VerifyArgs},
    input, output,
    report::Report,
    request::Request,
    secrets::{self, Written},
};

pub(crate) fn run(arguments: &VerifyArgs) -> anyhow::Result<ExitCode> {
    if arguments.batch {
        return batch::verify(arguments.scheme.own()?);
    }
    let scheme = arguments.scheme.load()?;
    let now = arguments.now.unwrap_or_else(input::clock);
    let secrets = secrets(arguments)?;
    let keys = match secrets::keyring(&scheme, &secrets) {
        Err(error) if arguments.explain => return unusable(arguments, &scheme, &secrets, error, now),
        keys => keys?,
    };
    let verifier = verifier(arguments, scheme, keys)?;
    let request = request(arguments)?;
    let outcome = match arguments.handshake {
        true => verifier.receive(&request.view(), &request.body, now),
        false => verifier.verify(&request.view(), &request.body, now).map(Outcome::Event),
    };
    match outcome {
        Ok(Outcome::Event(verified)) => accept(arguments, &verified, now),
        Ok(Outcome::Handshake(greeting)) => answer(arguments, &greeting),
        Err(error) => {
            let scheme = verifier.scheme();
            let tried = arguments.explain.then(|| Tried::of(arguments, scheme, &secrets, &request, now));
            refuse(arguments, &error, scheme, &request, tried)
        }
    }
}

/// What a secret that can't be used is worth all the same: with what was copied along with it left out, it may be the
/// right one.
fn unusable(
    arguments: &VerifyArgs,
    scheme: &Scheme,
    secrets: &[Written],
    error: anyhow::Error,
    now: i64,
) -> anyhow::Result<ExitCode> {
    for sentence in Tried::of(arguments, scheme, secrets, &request(arguments)?, now).causes {
        output::note(output::printable(&sentence));
    }
    Err(error)
}

/// What trying has told, a sentence each.
struct Tried {
    /// What makes the request one that isn't valid.
    causes: Vec<String>,
    /// What the request shows by itself, where no cause was found.
    hints: Vec<String>,
}

impl Tried {
    fn of(
        arguments: &VerifyArgs,
        scheme: &Scheme,
        secrets: &[Written],
        request: &Request,
        now: i64,
    ) -> Tried {
        let secrets: Vec<&str> = secrets.iter().map(|(_, secret)| secret.as_str()).collect();
        let url = arguments.url.as_deref();
        let case = Case { scheme, secrets: &secrets, request: request.view(), body: &request.body, url, now };
        let is_asked = |change: &&Change| !(arguments.no_tolerance && matches!(change, Change::Clock { .. }));
        let (causes, hints) = match explain(&case) {
            Finding::Changed(changes) => {
                (changes.iter().filter(is_asked).map(ToString::to_string).collect(), Vec::new())
            }
            Finding::Valid => (Vec::new(), Vec::new()),
            Finding::Unknown => (Vec::new(), hints(&case).iter().map(ToString::to_string).collect()),
        };
        Tried { causes, hints }
    }
}

fn secrets(arguments: &VerifyArgs) -> anyhow::Result<Vec<Written>> {
    let files = [&arguments.request, &arguments.headers, &arguments.body];
    if arguments.secrets.use_stdin() && files.into_iter().flatten().any(|path| input::is_stdin(path)) {
        bail!("request and secret can't both be read from standard input");
    }
    arguments.secrets.read()
}

fn verifier(arguments: &VerifyArgs, scheme: Scheme, keys: Keyring) -> anyhow::Result<Verifier> {
    let tolerance = arguments.tolerance(&scheme);
    let mut builder =
        Verifier::builder(scheme).keys(keys).tolerance(tolerance).enrolling(arguments.handshake);
    if let Some(url) = &arguments.url {
        builder = builder.public_url(url);
    }
    builder = arguments.settings.iter().fold(builder, |builder, (name, value)| builder.setting(name, value));
    builder.build().map_err(explain_config)
}

/// The core's own message, where it is for people.
pub(crate) fn explain_config(error: ConfigError) -> anyhow::Error {
    match error {
        ConfigError::NoUrl => anyhow!(
            "the scheme signs the endpoint's URL: give it by --url as it is registered with the provider"
        ),
        other => other.into(),
    }
}

fn request(arguments: &VerifyArgs) -> anyhow::Result<Request> {
    match (&arguments.request, &arguments.headers, &arguments.body) {
        (Some(path), _, _) => Request::read(path),
        (None, Some(headers), Some(body)) => {
            let method = arguments.method.as_ref().map_or("POST", |method| method.as_str());
            Request::read_parts(headers, body, method, arguments.url.as_deref())
        }
        _ => bail!("no request was given: use --request FILE, or --headers FILE and --body FILE"),
    }
}

fn accept(arguments: &VerifyArgs, verified: &Verified<'_>, now: i64) -> anyhow::Result<ExitCode> {
    if arguments.json {
        output::json(&Report::verified(verified))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = output::table();
    for (name, value) in rows(verified, now) {
        table.add_row([name.to_owned(), output::printable(&value)]);
    }
    let (style, verdict) = match verified.authenticity() {
        Authenticity::Signature => (output::GOOD, "valid"),
        Authenticity::Token => (output::CAREFUL, "valid token, nothing is signed"),
        _ => (output::CAREFUL, "not signed: anybody could have sent this"),
    };
    write!(output::stdout(), "{style}{verdict}{style:#}\n{}", output::lines(table))?;
    Ok(ExitCode::SUCCESS)
}

fn rows(verified: &Verified<'_>, now: i64) -> Vec<(&'static str, String)> {
    let scheme = verified.scheme();
    let signed = |signed: bool| if signed { "signed" } else { "not signed: a replay could bear another" };
    let text = |value: Result<Option<std::borrow::Cow<'_, str>>, Error>| match value {
        Ok(Some(text)) => Some(text.into_owned()),
        Ok(None) => None,
        Err(error) => Some(format!("unreadable: {error}")),
    };
    let id = text(verified.event_id()).map(|id| format!("{id} ({})", signed(verified.event_id_is_signed())));
    let key = verified.idempotency_key();
    let whose = if key.is_authenticated() { "the sender's" } else { "anybody's choice" };
    let time = verified.timestamp().map(|time| {
        let age = now - time.as_unix_seconds();
        let age = if age < 0 { format!("{} s ahead", -age) } else { format!("{age} s ago") };
        format!("{} ({age})", time.render(TimeFormat::Rfc3339))
    });
    let body =
        if verified.covers_body() { "covered by the signature" } else { "NOT covered by the signature" };
    vec![
        ("scheme", format!("{} ({})", scheme.name, scheme.title)),
        ("key", verified.key_label().unwrap_or("none").to_owned()),
        ("event id", id.unwrap_or_else(|| "none".to_owned())),
        ("event type", text(verified.event_type()).unwrap_or_else(|| "none".to_owned())),
        ("idempotency key", format!("{key} ({whose})")),
        ("signed time", time.unwrap_or_else(|| "none: a captured request stays valid".to_owned())),
        ("body", format!("{} bytes, {body}", verified.body().len())),
    ]
}

fn answer(arguments: &VerifyArgs, greeting: &Greeting) -> anyhow::Result<ExitCode> {
    if greeting.secret.is_some() {
        output::note(
            "the request hands over the secret that signs what follows: the application must store it",
        );
    }
    if arguments.json {
        output::json(&Report::answered(greeting))?;
        return Ok(ExitCode::SUCCESS);
    }
    let style = output::GOOD;
    let mut table = output::table();
    table.add_row(["status".to_owned(), greeting.status.to_string()]);
    for (name, value) in &greeting.headers {
        table.add_row([name, value].map(|text| output::printable(text)));
    }
    table.add_row(["body".to_owned(), output::printable(&greeting.body)]);
    write!(output::stdout(), "{style}handshake{style:#}, to be answered with\n{}", output::lines(table))?;
    Ok(ExitCode::SUCCESS)
}

fn refuse(
    arguments: &VerifyArgs,
    error: &Error,
    scheme: &Scheme,
    request: &Request,
    tried: Option<Tried>,
) -> anyhow::Result<ExitCode> {
    match (arguments.json, &tried) {
        (true, None) => output::json(&Report::refused(error).saying(error))?,
        (true, Some(tried)) => {
            output::json(&Report::refused(error).saying(error).because(&tried.causes, &tried.hints))?
        }
        (false, tried) => {
            let (style, why) = (output::BAD, output::printable(&error.to_string()));
            writeln!(output::stdout(), "{style}not valid{style:#}: {why}")?;
            for sentence in tried.iter().flat_map(|tried| &tried.causes) {
                writeln!(output::stdout(), "{}", output::printable(sentence))?;
            }
        }
    }
    match tried {
        None => {
            offer_to_explain(error.kind(), arguments.handshake);
            hint(error.kind(), scheme, request, arguments.handshake);
        }
        Some(Tried { causes, hints }) if causes.is_empty() => {
            unexplained(error.kind(), &hints);
            if error.kind() != ErrorKind::NoMatchingSignature {
                hint(error.kind(), scheme, request, arguments.handshake);
            }
        }
        Some(_) => {}
    }
    Ok(ExitCode::from(NOT_VALID))
}

/// Says what the request shows, or else what is left where a signature was compared and no key had made it.
fn unexplained(kind: ErrorKind, hints: &[String]) {
    for sentence in hints {
        output::note(output::printable(sentence));
    }
    if hints.is_empty() && kind == ErrorKind::NoMatchingSignature {
        output::note(
            "none of the usual mistakes explains it: most likely it is another secret, such as that of another endpoint \
             or of the test mode, or another body",
        );
    }
}

/// Says that there is more to know, where there may be.
fn offer_to_explain(kind: ErrorKind, handshake: bool) {
    if matches!(kind, ErrorKind::NoMatchingSignature | ErrorKind::MalformedHeader | ErrorKind::MissingHeader)
        && !handshake
    {
        output::note("--explain tries what is usually wrong, and says what it is");
    }
}

/// What the file and the scheme let one guess about the cause.
fn hint(kind: ErrorKind, scheme: &Scheme, request: &Request, handshake: bool) {
    let unsigned_kind = matches!(kind, ErrorKind::MissingHeader | ErrorKind::MethodNotAllowed);
    if kind == ErrorKind::NoMatchingSignature && request.body.ends_with(b"\n") {
        output::note("the body ends with a line break: if an editor added it, remove it");
    }
    if unsigned_kind && !handshake && !scheme.handshakes.is_empty() {
        output::note("if this is the provider's test of the endpoint, verify it with --handshake");
    }
    let in_body = matches!(scheme.timestamp.as_ref().map(|rule| &rule.at), Some(Place::Json(_)));
    if kind == ErrorKind::InvalidTimestamp && in_body {
        output::note("the scheme reads the time of sending from the body");
    }
    if matches!(kind, ErrorKind::TimestampTooOld | ErrorKind::TimestampTooNew) {
        output::note("for a recorded request give --now SECS, or --no-tolerance");
    }
}
