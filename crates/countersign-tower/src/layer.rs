//! The layer: what is configured once, for all requests.

use std::{error::Error as StdError, future::Future, sync::Arc, time::Duration};

use countersign::{Keyring, Verifier};
use countersign_receive::{Decision, Idempotency, InboxSettings, Receiver, SettingsError};
use http::{Uri, request::Parts};
use tower_layer::Layer;

use crate::service::WebhookService;

/// Layer that lets verified webhooks through to the inner service, and nothing else.
///
/// See the [crate's page](crate) for what it does, in which order, and where to place it.
#[derive(Clone, Debug)]
pub struct WebhookLayer {
    receiver: Arc<Receiver<Parts>>,
    original_uri: fn(&Parts) -> &Uri,
}

impl WebhookLayer {
    /// A layer that accepts what `verifier` does.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Receiver::new(verifier).into()
    }

    /// The most bytes of a body, 1 MiB by default; a larger one is answered 413. GitHub sends up to
    /// 25 MB.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.with(|receiver| receiver.body_limit(bytes))
    }

    /// The time in which a whole body must arrive, 10 seconds by default; a slower one is answered 408.
    #[must_use]
    pub fn body_timeout(self, total: Duration) -> Self {
        self.with(|receiver| receiver.body_timeout(total))
    }

    /// The longest time between two pieces of a body, 5 seconds by default; a longer silence is answered
    /// 408.
    #[must_use]
    pub fn idle_timeout(self, idle: Duration) -> Self {
        self.with(|receiver| receiver.idle_timeout(idle))
    }

    /// Chooses the keys by request, in place of the verifier's own: for tenants in the path or the
    /// host name. [`Receiver::resolve_keys`] says what `resolve` must keep to.
    ///
    /// ```
    /// use std::{collections::HashMap, convert::Infallible, sync::Arc};
    /// use countersign::{Keyring, Verifier, catalog};
    /// use countersign_tower::WebhookLayer;
    /// use http::request::Parts;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let tenants: Arc<HashMap<String, Arc<Keyring>>> = Arc::default();
    /// // In `tenants` stand keyrings such as `Keyring::builder(&catalog::STRIPE).key(…).tenant("acme").build()?`.
    /// let none = Keyring::by_request(&catalog::STRIPE)?;
    /// let verifier = Verifier::builder(catalog::STRIPE).keys(none).build()?;
    /// let layer = WebhookLayer::new(verifier).resolve_keys(move |request: &Parts| {
    ///     let tenant = request.uri.path().trim_start_matches("/hooks/").to_owned();
    ///     let tenants = tenants.clone();
    ///     async move { Ok::<_, Infallible>(tenants.get(&tenant).cloned()) }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn resolve_keys<F, Fut, E>(self, resolve: F) -> Self
    where
        F: Fn(&Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Arc<Keyring>>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.with(|receiver| receiver.resolve_keys(resolve))
    }

    /// Stores the secret that a handshake hands over; see [`Receiver::on_enrolment`].
    #[must_use]
    pub fn on_enrolment<F, Fut, E>(self, store: F) -> Self
    where
        F: Fn(&Parts, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.with(|receiver| receiver.on_enrolment(store))
    }

    /// Names the endpoint; see [`Receiver::endpoint`].
    #[must_use]
    pub fn endpoint(self, name: impl Into<Arc<str>>) -> Self {
        self.with(|receiver| receiver.endpoint(name))
    }

    /// Handles each event once: takes a store, or [`Idempotency`] with its settings.
    ///
    /// ```
    /// use countersign::{Keyring, Verifier, catalog};
    /// use countersign_store::MemoryStore;
    /// use countersign_tower::WebhookLayer;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keys = Keyring::new(&catalog::STRIPE, ["whsec_test_secret"])?;
    /// let verifier = Verifier::builder(catalog::STRIPE).keys(keys).build()?;
    /// let layer = WebhookLayer::new(verifier).idempotency(MemoryStore::new())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Receiver::idempotency`].
    pub fn idempotency(self, idempotency: impl Into<Idempotency>) -> Result<Self, SettingsError> {
        let receiver = Arc::unwrap_or_clone(self.receiver).idempotency(idempotency)?;
        Ok(WebhookLayer { receiver: Arc::new(receiver), ..self })
    }

    /// Stores events and answers them at once; the inner service isn't called. See [`Receiver::inbox`].
    #[must_use]
    pub fn inbox(self, inbox: impl Into<InboxSettings>) -> Self {
        self.with(|receiver| receiver.inbox(inbox))
    }

    /// Shows every decision to `audit`; see [`Receiver::audit`].
    #[must_use]
    pub fn audit(self, audit: impl Fn(&Decision<'_>) + Send + Sync + 'static) -> Self {
        self.with(|receiver| receiver.audit(audit))
    }

    /// Where the URI that arrived stands, for the schemes that sign it: `request.uri` by default,
    /// from which the nested routers of some frameworks have removed a prefix. For axum, pass
    /// `countersign_axum::original_uri`.
    #[must_use]
    pub fn original_uri(self, uri: fn(&Parts) -> &Uri) -> Self {
        WebhookLayer { original_uri: uri, ..self }
    }

    /// The clock, in Unix seconds: the system's by default.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.with(|receiver| receiver.clock(now))
    }

    fn with(self, change: impl FnOnce(Receiver<Parts>) -> Receiver<Parts>) -> Self {
        let receiver = change(Arc::unwrap_or_clone(self.receiver));
        WebhookLayer { receiver: Arc::new(receiver), ..self }
    }
}

impl From<Receiver<Parts>> for WebhookLayer {
    fn from(receiver: Receiver<Parts>) -> Self {
        WebhookLayer { receiver: Arc::new(receiver), original_uri: |parts| &parts.uri }
    }
}

impl<S> Layer<S> for WebhookLayer {
    type Service = WebhookService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WebhookService::new(inner, self.receiver.clone(), self.original_uri)
    }
}
