//! The contract of a store that lets each event be handled once.

use std::{future::Future, sync::Arc, time::Duration};

use crate::StoreError;

/// The longest key in bytes.
pub const MAX_KEY: usize = 1024;

/// Refuses a key that no store keeps: an empty one, one that is longer than [`MAX_KEY`], or one with a
/// NUL, which PostgreSQL can't hold.
///
/// # Errors
/// [`StoreErrorKind::Invalid`](crate::StoreErrorKind::Invalid).
pub fn check_key(key: &str) -> Result<(), StoreError> {
    match key.len() {
        1..=MAX_KEY if !key.contains('\0') => Ok(()),
        _ => Err(StoreError::invalid(format!("a key is 1 to {MAX_KEY} bytes without NUL"))),
    }
}

/// Lets each event be handled once, while its copies can arrive at any time and on any machine.
///
/// An event goes through three states: unknown, claimed, done.
///
/// ```text
///            claim                 complete
/// unknown ──────────▶ claimed ───────────────▶ done
///    ▲                   │                       │
///    ├──── release ──────┤                       │
///    ├── the lease ends ─┘                       │
///    └────────────── the ttl ends ───────────────┘
/// ```
///
/// What a store promises:
///
/// - Of all calls of [`claim`](Self::claim) for one key, however many at once, one gets
///   [`Claim::Claimed`] until the lease ends.
/// - A claim whose lease has ended can be claimed again; the earlier token then settles nothing:
///   [`Settlement::Superseded`]. Until somebody does, the earlier token still settles.
/// - A key that is done stays done until its time to live ends. It is never forgotten before, not to
///   make room either, unless the application has chosen so.
/// - Where a call fails, nothing has been decided: what is claimed stays claimed until its lease ends.
///
/// Keys are any UTF-8 text of 1 to [`MAX_KEY`] bytes without NUL, and are compared byte by byte. A lease counts
/// from when the key is claimed, however long the store was busy before, and a time to live from when the store
/// receives the call, by the store's own clock.
pub trait IdempotencyStore: Send + Sync + 'static {
    /// Claims `key` for `lease`, if nobody else holds it and it isn't done.
    ///
    /// # Errors
    /// Where the store can't be reached, is full, or the key is too long.
    fn claim(&self, key: &str, lease: Duration) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Records that the event is handled, and how it was answered, for `ttl`.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn complete(
        &self,
        token: &ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> impl Future<Output = Result<Settlement, StoreError>> + Send;

    /// Gives the claim back: the event can be claimed at once.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn release(&self, token: &ClaimToken) -> impl Future<Output = Result<Settlement, StoreError>> + Send;
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The event is the caller's to handle, and to settle with this token.
    Claimed(ClaimToken),
    /// Somebody else is handling it.
    InFlight {
        /// When their lease ends, at the latest.
        remaining: Duration,
    },
    /// It has been handled, and was answered so.
    Done(Answer),
}

/// How an event was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, 200 to 299.
    pub status: u16,
}

/// The right to settle one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimToken {
    key: String,
    fence: Fence,
}

impl ClaimToken {
    /// The token of a claim: made by stores, and by nobody else.
    #[must_use]
    pub fn new(key: impl Into<String>, fence: Fence) -> Self {
        ClaimToken { key: key.into(), fence }
    }

    /// The key that is claimed.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What tells this claim from every other of the same key.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence
    }
}

/// A number that no two claims of a key share. Where several processes share a store it is drawn at random,
/// so that they need not agree on one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence(i64);

impl Fence {
    /// A new fence.
    ///
    /// # Errors
    /// Where the operating system gives no random numbers.
    pub fn random() -> Result<Self, StoreError> {
        let number = getrandom::u64().map_err(|error| StoreError::unavailable(error.to_string()))?;
        Ok(Fence(number.cast_signed()))
    }

    /// The fence that a store has kept as this number.
    #[must_use]
    pub const fn from_i64(number: i64) -> Self {
        Fence(number)
    }

    /// The number, as a store keeps it.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }
}

/// What came of settling a claim or a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Settlement {
    /// It is settled.
    Settled,
    /// The lease has ended and somebody else has claimed the event since, or it is settled already:
    /// nothing has changed.
    Superseded,
}

impl<S: IdempotencyStore> IdempotencyStore for Arc<S> {
    fn claim(&self, key: &str, lease: Duration) -> impl Future<Output = Result<Claim, StoreError>> + Send {
        (**self).claim(key, lease)
    }

    fn complete(
        &self,
        token: &ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> impl Future<Output = Result<Settlement, StoreError>> + Send {
        (**self).complete(token, answer, ttl)
    }

    fn release(&self, token: &ClaimToken) -> impl Future<Output = Result<Settlement, StoreError>> + Send {
        (**self).release(token)
    }
}
