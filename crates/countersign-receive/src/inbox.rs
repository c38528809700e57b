//! Early acknowledgement: the event is stored, and a worker handles it later.

use std::{borrow::Cow, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use countersign::{Error, HeaderView, RequestView};
use countersign_store::{Accepted, InboxStore, Received, StoreError};
use tokio::time::timeout;

use crate::{Verified, hooks::unavailable};

/// Settings under which events are stored and answered at once, to be handled by a worker.
///
/// ```
/// use countersign_receive::{InboxSettings, Verified};
/// # fn settings(store: impl countersign_store::InboxStore) -> InboxSettings {
/// // `store`, or the `Inbox` of `countersign-inbox` around it, which wakes the worker of this process.
/// let in_order_of_type = |verified: &Verified| Some(verified.event_type().ok()??.into_owned());
/// InboxSettings::new(store).keep_headers(["x-shopify-shop-domain"]).order_by(in_order_of_type)
/// # }
/// ```
#[derive(Clone)]
pub struct InboxSettings {
    store: Arc<dyn Store>,
    order: Option<Arc<Order>>,
    headers: Arc<[String]>,
    keeps_target: bool,
    timeout: Duration,
}

type Order = dyn Fn(&Verified) -> Option<String> + Send + Sync;

impl InboxSettings {
    /// How long the store may take to accept an event, by default: 5 seconds. Most providers wait for 10 and more.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

    /// Stores events in `store`.
    #[must_use]
    pub fn new(store: impl InboxStore) -> Self {
        InboxSettings {
            store: Arc::new(store),
            order: None,
            headers: Arc::default(),
            keeps_target: false,
            timeout: Self::DEFAULT_TIMEOUT,
        }
    }

    /// Events for which `order` gives the same text are handled one after the other, as they came:
    /// those of one invoice, say. `None` for events that can be handled at any time.
    #[must_use]
    pub fn order_by(mut self, order: impl Fn(&Verified) -> Option<String> + Send + Sync + 'static) -> Self {
        self.order = Some(Arc::new(order));
        self
    }

    /// Keeps these headers of the request with the event, where they are there, for the worker's handler: Shopify, say,
    /// names the shop in `X-Shopify-Shop-Domain` alone. What the scheme doesn't sign anybody can have written who has seen
    /// such a request. A value that is no text is left out. None are kept by default.
    #[must_use]
    pub fn keep_headers<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.headers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps the path and query of the request with the event, as they arrived, for the worker's handler: `/sms?order=42`,
    /// say, where a URL was registered for each order. Few schemes sign them, and they may hold a secret, so they aren't
    /// kept by default.
    #[must_use]
    pub fn keep_target(mut self) -> Self {
        self.keeps_target = true;
        self
    }

    /// How long the store may take to accept an event; after that the request is answered 503.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Stores an event. Once this has returned, it is durable.
    pub(crate) async fn accept(
        &self,
        verified: &Verified,
        request: &RequestView<'_>,
    ) -> Result<Accepted, Error> {
        let mut received = self.describe(verified);
        received.headers = self.kept(request.headers);
        if self.keeps_target {
            received.headers.push((Received::TARGET.to_owned(), storable(request.target.into())));
        }
        let accepted = timeout(self.timeout, self.store.accept(&received)).await;
        accepted
            .unwrap_or_else(|_| Err(StoreError::unavailable(format!("no answer within {:?}", self.timeout))))
            .map_err(|error| unavailable("the inbox", &error))
    }

    fn kept(&self, headers: &(dyn HeaderView + Sync)) -> Vec<(String, String)> {
        let mut kept = Vec::new();
        headers.each(&mut |name, value| {
            let wanted = self.headers.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
            if let Some(text) = str::from_utf8(value).ok().filter(|_| wanted) {
                kept.push((name.to_ascii_lowercase(), text.to_owned()));
            }
        });
        kept
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

impl<S: InboxStore> From<S> for InboxSettings {
    fn from(store: S) -> Self {
        InboxSettings::new(store)
    }
}

impl fmt::Debug for InboxSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxSettings")
            .field("ordered", &self.order.is_some())
            .field("headers", &self.headers)
            .field("keeps_target", &self.keeps_target)
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
