//! The layer: what is configured once, for all requests.

use std::{error::Error as StdError, fmt, future::Future, sync::Arc, time::Duration};

use countersign::{Keyring, Verifier};
use http::{Uri, request::Parts};
use tower_layer::Layer;

use crate::{
    body::Limits,
    clock,
    hooks::{Enrol, ResolveKeys},
    service::WebhookService,
};

/// Layer that lets verified webhooks through to the inner service, and nothing else.
///
/// See the [crate's page](crate) for what it does, in which order, and where to place it.
#[derive(Clone, Debug)]
pub struct WebhookLayer {
    settings: Arc<Settings>,
}

/// Everything that is configured.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) verifier: Verifier,
    pub(crate) keys: Option<ResolveKeys>,
    pub(crate) enrol: Option<Enrol>,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub(crate) original_uri: fn(&Parts) -> &Uri,
}

impl WebhookLayer {
    /// The most bytes of a body, by default: 1 MiB.
    pub const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;
    /// The time in which a whole body must arrive, by default: 10 seconds.
    pub const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(10);
    /// The longest time between two pieces of a body, by default: 5 seconds.
    pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

    /// A layer that accepts what `verifier` does.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        let limits = Limits {
            bytes: Self::DEFAULT_BODY_LIMIT,
            total: Self::DEFAULT_BODY_TIMEOUT,
            idle: Self::DEFAULT_IDLE_TIMEOUT,
        };
        let settings = Settings {
            verifier,
            keys: None,
            enrol: None,
            limits,
            clock: Arc::new(clock::unix_seconds),
            original_uri: |parts| &parts.uri,
        };
        WebhookLayer { settings: Arc::new(settings) }
    }

    /// The most bytes of a body; a larger one is answered 413. GitHub sends up to 25 MB.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.with(|settings| settings.limits.bytes = bytes)
    }

    /// The time in which a whole body must arrive; a slower one is answered 408.
    #[must_use]
    pub fn body_timeout(self, total: Duration) -> Self {
        self.with(|settings| settings.limits.total = total)
    }

    /// The longest time between two pieces of a body; a longer silence is answered 408.
    #[must_use]
    pub fn idle_timeout(self, idle: Duration) -> Self {
        self.with(|settings| settings.limits.idle = idle)
    }

    /// Chooses the keys by request, in place of the verifier's own: for tenants in the path or the
    /// host name. Build the verifier with [`Keyring::by_request`].
    ///
    /// `resolve` sees the request before its body is read, and before anything is proved: it must
    /// choose by what the *endpoint* is, never try the keys of several tenants in turn. `Ok(None)`,
    /// for a tenant that isn't known, is answered 401; `Err` is logged and answered 503 with
    /// `Retry-After`. Name the tenant with
    /// [`KeyringBuilder::tenant`](countersign::KeyringBuilder::tenant), so that what is verified
    /// carries its name. The limits of time are the body's alone: a resolver that can hang needs its
    /// own, and one that is slow a cache.
    ///
    /// ```
    /// use std::{collections::HashMap, convert::Infallible, sync::Arc};
    /// use countersign::{Keyring, Verifier, catalog};
    /// use countersign_tower::WebhookLayer;
    /// use http::request::Parts;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let tenants: Arc<HashMap<String, Arc<Keyring>>> = Arc::default();
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
        self.with(|settings| settings.keys = Some(ResolveKeys::new(resolve)))
    }

    /// Stores the secret that a handshake hands over, where the verifier is
    /// [enrolling](countersign::VerifierBuilder::enrolling). The handshake is answered once `store`
    /// has succeeded; where it fails, the failure is logged and the answer is 503. Without this,
    /// such a handshake is answered 500, because the secret would be lost.
    #[must_use]
    pub fn on_enrolment<F, Fut, E>(self, store: F) -> Self
    where
        F: Fn(&Parts, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.with(|settings| settings.enrol = Some(Enrol::new(store)))
    }

    /// Where the URI that arrived stands, for the schemes that sign it: `request.uri` by default,
    /// from which the nested routers of some frameworks have removed a prefix. For axum, pass
    /// `countersign_axum::original_uri`.
    #[must_use]
    pub fn original_uri(self, uri: fn(&Parts) -> &Uri) -> Self {
        self.with(|settings| settings.original_uri = uri)
    }

    /// The clock, in Unix seconds: the system's by default.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.clock = Arc::new(now))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for WebhookLayer {
    type Service = WebhookService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WebhookService::new(inner, self.settings.clone())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("scheme", &self.verifier.scheme().name)
            .field("keys_by_request", &self.keys.is_some())
            .field("enrolment", &self.enrol.is_some())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
