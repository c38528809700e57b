//! What is logged: one span and one event a request.

use bytes::Bytes;
use countersign::{Error, Outcome, scheme::Scheme};
use tracing::{Span, debug, error, error_span, field::Empty, info, warn};

/// The span in which a request is verified. It has the highest level so that its fields stand beside
/// the event whatever level is shown.
pub(crate) fn span(scheme: &Scheme) -> Span {
    error_span!(
        target: "countersign",
        "webhook",
        scheme = &*scheme.name,
        tenant = Empty,
        outcome = Empty,
        key = Empty,
        age_s = Empty,
    )
}

/// Records what became of a request, and says so.
pub(crate) fn record(span: &Span, outcome: &Result<Outcome<'static, Bytes>, Error>, now: i64) {
    span.in_scope(|| match outcome {
        Ok(Outcome::Event(verified)) => {
            let age = verified.timestamp().map(|time| now.saturating_sub(time.as_unix_seconds()));
            span.record("outcome", "verified");
            span.record("tenant", verified.tenant());
            span.record("key", verified.key_label());
            span.record("age_s", age);
            debug!(target: "countersign", covers_body = verified.covers_body(), "webhook verified");
        }
        Ok(Outcome::Handshake(greeting)) => {
            span.record("outcome", "handshake");
            info!(target: "countersign", status = greeting.status, "webhook handshake answered");
        }
        Err(refusal) => {
            span.record("outcome", refusal.kind().as_str());
            span.record("age_s", refusal.age_seconds());
            match refusal.status() {
                500.. => error!(target: "countersign", reason = %refusal, "webhook not judged"),
                _ => warn!(target: "countersign", reason = %refusal, "webhook refused"),
            }
        }
    });
}
