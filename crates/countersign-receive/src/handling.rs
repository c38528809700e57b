//! The right to handle an event, which is given back unless it is used.

use std::{future::Future, sync::Arc, time::Duration};

use countersign_store::{ClaimToken, StoreErrorKind};
use tokio::runtime::Handle;
use tracing::{Instrument, Span, debug, warn};

use crate::{
    Idempotency, idempotency,
    meters::{Handled, Meters},
};

/// The right to handle an event: [run](Handling::run) the handler in it, and [finish](Handling::finish) it with the
/// answer. Where it is dropped instead, because the handler panicked, failed or was dropped itself, the claim is given
/// back. What came of it is logged and counted.
#[derive(Debug)]
#[must_use = "the event is taken as failed where this is dropped"]
pub struct Handling {
    /// That of the request, where somebody listens.
    span: Option<Box<Span>>,
    meters: Arc<Meters>,
    claim: Option<Held>,
    /// The handler's answer, once there is one.
    status: Option<u16>,
}

/// Marks a request whose event has been claimed: an adapter puts it beside the proof where the handling
/// [holds a claim](Handling::holds_claim).
#[derive(Clone, Copy, Debug)]
pub struct HasClaim;

/// A claim, and where it is settled.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) idempotency: Arc<Idempotency>,
    pub(crate) token: ClaimToken,
    /// For how long the event is remembered once it is handled.
    pub(crate) ttl: Duration,
}

impl Handling {
    pub(crate) fn new(span: &Span, meters: Arc<Meters>, claim: Option<Held>) -> Self {
        // Where nobody listens, there is no span to enter each time.
        let span = (!span.is_disabled()).then(|| Box::new(span.clone()));
        Handling { span, meters, claim, status: None }
    }

    /// Whether the event has been claimed, so that a copy within this handling would wait for itself.
    #[must_use]
    pub fn holds_claim(&self) -> bool {
        self.claim.is_some()
    }

    /// Runs the handler in the span of the request, so that its log says which event it is about.
    pub fn run<F: Future>(&self, handler: impl FnOnce() -> F) -> impl Future<Output = F::Output> {
        let span = self.span.as_deref().map_or_else(Span::none, Span::clone);
        span.in_scope(handler).instrument(span)
    }

    /// Records how the handler has answered: 2xx means that the event is handled, anything else that it
    /// may come again. Where the store can't take that, it is asked again beside what follows, for as long as the lease.
    pub async fn finish(mut self, status: u16) {
        // Noted first: if this future is dropped half-way, the event is settled all the same.
        self.status = Some(status);
        self.tell(Handled::of(status));
        let Some(Held { idempotency, token, ttl }) = &self.claim else { return };
        let settled = idempotency.settle(token, self.status, *ttl).await;
        let is_unavailable = settled.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Unavailable);
        if !is_unavailable {
            idempotency::log(token, settled);
            self.claim = None;
        }
    }

    fn tell(&self, outcome: Handled) {
        let (_entered, status) = (self.span.as_deref().map(Span::enter), self.status);
        match outcome {
            Handled::Done => debug!(target: "countersign", status, "webhook handled"),
            Handled::Failed => warn!(target: "countersign", status, "webhook not handled: it may come again"),
            Handled::Dropped => warn!(
                target: "countersign",
                "webhook not handled: the handler failed, panicked or was dropped, and it may come again"
            ),
        }
        self.meters.handled(outcome);
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.tell(Handled::Dropped);
        }
        let (Some(Held { idempotency, token, ttl }), status) = (self.claim.take(), self.status) else {
            return;
        };
        // Without a runtime there is nobody to ask the store: the lease ends by itself.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move { idempotency.settle_at_last(&token, status, ttl).await });
    }
}
