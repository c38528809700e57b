//! Answers that are given without the application's handler.

use countersign::{
    Error, ErrorKind, Greeting,
    scheme::{Condition, Scheme},
};
use countersign_store::Answer;

use crate::Rejection;

/// An answer that is given without the application's handler.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body: empty but for some handshakes.
    pub body: String,
    /// Whether the connection can't be used again, because the rest of the body isn't read: where it is
    /// HTTP/1, it is to be closed.
    pub close: bool,
    /// Why the request was refused, where it was: for the extensions of the response.
    pub rejection: Option<Rejection>,
}

impl Reply {
    /// The answer to a request that is refused: a status, never a body.
    #[must_use]
    pub fn refusal(error: Error, scheme: &Scheme) -> Self {
        let mut reply = Reply::empty(error.status());
        reply.headers.extend(header_for(&error, scheme));
        reply.close = matches!(
            error.kind(),
            ErrorKind::BodyTooLarge | ErrorKind::BodyTimeout | ErrorKind::BodyIncomplete
        );
        reply.rejection = Some(Rejection::from(error));
        reply
    }

    /// The answer to a handshake. One whose value is to be given back in a header, but can't stand there,
    /// is refused.
    pub(crate) fn greeting(greeting: Greeting, scheme: &Scheme) -> Self {
        let sound = greeting.headers.iter().all(|(_, value)| value.bytes().all(is_header_byte));
        if !sound {
            return Reply::refusal(
                Error::new(ErrorKind::MalformedHeader).at("the handshake's value"),
                scheme,
            );
        }
        let headers = greeting.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        Reply { headers: headers.collect(), body: greeting.body, ..Reply::empty(greeting.status) }
    }

    /// The answer that an event was given before.
    pub(crate) fn replayed(answer: Answer) -> Self {
        let mut reply = Reply::empty(answer.status);
        reply.headers.push(header("idempotency-replayed", "true"));
        reply
    }

    pub(crate) fn empty(status: u16) -> Self {
        Reply { status, headers: Vec::new(), body: String::new(), close: false, rejection: None }
    }
}

/// After how many seconds a request may come again that could not be judged.
const RETRY_AFTER_SECONDS: u64 = 30;

/// The one header that goes with a refusal, if any.
fn header_for(error: &Error, scheme: &Scheme) -> Option<(String, String)> {
    match error.status() {
        401 => Some(header("www-authenticate", scheme.delivery.challenge.as_deref()?)),
        405 => Some(header("allow", &methods(scheme))),
        409 | 503 => {
            let seconds = error.retry_after_seconds().unwrap_or(RETRY_AFTER_SECONDS);
            Some(header("retry-after", &seconds.to_string()))
        }
        _ => None,
    }
}

/// What can stand in a header's value (RFC 9110 §5.5).
fn is_header_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The methods of the scheme's deliveries and handshakes.
fn methods(scheme: &Scheme) -> String {
    let mut methods: Vec<&str> = scheme.delivery.methods.iter().map(|method| &**method).collect();
    if methods.is_empty() {
        methods.push("POST");
    }
    for condition in scheme.handshakes.iter().flat_map(|handshake| handshake.when.iter()) {
        match condition {
            Condition::Method(method) if !methods.contains(&&**method) => methods.push(method),
            _ => {}
        }
    }
    methods.join(", ")
}
