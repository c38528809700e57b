//! The server: what is configured, with every default.

use std::{fmt, sync::Arc, time::Duration};

use countersign_dispatch::{DISABLE_AFTER, Outbox, Sealer, WARN_AFTER};
use countersign_store::{api_keys::ApiKeyStore, outbox::OutboxStore};
use countersign_transport::Policy;

use crate::{
    Access, Action, EventTypes, access::stored::StoredKeys, operator::Operator, rate::Rate, router, time,
};

/// The operator's side of an [`Outbox`]: a REST API, as a router. See the [crate's page](crate).
pub struct Server<S>(Settings<S>);

/// What is configured.
pub(crate) struct Settings<S> {
    pub(crate) outbox: Outbox<S>,
    pub(crate) access: Access,
    pub(crate) stored_keys: Option<Arc<dyn StoredKeys>>,
    pub(crate) event_types: EventTypes,
    pub(crate) sealer: Option<Sealer>,
    pub(crate) policy: Policy,
    pub(crate) billrun: bool,
    pub(crate) warn_after: Duration,
    pub(crate) disable_after: Duration,
    pub(crate) body_limit: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) resends: Rate,
    pub(crate) audit: Arc<dyn Fn(&Action<'_>) + Send + Sync>,
    pub(crate) clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl<S: OutboxStore> Server<S> {
    /// A server that lets in whom `access` does.
    #[must_use]
    pub fn new(outbox: Outbox<S>, access: Access) -> Self {
        Server(Settings {
            outbox,
            access,
            stored_keys: None,
            event_types: EventTypes::new(),
            sealer: None,
            policy: Policy::new(),
            billrun: false,
            warn_after: WARN_AFTER,
            disable_after: DISABLE_AFTER,
            body_limit: 1 << 20,
            body_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            resends: Rate::per_minute(60),
            audit: Arc::new(|_| {}),
            clock: Arc::new(time::unix_micros),
        })
    }

    /// Lets in whoever has one of the keys that the outbox's store holds too, and lets admins make, list and remove
    /// them: off by default. A request with such a key reads the store once more, by an index, so that a key that was
    /// removed or has expired ends at once, on every server of the store. Where the store can't be reached nobody is
    /// let in by it.
    #[must_use]
    pub fn stored_keys(mut self) -> Self
    where
        S: ApiKeyStore,
    {
        self.0.stored_keys = Some(Arc::new(self.0.outbox.clone()));
        self
    }

    /// The event types that the application has: none by default.
    #[must_use]
    pub fn event_types(mut self, event_types: EventTypes) -> Self {
        self.0.event_types = event_types;
        self
    }

    /// Seals the secrets of endpoints before they are stored. The dispatcher needs the same keys.
    #[must_use]
    pub fn sealer(mut self, sealer: Sealer) -> Self {
        self.0.sealer = Some(sealer);
        self
    }

    /// Which URLs an endpoint can have: `https`, port 443 and public addresses by default. It is the policy of
    /// the dispatcher's transport, which checks again when it dials.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.0.policy = policy;
        self
    }

    /// Offers BillRun's API of webhooks under `/plugins/webhooks`, which is off by default; see the
    /// [crate's page](crate#billruns-api).
    #[must_use]
    pub fn billrun(mut self, offered: bool) -> Self {
        self.0.billrun = offered;
        self
    }

    /// After how long of failing an endpoint is warned of, and after how long it is disabled, as the dashboard says
    /// it: 5 and 7 days by default, like a [dispatcher's](countersign_dispatch::Dispatcher::failure_clock). Tell both
    /// the same.
    #[must_use]
    pub fn failure_clock(mut self, warn_after: Duration, disable_after: Duration) -> Self {
        (self.0.warn_after, self.0.disable_after) = (warn_after, disable_after);
        self
    }

    /// The most bytes of a request's body, 1 MiB by default.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.0.body_limit = bytes;
        self
    }

    /// The time in which a request's body must arrive, 10 seconds by default.
    #[must_use]
    pub fn body_timeout(mut self, limit: Duration) -> Self {
        self.0.body_timeout = limit;
        self
    }

    /// The time in which a request is answered, its body's arrival among it: 30 seconds by default. One that takes longer is
    /// answered 503; a change that is under way then goes on.
    #[must_use]
    pub fn answer_timeout(mut self, limit: Duration) -> Self {
        self.0.answer_timeout = limit;
        self
    }

    /// How often a caller may ask for redeliveries, replays and tests, together: 60 times a minute by default,
    /// at least once, in each process.
    #[must_use]
    pub fn resends_per_minute(mut self, times: u32) -> Self {
        self.0.resends = Rate::per_minute(times);
        self
    }

    /// Shows every change to `audit`, those too whose caller has gone away meanwhile. It must be quick: the caller waits.
    /// Changes are logged besides, under the target `countersign`.
    #[must_use]
    pub fn audit(mut self, audit: impl Fn(&Action<'_>) + Send + Sync + 'static) -> Self {
        self.0.audit = Arc::new(audit);
        self
    }

    /// The clock, in microseconds since 1970: the system's by default.
    #[must_use]
    pub fn clock_micros(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.0.clock = Arc::new(now);
        self
    }

    /// The router, to be served by itself or mounted under a path.
    pub fn router(self) -> axum::Router {
        router::of(Operator::new(self.0))
    }
}

impl<S> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("access", &self.0.access)
            .field("billrun", &self.0.billrun)
            .field("body_limit", &self.0.body_limit)
            .finish_non_exhaustive()
    }
}
