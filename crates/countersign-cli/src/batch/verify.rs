//! One case of `verify --batch`.

use countersign::{Keyring, Outcome, RequestView, Scheme, Tolerance, Verifier};
use serde_json::Value;

use super::case::{Case, Refusal};
use crate::{cli::tolerance, report::Report};

/// Judges the request of a case.
pub(crate) fn judge(case: &Case, own: Option<&Scheme>) -> Result<Report, Refusal> {
    let handshake = is_handshake(case)?;
    let scheme = case.scheme(own)?;
    let (url, target) = case.url()?;
    let (headers, body, now) = (case.headers()?, case.body()?, case.clock()?);
    let request =
        RequestView { method: case.text("method")?.unwrap_or("POST"), target: &target, headers: &headers };
    let verifier = verifier(case, scheme, case.keyring(scheme)?, url, handshake)?;
    if !handshake {
        let verified = verifier.verify(&request, &body, now);
        return Ok(
            verified.map_or_else(|error| Report::refused(&error), |verified| Report::verified(&verified))
        );
    }
    Ok(match verifier.receive(&request, &body, now) {
        Ok(Outcome::Handshake(greeting)) => Report::answered(&greeting),
        Ok(Outcome::Event(_)) => Report::of(false, "not_a_handshake"),
        Err(error) => Report::refused_handshake(&error),
    })
}

fn is_handshake(case: &Case) -> Result<bool, Refusal> {
    match case.text("kind")? {
        None | Some("signature") => Ok(false),
        Some("handshake") => Ok(true),
        Some(_) => Err(case.malformed("`kind` must be `signature` or `handshake`")),
    }
}

fn verifier(
    case: &Case,
    scheme: &Scheme,
    keys: Keyring,
    url: Option<&str>,
    handshake: bool,
) -> Result<Verifier, Refusal> {
    let mut builder = Verifier::builder(scheme.clone()).keys(keys).enrolling(handshake);
    builder = builder.tolerance(limits(case, scheme)?).public_url(url.unwrap_or_default());
    if let Some(labels) = case.allowed()? {
        builder = builder.versions(labels);
    }
    for (name, value) in case.config()?.into_iter().flatten() {
        if let Value::String(value) = value {
            builder = builder.setting(name, value);
        }
    }
    builder.build().map_err(|error| Refusal::new("misconfigured", error))
}

/// Null for the clock or the tolerance means that no age is too great.
fn limits(case: &Case, scheme: &Scheme) -> Result<Tolerance, Refusal> {
    let seconds = |value: &Value| value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
    match case.raw("tolerance_s") {
        _ if case.now()?.is_none() => Ok(Tolerance::UNCHECKED),
        None => Ok(Tolerance::default()),
        Some(Value::Null) => Ok(Tolerance::UNCHECKED),
        Some(value) => match seconds(value) {
            Some(seconds) => Ok(tolerance(scheme, seconds)),
            None => Err(case.malformed("`tolerance_s` must be whole seconds")),
        },
    }
}
