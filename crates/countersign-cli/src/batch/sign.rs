//! One case of `sign --batch`.

use countersign::{ConfigError, Message, Scheme, SignError, Signer};
use serde::Serialize;

use super::case::{Case, Refusal};
use crate::sign::{default_method, event_id};

/// The answer to one case.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Signed { headers: Vec<(String, String)>, url: Option<String> },
    Refused { error: String, kind: &'static str },
}

impl From<Result<Answer, Refusal>> for Answer {
    fn from(result: Result<Answer, Refusal>) -> Self {
        result.unwrap_or_else(|refusal| Answer::Refused { error: refusal.why, kind: refusal.kind })
    }
}

/// Signs the message of a case.
pub(crate) fn sign(case: &Case, own: Option<&Scheme>) -> Result<Answer, Refusal> {
    let mut scheme = case.scheme(own)?.clone();
    restrict(case, &mut scheme)?;
    let (url, _) = case.url()?;
    let (body, now) = (case.body()?, case.clock()?);
    let id =
        event_id(&scheme, case.text("event_id")?).map_err(|error| Refusal::new("no_random_bytes", error))?;
    let message = Message {
        id: &id,
        event_type: case.text("event_type")?,
        body: &body,
        method: case.text("method")?.unwrap_or_else(|| default_method(&scheme)),
        url: url.unwrap_or_default(),
        headers: &[],
    };
    let signer = Signer::new(&scheme, case.keyring(&scheme)?).map_err(misconfigured)?;
    let signed = signer.sign(&message, now).map_err(refused)?;
    Ok(Answer::Signed { headers: signed.headers, url: url.map(str::to_owned) })
}

/// Leaves of the scheme's algorithms those that the case allows.
fn restrict(case: &Case, scheme: &mut Scheme) -> Result<(), Refusal> {
    let Some(labels) = case.allowed()? else { return Ok(()) };
    scheme.signature.versions.to_mut().retain(|version| labels.contains(&&*version.label));
    match scheme.signature.versions.is_empty() {
        true => Err(Refusal::new("misconfigured", "the scheme has none of the allowed algorithms")),
        false => Ok(()),
    }
}

fn misconfigured(error: ConfigError) -> Refusal {
    let kind = match error {
        ConfigError::CannotSign(_) => "cannot_sign",
        _ => "misconfigured",
    };
    Refusal::new(kind, error)
}

fn refused(error: SignError) -> Refusal {
    let kind = match error {
        SignError::InvalidId => "invalid_id",
        SignError::MissingHeader => "missing_header",
        SignError::NoUrl => "no_url",
        SignError::NoUsableKey => "no_usable_key",
        _ => "not_signed",
    };
    Refusal::new(kind, error)
}
