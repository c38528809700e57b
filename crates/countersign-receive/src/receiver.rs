//! The receiver: what is configured once, for all requests.

use std::{error::Error as StdError, fmt, future::Future, sync::Arc, time::Duration};

use countersign::{Keyring, Verifier};

use crate::{
    Decision, Idempotency, InboxSettings,
    body::Limits,
    clock,
    hooks::{Enrol, ResolveKeys},
    meters::Meters,
};

/// Everything that decides what becomes of a request. `P` is what the framework knows of a request
/// besides its body: what the hooks are given.
///
/// See the [crate's page](crate) for what it does and in which order.
pub struct Receiver<P> {
    pub(crate) verifier: Verifier,
    pub(crate) keys: Option<ResolveKeys<P>>,
    pub(crate) enrol: Option<Enrol<P>>,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub(crate) idempotency: Option<Arc<Idempotency>>,
    pub(crate) inbox: Option<InboxSettings>,
    pub(crate) audit: Option<Arc<Audit>>,
    pub(crate) meters: Arc<Meters>,
}

type Audit = dyn Fn(&Decision<'_>) + Send + Sync;

impl<P> Receiver<P> {
    /// The most bytes of a body, by default: 1 MiB.
    pub const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;
    /// The time in which a whole body must arrive, by default: 10 seconds.
    pub const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(10);
    /// The longest time between two pieces of a body, by default: 5 seconds.
    pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

    /// A receiver that accepts what `verifier` does.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        let limits = Limits {
            bytes: Self::DEFAULT_BODY_LIMIT,
            total: Self::DEFAULT_BODY_TIMEOUT,
            idle: Self::DEFAULT_IDLE_TIMEOUT,
        };
        Receiver {
            meters: Arc::new(Meters::new(&verifier)),
            verifier,
            keys: None,
            enrol: None,
            limits,
            clock: Arc::new(clock::unix_seconds),
            idempotency: None,
            inbox: None,
            audit: None,
        }
    }

    /// The verifier.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The most bytes of a body; a larger one is answered 413.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// The time in which a whole body must arrive; a slower one is answered 408.
    #[must_use]
    pub fn body_timeout(mut self, total: Duration) -> Self {
        self.limits.total = total;
        self
    }

    /// The longest time between two pieces of a body; a longer silence is answered 408.
    #[must_use]
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.limits.idle = idle;
        self
    }

    /// Chooses the keys by request, in place of the verifier's own: for tenants in the path or the
    /// host name. Build the verifier with [`Keyring::by_request`].
    ///
    /// `resolve` sees the request before its body is read, and before anything is proved: it must
    /// choose by what the *endpoint* is, never try the keys of several tenants in turn. `Ok(None)`,
    /// for a tenant that isn't known, is answered 401; `Err` is logged and answered 503 with
    /// `Retry-After`: so leave out what a caller can get wrong, such as a path that is no text. Name the tenant with
    /// [`KeyringBuilder::tenant`](countersign::KeyringBuilder::tenant), so that what is verified carries its name: where
    /// events are remembered, keys without a tenant are answered 500, as one tenant's event could pass for a copy of
    /// another's. The limits of time are the body's alone: a resolver that can hang needs its
    /// own, and one that is slow a cache.
    #[must_use]
    pub fn resolve_keys<F, Fut, E>(mut self, resolve: F) -> Self
    where
        F: Fn(&P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Arc<Keyring>>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.keys = Some(ResolveKeys::new(resolve));
        self
    }

    /// Stores the secret that a handshake hands over, where the verifier is
    /// [enrolling](countersign::VerifierBuilder::enrolling). The handshake is answered once `store`
    /// has succeeded; where it fails, the failure is logged and the answer is 503. Without this,
    /// such a handshake is answered 500, because the secret would be lost.
    #[must_use]
    pub fn on_enrolment<F, Fut, E>(mut self, store: F) -> Self
    where
        F: Fn(&P, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.enrol = Some(Enrol::new(store));
        self
    }

    /// Names the endpoint: for the log, the metrics, the inbox, and the keys by which copies are known. Endpoints of
    /// one scheme that share a store, but neither keys nor a tenant, need different names: otherwise the
    /// holder of one's secret could make events of the other's look handled.
    #[must_use]
    pub fn endpoint(mut self, name: impl Into<Arc<str>>) -> Self {
        self.verifier = self.verifier.at_endpoint(name);
        self.meters = Arc::new(Meters::new(&self.verifier));
        self
    }

    /// Handles each event once.
    ///
    /// # Errors
    /// Where events would be remembered for less than twice the time in which a copy can be accepted;
    /// and where the scheme limits no request's age, so that the time must be said, and isn't.
    pub fn idempotency(mut self, idempotency: impl Into<Idempotency>) -> Result<Self, SettingsError> {
        self.idempotency = Some(Arc::new(idempotency.into().checked(&self.verifier)?));
        Ok(self)
    }

    /// Stores events and answers them at once, for a worker to handle. The handler isn't called, and
    /// copies are known by the inbox itself: [`idempotency`](Self::idempotency) isn't needed.
    #[must_use]
    pub fn inbox(mut self, inbox: impl Into<InboxSettings>) -> Self {
        self.inbox = Some(inbox.into());
        self
    }

    /// Shows every decision to `audit`, before the handler is called. It must be quick: the request waits.
    #[must_use]
    pub fn audit(mut self, audit: impl Fn(&Decision<'_>) + Send + Sync + 'static) -> Self {
        self.audit = Some(Arc::new(audit));
        self
    }

    /// The clock, in Unix seconds: the system's by default.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }
}

impl<P> Clone for Receiver<P> {
    fn clone(&self) -> Self {
        Receiver {
            verifier: self.verifier.clone(),
            keys: self.keys.clone(),
            enrol: self.enrol.clone(),
            limits: self.limits,
            clock: self.clock.clone(),
            idempotency: self.idempotency.clone(),
            inbox: self.inbox.clone(),
            audit: self.audit.clone(),
            meters: self.meters.clone(),
        }
    }
}

impl<P> fmt::Debug for Receiver<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("scheme", &self.verifier.scheme().name)
            .field("endpoint", &self.verifier.endpoint())
            .field("keys_by_request", &self.keys.is_some())
            .field("enrolment", &self.enrol.is_some())
            .field("limits", &self.limits)
            .field("idempotency", &self.idempotency)
            .field("inbox", &self.inbox)
            .finish_non_exhaustive()
    }
}

/// Settings that can't be right together: what is wrong, and what to do.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsError {
    message: String,
}

impl SettingsError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        SettingsError { message: message.into() }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// As a sentence, for `main` prints an error so.
impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SettingsError({self})")
    }
}

impl StdError for SettingsError {}
