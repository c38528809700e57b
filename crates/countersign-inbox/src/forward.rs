//! Forwarding events to a queue that the application already runs.

use std::error::Error;

use countersign_store::{Forward, InboxStore, StoreError, StoreErrorKind};

use crate::{EventHandler, HandlerError, Inbox, InboxEvent, InboxWorker};

/// The handler that publishes what it gets.
struct Publisher<F> {
    queue: F,
}

impl<F: Forward> EventHandler for Publisher<F> {
    async fn handle(&self, event: InboxEvent) -> Result<(), HandlerError> {
        self.queue.forward(event.leased()).await.map_err(handler_error)
    }
}

fn handler_error(error: StoreError) -> HandlerError {
    match error.kind() {
        StoreErrorKind::Invalid => {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            HandlerError::dead(format!("the queue can never take it: {why}"))
        }
        _ => HandlerError::from(error),
    }
}

impl<S: InboxStore> InboxWorker<S> {
    /// A worker that publishes events to a queue, and marks each done once the queue has confirmed that
    /// it holds it. It tries for ever, for what is wrong is then the queue; but an event that the queue can
    /// never take, because it is too large for it, is a dead letter at once and holds up none behind it.
    #[must_use]
    pub fn forward(inbox: Inbox<S>, queue: impl Forward) -> Self {
        InboxWorker::new(inbox, Publisher { queue }).max_attempts(u32::MAX)
    }
}
