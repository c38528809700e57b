//! What is logged, counted and shown to the audit: once a request.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use countersign::Error;
use metrics::{Key, Label, Level, Metadata, with_recorder};
use tracing::{Span, debug, error, error_span, field::Empty, info, warn};

use crate::{Decision, Receiver, Verified, audit::Decided, judgement::Judgement};

/// The span in which a request is received. It has the highest level so that its fields stand beside
/// the event whatever level is shown.
pub(crate) fn span<P>(receiver: &Receiver<P>) -> Span {
    error_span!(
        target: "countersign",
        "webhook.receive",
        scheme = &*receiver.verifier.scheme().name,
        endpoint = receiver.endpoint.as_deref(),
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
        if let Some(verified) = judgement.verified() {
            self.span.record("tenant", verified.tenant());
            self.span.record("key", verified.key_label());
            self.span.record("bytes", verified.body().len());
            self.span.record("event_type", known(&verified.event_type()));
            self.span.record("event_id", known(&verified.event_id()));
        }
    }

    fn count(&self, judgement: &Judgement) {
        self.receiver.meters.count(outcome(judgement), self.started.elapsed());
    }

    fn decision<'d>(&'d self, judgement: &'d Judgement) -> Decision<'d> {
        Decision {
            outcome: judgement.outcome(),
            scheme: &self.receiver.verifier.scheme().name,
            endpoint: self.receiver.endpoint.as_deref(),
            verified: judgement.verified(),
            error: judgement.error(),
            age_seconds: self.age(judgement),
            status: judgement.status(),
        }
    }

    fn age(&self, judgement: &Judgement) -> Option<i64> {
        let age =
            |verified: &Verified| Some(self.now.saturating_sub(verified.timestamp()?.as_unix_seconds()));
        judgement.verified().and_then(age).or_else(|| judgement.error()?.age_seconds())
    }
}

/// The names of a receiver's metrics, with their labels. Those that most requests need are made once.
#[derive(Clone)]
pub(crate) struct Meters {
    scheme: Cow<'static, str>,
    accepted: Key,
    seconds: Key,
}

static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

impl Meters {
    pub(crate) fn new(scheme: Cow<'static, str>) -> Self {
        let labels = vec![Label::new("scheme", scheme.clone())];
        let seconds = Key::from_parts("countersign_receive_seconds", labels);
        let accepted = received(scheme.clone(), Decided::Accepted.as_str());
        Meters { scheme, accepted, seconds }
    }

    fn count(&self, outcome: &'static str, took: Duration) {
        let total = match outcome == Decided::Accepted.as_str() {
            true => Cow::Borrowed(&self.accepted),
            false => Cow::Owned(received(self.scheme.clone(), outcome)),
        };
        with_recorder(|recorder| {
            recorder.register_counter(&total, &METADATA).increment(1);
            recorder.register_histogram(&self.seconds, &METADATA).record(took);
        });
    }
}

fn received(scheme: Cow<'static, str>, outcome: &'static str) -> Key {
    let labels = vec![Label::new("scheme", scheme), Label::new("outcome", outcome)];
    Key::from_parts("countersign_received_total", labels)
}

/// The outcome, and where it is a refusal, of which kind.
fn outcome(judgement: &Judgement) -> &'static str {
    judgement.error().map_or(judgement.outcome().as_str(), |error| error.kind().as_str())
}

fn known<'t>(text: &'t Result<Option<Cow<'_, str>>, Error>) -> Option<&'t str> {
    text.as_ref().ok()?.as_deref()
}

fn tell(judgement: &Judgement) {
    match (judgement.error(), judgement.outcome()) {
        (Some(reason), _) if reason.status() >= 500 => {
            error!(target: "countersign", %reason, "webhook not judged");
        }
        (Some(reason), _) => warn!(target: "countersign", %reason, "webhook refused"),
        (None, Decided::Handshake) => info!(target: "countersign", "webhook handshake answered"),
        (None, Decided::Duplicate) => info!(target: "countersign", "webhook received again"),
        (None, _) => debug!(target: "countersign", "webhook verified"),
    }
}
