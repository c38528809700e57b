//! The outbox: a store that tells the dispatcher of the same process when something has come.

use std::{fmt, sync::Arc};

use countersign_store::{
    StoreError,
    outbox::{Enqueued, NewMessage, OutboxStore},
};
use metrics::counter;
use tokio::sync::Notify;
use tracing::{Instrument, Span, error_span, field::Empty};

/// Outbox: a store of messages, and a way to wake the dispatcher of the same process. Cheap to clone.
///
/// A message that is enqueued in a transaction of the application's own, by the store itself, is seen once
/// the transaction has committed: call [`wake`](Outbox::wake) then, or let the dispatcher find it when it
/// asks the store, within a second.
pub struct Outbox<S> {
    store: Arc<S>,
    woken: Arc<Notify>,
}

impl<S: OutboxStore> Outbox<S> {
    /// An outbox over this store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Outbox { store: Arc::new(store), woken: Arc::default() }
    }

    /// The store: endpoints, history, redelivery.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Stores messages in one commit of their own, and wakes the dispatcher.
    ///
    /// # Errors
    /// Where the store can't be reached: nothing is stored.
    pub async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<Enqueued>, StoreError> {
        let span = error_span!(target: "countersign", "webhook.enqueue", messages = messages.len(), duplicates = Empty);
        let enqueued = self.store.enqueue(messages).instrument(span.clone()).await?;
        observe(&enqueued, &span);
        self.wake();
        Ok(enqueued)
    }

    /// Wakes the dispatcher of this process.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }
}

impl<S> Clone for Outbox<S> {
    fn clone(&self) -> Self {
        Outbox { store: self.store.clone(), woken: self.woken.clone() }
    }
}

impl<S> fmt::Debug for Outbox<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

fn observe(enqueued: &[Enqueued], span: &Span) {
    let (all, duplicates) = (enqueued.len(), enqueued.iter().filter(|one| one.duplicate).count());
    span.record("duplicates", duplicates);
    for (duplicate, count) in [("false", all - duplicates), ("true", duplicates)] {
        counter!("countersign_messages_total", "duplicate" => duplicate).increment(count as u64);
    }
}
