//! Early acknowledgement: the event is stored, and a worker handles it later.

use std::{borrow::Cow, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use countersign::Error;
use countersign_store::{Accepted, InboxStore, Received, StoreError};
use tokio::time::timeout;

use crate::{Verified, hooks::unavailable};

/// Settings under which events are stored and answered at once, to be handled by a worker.
#[derive(Clone)]
pub struct Inbox {
    store: Arc<dyn Store>,
    order: Option<Arc<Order>>,
    timeout: Duration,
}

type Order = dyn Fn(&Verified) -> Option<String> + Send + Sync;

impl Inbox {
    /// How long the store may take to accept an event, by default: 5 seconds. Most providers wait for 10 and more.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

    /// Stores events in `store`.
    #[must_use]
    pub fn new(store: impl InboxStore) -> Self {
        Inbox { store: Arc::new(store), order: None, timeout: Self::DEFAULT_TIMEOUT }
    }

    /// Events for which `order` gives the same text are handled one after the other, as they came:
    /// those of one invoice, say. `None` for events that can be handled at any time.
    #[must_use]
    pub fn order_by(mut self, order: impl Fn(&Verified) -> Option<String> + Send + Sync + 'static) -> Self {
        self.order = Some(Arc::new(order));
        self
    }

    /// How long the store may take to accept an event; after that the request is answered 503.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Stores an event. Once this has returned, it is durable.
    pub(crate) async fn accept(&self, verified: &Verified) -> Result<Accepted, Error> {
        let received = self.describe(verified);
        let accepted = timeout(self.timeout, self.store.accept(&received)).await;
        accepted
            .unwrap_or_else(|_| Err(StoreError::unavailable(format!("no answer within {:?}", self.timeout))))
            .map_err(|error| unavailable("the inbox", &error))
    }

    fn describe(&self, verified: &Verified) -> Received {
        let scheme = verified.scheme();
        let owned = |text: Result<Option<Cow<'_, str>>, Error>| Some(storable(text.ok()??));
        let source = verified.endpoint().unwrap_or(&scheme.name);
        let mut received =
            Received::new(verified.idempotency_key().as_str(), source, verified.body_ref().clone());
        received.tenant = verified.tenant().map(str::to_owned);
        received.event_id = owned(verified.event_id());
        received.event_type = owned(verified.event_type());
        received.order =
            self.order.as_ref().and_then(|order| order(verified)).map(|order| storable(order.into()));
        received.data_at = scheme.event.data.to_string();
        received
    }
}

/// A text of the event that every store can keep: PostgreSQL has no place for NUL, and a sender that signs one is not
/// to be told to try again for ever. The body stays as it is.
fn storable(text: Cow<'_, str>) -> String {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}"),
        false => text.into_owned(),
    }
}

impl<S: InboxStore> From<S> for Inbox {
    fn from(store: S) -> Self {
        Inbox::new(store)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("ordered", &self.order.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

type Accepting<'a> = Pin<Box<dyn Future<Output = Result<Accepted, StoreError>> + Send + 'a>>;

/// The half of an [`InboxStore`] that is needed here, its type forgotten.
trait Store: Send + Sync {
    fn accept<'a>(&'a self, received: &'a Received) -> Accepting<'a>;
}

impl<S: InboxStore> Store for S {
    fn accept<'a>(&'a self, received: &'a Received) -> Accepting<'a> {
        Box::pin(InboxStore::accept(self, received))
    }
}
