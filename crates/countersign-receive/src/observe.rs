//! What is logged, counted and shown to the audit: once a request.

use std::{borrow::Cow, time::Instant};

use countersign::{Error, ErrorKind, Keyring};
use tracing::{
    Span, debug, error, error_span,
    field::{self, Empty},
    info, warn,
};

use crate::{Decision, Receiver, Verified, audit::Decided, judgement::Judgement};

/// The span in which a request is received. It has the highest level so that its fields stand beside
/// the event whatever level is shown.
pub(crate) fn span<P>(receiver: &Receiver<P>) -> Span {
    error_span!(
        target: "countersign",
        "webhook.receive",
        scheme = &*receiver.verifier.scheme().name,
        endpoint = receiver.verifier.endpoint(),
        tenant = Empty,
        event_type = Empty,
        event_id = Empty,
        outcome = Empty,
        key = Empty,
        age_s = Empty,
        bytes = Empty,
    )
}

/// A request that has been judged.
pub(crate) struct Request<'a, P> {
    pub(crate) receiver: &'a Receiver<P>,
    pub(crate) span: &'a Span,
    /// The keys that were chosen for it, where they are by request.
    pub(crate) chosen: Option<&'a Keyring>,
    /// When it came, in Unix seconds by the receiver's clock.
    pub(crate) now: i64,
    pub(crate) started: Instant,
}

impl<P> Request<'_, P> {
    pub(crate) fn record(&self, judgement: &Judgement) {
        self.log(judgement);
        self.count(judgement);
        if let Some(audit) = &self.receiver.audit {
            audit(&self.decision(judgement));
        }
    }

    fn log(&self, judgement: &Judgement) {
        if !self.span.is_disabled() {
            self.describe(judgement);
        }
        self.span.in_scope(|| tell(judgement));
    }

    /// Fills the span's fields, where somebody listens.
    fn describe(&self, judgement: &Judgement) {
        self.span.record("outcome", outcome(judgement));
        self.span.record("age_s", self.age(judgement));
        self.span.record("tenant", self.tenant());
        if let Some(verified) = judgement.verified() {
            self.span.record("key", verified.key_label());
            self.span.record("bytes", verified.body().len());
            self.span.record("event_type", shown(&verified.event_type()));
            self.span.record("event_id", shown(&verified.event_id()));
        }
    }

    fn count(&self, judgement: &Judgement) {
        self.receiver.meters.decided(outcome(judgement), self.started.elapsed());
    }

    fn decision<'d>(&'d self, judgement: &'d Judgement) -> Decision<'d> {
        Decision {
            outcome: judgement.outcome(),
            scheme: &self.receiver.verifier.scheme().name,
            endpoint: self.receiver.verifier.endpoint(),
            tenant: self.tenant(),
            verified: judgement.verified(),
            error: judgement.error(),
            age_seconds: self.age(judgement),
            status: judgement.status(),
        }
    }

    fn tenant(&self) -> Option<&str> {
        match &self.receiver.keys {
            Some(_) => self.chosen?.tenant(),
            None => self.receiver.verifier.tenant(),
        }
    }

    fn age(&self, judgement: &Judgement) -> Option<i64> {
        let age =
            |verified: &Verified| Some(self.now.saturating_sub(verified.timestamp()?.as_unix_seconds()));
        judgement.verified().and_then(age).or_else(|| judgement.error()?.age_seconds())
    }
}

/// The outcome, and where it is a refusal, of which kind.
fn outcome(judgement: &Judgement) -> &'static str {
    judgement.error().map_or(judgement.outcome().as_str(), |error| error.kind().as_str())
}

/// As much of a text of the body as a line of a log has room for: 255 characters.
fn shown<'t>(text: &'t Result<Option<Cow<'_, str>>, Error>) -> Option<&'t str> {
    let text = text.as_ref().ok()?.as_deref()?;
    Some(text.char_indices().nth(255).map_or(text, |(end, _)| &text[..end]))
}

fn key(judgement: &Judgement) -> Option<impl field::Value> {
    judgement.verified().map(|verified| field::display(verified.idempotency_key()))
}

fn tell(judgement: &Judgement) {
    match (judgement.error(), judgement.outcome()) {
        (Some(reason), _) if reason.status() >= 500 => {
            error!(target: "countersign", %reason, "webhook not judged");
        }
        // As every provider sends again that has waited long enough for the first answer. Where there was none, since a
        // process was killed, it is all that tells why the event waits.
        (Some(reason), _) if reason.kind() == ErrorKind::InFlight => {
            info!(target: "countersign", %reason, "webhook put off");
        }
        (Some(reason), _) => warn!(target: "countersign", %reason, "webhook refused"),
        (None, Decided::Handshake) => info!(target: "countersign", "webhook handshake answered"),
        // Else who has an event sent again would look for it in vain.
        (None, Decided::Duplicate) if judgement.is_given_up() => warn!(
            target: "countersign",
            idempotency_key = key(judgement),
            "webhook received again that was given up: it is not handled until it is put back, as by \
             `countersign inbox requeue`"
        ),
        (None, Decided::Duplicate) => {
            info!(target: "countersign", idempotency_key = key(judgement), "webhook received again");
        }
        (None, _) => debug!(target: "countersign", "webhook verified"),
    }
}
