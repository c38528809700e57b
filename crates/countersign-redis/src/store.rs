//! The idempotency store.

use std::{fmt, time::Duration};

use countersign_store::{
    Answer, Claim, ClaimToken, Fence, IdempotencyStore, Settlement, StoreError, check_key,
};
use redis::{ScriptInvocation, aio::ConnectionLike};

use crate::{
    Connection,
    answer::{TIMEOUT, store_error, within},
    scripts::{CLAIM, COMPLETE, RELEASE},
};

/// An [`IdempotencyStore`] in Redis, for several machines; see the [crate's page](crate) for what to set
/// in Redis.
///
/// Leases and times to live run by the clock of Redis. A claim that nobody settled is kept for a day past
/// its lease: until then, and until somebody else claims the event, its token still settles.
///
/// `C` is the connection. Clones of it are used at once, so it has to be one that is shared:
/// a [`Connection`], or the `ConnectionManager`, `MultiplexedConnection` or `ClusterConnection` of `redis`.
#[derive(Clone)]
pub struct RedisStore<C = Connection> {
    connection: C,
    prefix: String,
    timeout: Duration,
}

impl RedisStore {
    /// Connects to the Redis at `url`: `redis://user:password@host:port/database`. The
    /// [`Connection`] is made again by itself where it is lost later.
    ///
    /// # Errors
    /// Where Redis can't be reached within 5 seconds, or the URL isn't one.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(RedisStore::new(Connection::open(url).await?))
    }
}

impl<C> RedisStore<C> {
    /// A store on a connection that the application has made.
    #[must_use]
    pub fn new(connection: C) -> Self {
        RedisStore { connection, prefix: String::from(PREFIX), timeout: TIMEOUT }
    }

    /// What the names of all records begin with: `countersign:` unless set. Applications that share a
    /// Redis need one each, and none may be the beginning of another.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long Redis may take for a step, a second unless set: the step then fails. A limit that the
    /// connection has itself counts too, where it is shorter.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisStore<C> {
    async fn settle(&self, script: &ScriptInvocation<'_>) -> Result<Settlement, StoreError> {
        let mut connection = self.connection.clone();
        match within(self.timeout, script.invoke_async(&mut connection)).await?.map_err(store_error)? {
            true => Ok(Settlement::Settled),
            false => Ok(Settlement::Superseded),
        }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> IdempotencyStore for RedisStore<C> {
    async fn claim(&self, key: &str, lease: Duration) -> Result<Claim, StoreError> {
        check_key(key)?;
        let fence = Fence::random()?;
        let lease = lease.min(FOREVER);
        let mut script = CLAIM.key(self.name(key));
        script.arg(fence.as_i64()).arg(lease.as_micros()).arg(millis(lease + KEPT_PAST_LEASE));
        let mut connection = self.connection.clone();
        let (state, number): (String, u64) =
            within(self.timeout, script.invoke_async(&mut connection)).await?.map_err(store_error)?;
        match state.as_str() {
            "claimed" => Ok(Claim::Claimed(ClaimToken::new(key, fence))),
            "in flight" => Ok(Claim::InFlight { remaining: Duration::from_micros(number) }),
            _ => done(&state, number),
        }
    }

    async fn complete(
        &self,
        token: &ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Result<Settlement, StoreError> {
        let mut script = COMPLETE.key(self.name(token.key()));
        script.arg(token.fence().as_i64()).arg(answer.status).arg(millis(ttl));
        self.settle(&script).await
    }

    async fn release(&self, token: &ClaimToken) -> Result<Settlement, StoreError> {
        let mut script = RELEASE.key(self.name(token.key()));
        script.arg(token.fence().as_i64());
        self.settle(&script).await
    }
}

/// Shows no connection, whose URL may hold a password.
impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn done(state: &str, status: u64) -> Result<Claim, StoreError> {
    match u16::try_from(status) {
        Ok(status) if state == "done" => Ok(Claim::Done(Answer { status })),
        _ => Err(StoreError::invalid(
            "something else than this store writes to Redis under its prefix: give it one of its own",
        )),
    }
}

/// A duration as Redis takes it: in whole milliseconds, at least one, and never shorter than it is.
fn millis(duration: Duration) -> u128 {
    duration.min(FOREVER).as_nanos().div_ceil(1_000_000).max(1)
}

const PREFIX: &str = "countersign:";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const KEPT_PAST_LEASE: Duration = DAY;

/// A hundred years: the scripts count in floating point, which is exact for microseconds up to then.
const FOREVER: Duration = Duration::from_secs(36_525 * DAY.as_secs());
