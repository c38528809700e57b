//! The inbox: a store that tells the worker of the same process when something has come.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use countersign_store::{Accepted, DeadLetter, InboxStore, Leased, Received, Settle, Settlement, StoreError};
use tokio::sync::Notify;

/// Inbox: an [`InboxStore`] that wakes the workers of the same process when an event is accepted, so
/// that it is handled at once. Cheap to clone: the middleware has one, the worker another.
pub struct Inbox<S> {
    store: Arc<S>,
    arrived: Arc<Notify>,
}

impl<S: InboxStore> Inbox<S> {
    /// An inbox over this store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Inbox { store: Arc::new(store), arrived: Arc::default() }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Waits until an event is accepted in this process.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

impl<S> Clone for Inbox<S> {
    fn clone(&self) -> Self {
        Inbox { store: self.store.clone(), arrived: self.arrived.clone() }
    }
}

impl<S> fmt::Debug for Inbox<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

impl<S: InboxStore> InboxStore for Inbox<S> {
    async fn accept(&self, received: &Received) -> Result<Accepted, StoreError> {
        let accepted = self.store.accept(received).await?;
        if accepted == Accepted::New {
            self.arrived.notify_one();
        }
        Ok(accepted)
    }

    fn lease(
        &self,
        limit: u32,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Leased>, StoreError>> + Send {
        self.store.lease(limit, lease)
    }

    fn settle(&self, settled: &[Settle]) -> impl Future<Output = Result<Vec<Settlement>, StoreError>> + Send {
        self.store.settle(settled)
    }

    async fn requeue(&self, id: i64) -> Result<bool, StoreError> {
        let requeued = self.store.requeue(id).await?;
        self.arrived.notify_one();
        Ok(requeued)
    }

    fn dead(
        &self,
        after: i64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<DeadLetter>, StoreError>> + Send {
        self.store.dead(after, limit)
    }

    fn depth(&self) -> impl Future<Output = Result<u64, StoreError>> + Send {
        self.store.depth()
    }

    fn prune(&self, ttl: Duration) -> impl Future<Output = Result<u64, StoreError>> + Send {
        self.store.prune(ttl)
    }
}
