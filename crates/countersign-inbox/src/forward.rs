//! Forwarding events to a queue that the application already runs.

use countersign_store::{Forward, InboxStore};

use crate::{EventHandler, HandlerError, Inbox, InboxEvent, InboxWorker};

/// The handler that publishes what it gets.
struct Publisher<F> {
    queue: F,
}

impl<F: Forward> EventHandler for Publisher<F> {
    async fn handle(&self, event: InboxEvent) -> Result<(), HandlerError> {
        Ok(self.queue.forward(event.leased()).await?)
    }
}

impl<S: InboxStore> InboxWorker<S> {
    /// A worker that publishes events to a queue, and marks each done once the queue has confirmed that
    /// it holds it. It tries for ever: what is wrong is the queue, not the event.
    #[must_use]
    pub fn forward(inbox: Inbox<S>, queue: impl Forward) -> Self {
        InboxWorker::new(inbox, Publisher { queue }).max_attempts(u32::MAX)
    }
}
