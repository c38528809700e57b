//! One attempt to handle an event, from the lease to what becomes of it.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use countersign_store::{Leased, Outcome};
use metrics::{counter, histogram};
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span, error, error_span, field::Empty, info, warn};

use crate::{
    EventHandler, HandlerError, InboxEvent,
    backoff::{delay, random},
    handler::Remedy,
};

type Handling<'a> = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send + 'a>>;

/// An [`EventHandler`] whose type is forgotten.
pub(crate) trait Handler: Send + Sync {
    fn handle(&self, event: InboxEvent) -> Handling<'_>;
}

impl<H: EventHandler> Handler for H {
    fn handle(&self, event: InboxEvent) -> Handling<'_> {
        Box::pin(EventHandler::handle(self, event))
    }
}

/// How often, and how long, a handler is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) max_attempts: u32,
    pub(crate) handler_timeout: Duration,
}

/// An attempt that is under way, without the event itself: what is needed to settle it.
pub(crate) struct Attempt {
    source: String,
    number: u32,
    span: Span,
    started: Instant,
}

impl Attempt {
    pub(crate) fn of(leased: &Leased) -> Self {
        let span = error_span!(
            target: "countersign",
            "webhook.handle",
            row = leased.id,
            key = &*leased.received.key,
            source = &*leased.received.source,
            event_type = shown(&leased.received.event_type),
            event_id = shown(&leased.received.event_id),
            attempt = leased.attempt,
            outcome = Empty,
        );
        let (source, number) = (leased.received.source.clone(), leased.attempt);
        Attempt { source, number, span, started: Instant::now() }
    }

    /// Runs the handler, unless the event has been tried too often already: then it has ended its worker
    /// each time.
    pub(crate) fn run(
        &self,
        leased: Leased,
        patience: Patience,
        handler: Arc<dyn Handler>,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send + use<> {
        let span = self.span.clone();
        async move {
            if leased.attempt > patience.max_attempts {
                return Err(HandlerError::dead(
                    "every attempt ended without a result, the process perhaps with it",
                ));
            }
            let handling = handler.handle(InboxEvent::new(leased));
            let too_slow = |_| Err(HandlerError::retry("the handler took longer than its limit"));
            timeout(patience.handler_timeout, handling).await.unwrap_or_else(too_slow)
        }
        .instrument(span)
    }

    /// What becomes of the event, logged and counted.
    pub(crate) fn conclude(self, result: Result<(), HandlerError>, patience: Patience) -> Outcome {
        let outcome = self.outcome(result, patience);
        self.observed(outcome)
    }

    /// The event is given back: its handler was broken off.
    pub(crate) fn give_back(self) -> Outcome {
        self.observed(Outcome::Returned)
    }

    fn observed(self, outcome: Outcome) -> Outcome {
        let name = match &outcome {
            Outcome::Done => "done",
            Outcome::Retry { .. } => "retry",
            Outcome::Dead { .. } => "dead",
            Outcome::Returned => "returned",
        };
        self.span.record("outcome", name);
        self.span.in_scope(|| tell(&outcome));
        let source = self.source;
        histogram!("countersign_inbox_handle_seconds", "source" => source.clone())
            .record(self.started.elapsed());
        counter!("countersign_inbox_handled_total", "source" => source, "outcome" => name).increment(1);
        outcome
    }

    fn outcome(&self, result: Result<(), HandlerError>, patience: Patience) -> Outcome {
        let Err(HandlerError { reason, remedy }) = result else { return Outcome::Done };
        match remedy {
            Remedy::Dead => Outcome::Dead { reason },
            _ if self.number >= patience.max_attempts => Outcome::Dead { reason },
            Remedy::RetryAfter(after) => Outcome::Retry { after, reason },
            Remedy::Retry => Outcome::Retry { after: delay(self.number, random()), reason },
        }
    }
}

/// As much of a text of the body as a line of a log has room for: 255 characters.
fn shown(text: &Option<String>) -> Option<&str> {
    let text = text.as_deref()?;
    Some(text.char_indices().nth(255).map_or(text, |(end, _)| &text[..end]))
}

fn tell(outcome: &Outcome) {
    match outcome {
        Outcome::Done => info!(target: "countersign", "webhook handled"),
        Outcome::Retry { after, reason } => {
            warn!(target: "countersign", reason, after = ?after, "webhook not handled: it is tried again");
        }
        Outcome::Dead { reason } => error!(target: "countersign", reason, "webhook given up"),
        Outcome::Returned => warn!(target: "countersign", "webhook given back: the worker stops"),
    }
}
