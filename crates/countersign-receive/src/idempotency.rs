//! Handling each event once: the settings.

use std::{fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use countersign::Verifier;
use countersign_store::IdempotencyStore;

pub(crate) use self::claims::log;
use self::store::Store;
use crate::SettingsError;

mod claims;
mod store;

/// Settings under which each event is handled once.
///
/// ```
/// use std::time::Duration;
/// use countersign_receive::Idempotency;
/// # fn settings<S: countersign_store::IdempotencyStore>(store: S) -> Idempotency {
/// Idempotency::new(store).ttl(Duration::from_secs(7 * 86_400)).lease(Duration::from_secs(30))
/// # }
/// ```
#[derive(Clone)]
pub struct Idempotency {
    store: Arc<dyn Store>,
    lease: Duration,
    ttl: Option<Duration>,
    timeout: Duration,
    fail_open: bool,
}

impl Idempotency {
    /// How long a handler may run before a copy of its event may be handled, by default: 60 seconds.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(60);
    /// For how long an event is remembered, by default: 3 days, or twice as long as a copy of it can be
    /// accepted, if that is more.
    pub const DEFAULT_TTL: Duration = Duration::from_secs(3 * 86_400);
    /// How long the store may take to answer, by default: 5 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

    /// The defaults, with this store.
    #[must_use]
    pub fn new(store: impl IdempotencyStore) -> Self {
        Idempotency {
            store: Arc::new(store),
            lease: Self::DEFAULT_LEASE,
            ttl: None,
            timeout: Self::DEFAULT_TIMEOUT,
            fail_open: false,
        }
    }

    /// How long a handler may run before a copy of its event may be handled: longer than the longest
    /// handler. It is how long an event waits whose handler was killed, and for how long it is tried to record an answer
    /// while the store is away. From a second to a day.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// For how long an event is remembered: at least twice as long as a copy can be accepted, and longer
    /// than the provider retries. A scheme that signs no time needs this to be said, because a copy can
    /// come at any age, and is handled again once the event is forgotten. An event whose signed time is further
    /// ahead of the clock than half of this is remembered for twice as long as it is ahead.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long the store may take to answer; after that it counts as unavailable.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Handles events even where the store is unavailable or full, so that some may be handled twice.
    /// Otherwise such requests are answered 503, and the provider sends them again.
    #[must_use]
    pub fn fail_open(mut self) -> Self {
        self.fail_open = true;
        self
    }

    /// The settings with everything decided for what this verifier accepts.
    pub(crate) fn checked(mut self, verifier: &Verifier) -> Result<Self, SettingsError> {
        let least = verifier.replay_window().map(|seconds| Duration::from_secs(seconds.saturating_mul(2)));
        let name = &verifier.scheme().name;
        self.ttl = match (self.ttl, least) {
            (Some(ttl), Some(least)) if ttl < least => {
                return Err(SettingsError::new(format!(
                    "idempotency: events are remembered for {ttl:?}, but scheme {name} can be sent a copy for \
                     half of {least:?}: set a ttl of at least {least:?}"
                )));
            }
            (None, None) => {
                return Err(SettingsError::new(format!(
                    "idempotency: scheme {name} limits no request's age, so a copy can come at any time: say with \
                     `Idempotency::ttl` for how long events are remembered"
                )));
            }
            (Some(ttl), _) => Some(ttl),
            (None, Some(least)) => Some(least.max(Self::DEFAULT_TTL)),
        };
        if self.ttl.is_some_and(|ttl| ttl.is_zero()) {
            return Err(SettingsError::new("idempotency: the ttl must be longer than nothing"));
        }
        if !LEASES.contains(&self.lease) {
            return Err(SettingsError::new(format!(
                "idempotency: the lease is {:?}: it must be from a second to a day, and longer than the longest handler",
                self.lease
            )));
        }
        Ok(self)
    }
}

/// How long a lease may be. Stores take one that ends more than a day from now for that of a clock that was ahead.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

impl<S: IdempotencyStore> From<S> for Idempotency {
    fn from(store: S) -> Self {
        Idempotency::new(store)
    }
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency")
            .field("lease", &self.lease)
            .field("ttl", &self.ttl)
            .field("timeout", &self.timeout)
            .field("fail_open", &self.fail_open)
            .finish_non_exhaustive()
    }
}
