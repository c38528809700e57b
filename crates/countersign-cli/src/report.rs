//! The result of verifying, as programs read it.

use countersign::{Error, Greeting, Verified};
use serde::Serialize;

/// The result of verifying one request.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) valid: bool,
    pub(crate) kind: &'static str,
    key: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) event_type: Option<String>,
    idempotency_key: Option<String>,
    body_covered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What is usually wrong and is so here, a sentence each.
    #[serde(skip_serializing_if = "Option::is_none")]
    causes: Option<Vec<String>>,
    /// What the request shows by itself, where no cause was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    hints: Option<Vec<String>>,
}

/// The answer that a handshake is owed.
#[derive(Serialize)]
struct Response {
    status: u16,
    content_type: Option<String>,
    /// All of them, as name and value.
    headers: Vec<(String, String)>,
    body: String,
}

impl Report {
    /// An authentic event.
    pub(crate) fn verified(verified: &Verified<'_>) -> Self {
        let text = |value: Result<Option<std::borrow::Cow<'_, str>>, Error>| {
            value.ok().flatten().map(std::borrow::Cow::into_owned)
        };
        Report {
            key: verified.key_label().map(str::to_owned),
            event_id: text(verified.event_id()),
            event_type: text(verified.event_type()),
            idempotency_key: Some(verified.idempotency_key().to_string()),
            body_covered: verified.covers_body(),
            ..Report::of(true, "ok")
        }
    }

    /// A handshake that is answered.
    pub(crate) fn answered(greeting: &Greeting) -> Self {
        let response = Response {
            status: greeting.status,
            content_type: greeting.content_type().map(str::to_owned),
            headers: greeting.headers.clone(),
            body: greeting.body.clone(),
        };
        Report { response: Some(response), ..Report::of(true, "ok") }
    }

    /// A request that isn't valid.
    pub(crate) fn refused(error: &Error) -> Self {
        Report::of(false, error.kind().as_str())
    }

    /// A handshake that isn't valid, with the answer that its sender is owed.
    pub(crate) fn refused_handshake(error: &Error) -> Self {
        let response =
            Response { status: error.status(), content_type: None, headers: Vec::new(), body: String::new() };
        Report { response: Some(response), ..Report::refused(error) }
    }

    /// A request that could not be judged.
    pub(crate) fn of(valid: bool, kind: &'static str) -> Self {
        Report {
            valid,
            kind,
            key: None,
            event_id: None,
            event_type: None,
            idempotency_key: None,
            body_covered: false,
            response: None,
            error: None,
            causes: None,
            hints: None,
        }
    }

    /// The same with a sentence.
    pub(crate) fn saying(self, sentence: impl ToString) -> Self {
        Report { error: Some(sentence.to_string()), ..self }
    }

    /// The same with what was found to be wrong, and else what the request shows by itself.
    pub(crate) fn because(self, causes: &[String], hints: &[String]) -> Self {
        Report { causes: Some(causes.to_vec()), hints: Some(hints.to_vec()), ..self }
    }
}
