//! `countersign send`: one signed request, now.

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{anyhow, bail};
use bytes::Bytes;
use clap::{Args, value_parser};
use countersign::Scheme;
use countersign_transport::{
    Answer, Attempted, CustomHeaders, Policy, Post, Target, TargetError, TargetErrorKind, Transport,
};
use http::Uri;
use serde::Serialize;

use crate::{
    cli::NOT_DONE,
    input, output,
    schemes::SchemeArgs,
    secrets::SecretArgs,
    sign::{self, Wanted, default_method},
};

#[derive(Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    scheme: SchemeArgs,
    #[command(flatten)]
    secrets: SecretArgs,
    /// The whole URL that the request goes to: https, and a public host
    #[arg(long, value_name = "URL")]
    url: String,
    /// Also sends to this machine itself, by http too
    #[arg(long)]
    allow_loopback: bool,
    /// The event's id; made up where the scheme signs one and none is given
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The event type, for schemes that write it in a header
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// One more header, which is not signed (repeatable)
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// How many seconds the receiver has
    #[arg(long, value_name = "SECS", default_value_t = 15, value_parser = value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
    /// The file with the body, which is sent byte for byte; `-` for standard input
    #[arg(value_name = "BODY")]
    body: PathBuf,
}

pub(crate) fn run(arguments: &SendArgs) -> anyhow::Result<ExitCode> {
    let scheme = arguments.scheme.load()?;
    if input::is_stdin(&arguments.body) && arguments.secrets.use_stdin() {
        bail!("body and secret can't both be read from standard input");
    }
    check_method(&scheme)?;
    let signer = sign::signer(&scheme, &arguments.secrets)?;
    let policy = policy(arguments);
    let target = Target::parse(&arguments.url, &policy).map_err(|error| explain(error, arguments))?;
    let body = input::read(&arguments.body)?;
    let wanted = Wanted {
        id: arguments.id.as_deref(),
        kind: arguments.kind.as_deref(),
        headers: &arguments.headers,
        url: Some(&arguments.url),
        ..Wanted::default()
    };
    let (id, mut outgoing) = wanted.sign(&scheme, &signer, &body)?;
    let kind = outgoing.content_type().map(|kind| ("content-type".to_owned(), kind.to_owned()));
    outgoing.headers.extend(kind);
    let custom = CustomHeaders::default();
    let body = Bytes::copy_from_slice(&body);
    let post = Post { target: &target, headers: &outgoing.headers, custom: &custom, body };
    let timeout = Duration::from_secs(arguments.timeout);
    let transport = Transport::builder().policy(policy).timeout(timeout).build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    report(arguments, &id, &runtime.block_on(transport.send(post)))
}

/// What `--json` prints.
#[derive(Serialize)]
struct Sent<'a> {
    event_id: Option<&'a str>,
    delivered: bool,
    status: Option<u16>,
    milliseconds: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn report(arguments: &SendArgs, id: &str, attempted: &Attempted) -> anyhow::Result<ExitCode> {
    let (milliseconds, result) = (attempted.elapsed.as_millis(), attempted.result.as_ref());
    let delivered = result.is_ok_and(|answer| answer.status.is_success());
    let error = match result {
        Ok(answer) => (!delivered).then(|| reason(answer)),
        Err(failure) => Some(format!("{}: {failure}", failure.kind().as_str())),
    };
    let status = result.ok().map(|answer| answer.status);
    if arguments.json {
        let event_id = Some(id).filter(|id| !id.is_empty());
        let status = status.map(|status| status.as_u16());
        output::json(&Sent { event_id, delivered, status, milliseconds, error })?;
    } else {
        let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let style = if delivered { output::GOOD } else { output::BAD };
        writeln!(output::stdout(), "{style}{status}{style:#} after {milliseconds} ms")?;
        error.iter().for_each(output::note);
        if result.is_ok_and(was_replayed) {
            output::note(
                "the receiver has had this event before, and answers as it did then: idempotency-replayed",
            );
        }
    }
    Ok(if delivered { ExitCode::SUCCESS } else { ExitCode::from(NOT_DONE) })
}

/// Whether the receiver says that the answer is one of before.
fn was_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

/// The beginning of what the receiver says about it, where it does.
fn reason(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let text: String = body.trim().chars().take(REASON).collect();
    match text.is_empty() {
        true => "the receiver doesn't say why".to_owned(),
        false => format!("the receiver says: {}", output::printable(&text)),
    }
}

fn check_method(scheme: &Scheme) -> anyhow::Result<()> {
    match default_method(scheme) {
        "POST" => Ok(()),
        method => bail!(
            "{} delivers by {method}, and send by POST alone: use `countersign sign --curl`",
            scheme.name
        ),
    }
}

/// What may be dialled: the URL's own port, because whoever runs the command has chosen it.
fn policy(arguments: &SendArgs) -> Policy {
    let uri = arguments.url.parse::<Uri>().unwrap_or_default();
    let policy = uri.port_u16().map_or_else(Policy::new, |port| Policy::new().allow_port(port));
    let here = uri.host().is_some_and(is_loopback);
    if !(arguments.allow_loopback && here) {
        return policy;
    }
    LOOPBACK
        .iter()
        .filter_map(|network| network.parse().ok())
        .fold(policy.allow_http(), Policy::allow_network)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    address.map_or(host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

fn explain(error: TargetError, arguments: &SendArgs) -> anyhow::Error {
    let here = arguments.url.parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(is_loopback));
    let guarded = matches!(error.kind(), TargetErrorKind::Address | TargetErrorKind::Scheme);
    match here && guarded && !arguments.allow_loopback {
        true => anyhow!("{error}; to send to this machine itself, give --allow-loopback"),
        false => error.into(),
    }
}

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];
/// How much of an answer is shown, in characters.
const REASON: usize = 500;
