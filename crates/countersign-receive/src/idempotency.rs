//! Handling each event once: the settings, and what is asked of the store.

use std::{
    fmt,
    future::{Future, poll_fn},
    ops::RangeInclusive,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use countersign::{Error, ErrorKind, IdempotencyKey, Verifier};
use countersign_store::{
    Answer, Claim, ClaimToken, IdempotencyStore, Settlement, StoreError, StoreErrorKind,
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use crate::{SettingsError, handling::Held, hooks::unavailable, meters::Handled, receive::Placed};

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
    /// handler. It is how long an event waits whose handler was killed. From a second to a day.
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

    /// Claims an event that was signed by a clock so far `ahead`.
    pub(crate) async fn claim(
        self: &Arc<Self>,
        key: IdempotencyKey,
        ahead: Duration,
    ) -> Result<Placed, Error> {
        let mut answer = self.store.clone().claim(key.into(), self.lease);
        let claim = match at_once(&mut answer).await {
            Some(claim) => claim,
            None => self.in_time(Claiming { idempotency: self.clone(), answer: Some(answer) }).await,
        };
        match claim {
            Ok(Claim::Claimed(token)) => {
                let ttl = self.ttl_of(ahead);
                Ok(Placed::Handling(Some(Held { idempotency: self.clone(), token, ttl })))
            }
            Ok(Claim::Done(answer)) => Ok(Placed::Done(answer)),
            Ok(Claim::InFlight { remaining }) => Err(in_flight(remaining)),
            Err(error) if self.fail_open => {
                tracing::warn!(target: "countersign", error = %error, "webhook handled without a claim");
                Ok(Placed::Handling(None))
            }
            Err(error) => Err(unavailable("the idempotency store", &error)),
        }
    }

    /// For how long an event that was signed so far `ahead` is remembered. Where the provider names no limit ahead,
    /// that can be more than what [`checked`](Self::checked) has counted, and a copy is accepted until that time is
    /// past and too old.
    fn ttl_of(&self, ahead: Duration) -> Duration {
        self.ttl.unwrap_or(Self::DEFAULT_TTL).max(ahead.saturating_mul(2))
    }

    /// Records the handler's answer for `ttl`, or gives the claim back where the event isn't handled.
    pub(crate) async fn settle(
        &self,
        token: &ClaimToken,
        status: Option<u16>,
        ttl: Duration,
    ) -> Result<Settlement, StoreError> {
        match status.filter(|status| Handled::of(*status) == Handled::Done) {
            Some(status) => self.ask(self.store.complete(token, Answer { status }, ttl)).await,
            None => self.ask(self.store.release(token)).await,
        }
    }

    /// Settles the claim as [`settle`](Self::settle) does, again and again while the store is away, for as long as the
    /// lease: an event that was handled would else be handled once more.
    pub(crate) async fn settle_at_last(&self, token: &ClaimToken, status: Option<u16>, ttl: Duration) {
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        let settled = loop {
            match self.settle(token, status, ttl).await {
                Err(error)
                    if error.kind() == StoreErrorKind::Unavailable
                        && began.elapsed() + pause < self.lease =>
                {
                    tracing::warn!(
                        target: "countersign", key = token.key(), error = %error,
                        "a claim could not be settled: that is tried again"
                    );
                    sleep(pause).await;
                    pause *= 2;
                }
                settled => break settled,
            }
        };
        log(token, settled);
    }

    async fn ask<T>(&self, mut answer: Answering<'_, T>) -> Result<T, StoreError> {
        match at_once(&mut answer).await {
            Some(answer) => answer,
            None => self.in_time(answer).await,
        }
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let late = || StoreError::unavailable(format!("no answer within {:?}", self.timeout));
        timeout(self.timeout, answer).await.unwrap_or_else(|_| Err(late()))
    }
}

/// A claim that the store has been asked for. Where nobody waits for it any more, because it took too long or the
/// request was dropped, the store may grant it all the same: it is given back then, so that a copy of the event need
/// not wait for its lease to end. That is waited for as long as the lease, and no longer: of a store that hangs, each
/// request would else leave something behind.
struct Claiming {
    idempotency: Arc<Idempotency>,
    /// `None` once it is here.
    answer: Option<Answering<'static, Claim>>,
}

impl Future for Claiming {
    type Output = Result<Claim, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(answer) = &mut self.answer else { return Poll::Pending };
        let claim = ready!(answer.as_mut().poll(cx));
        self.answer = None;
        Poll::Ready(claim)
    }
}

impl Drop for Claiming {
    fn drop(&mut self) {
        let Some(answer) = self.answer.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let idempotency = self.idempotency.clone();
        runtime.spawn(async move {
            if let Ok(Ok(Claim::Claimed(token))) = timeout(idempotency.lease, answer).await {
                idempotency.settle_at_last(&token, None, Duration::ZERO).await;
            }
        });
    }
}

/// What a store answers without waiting, as one in memory does: it needs no timer.
async fn at_once<T>(answer: &mut Answering<'_, T>) -> Option<Result<T, StoreError>> {
    match poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// Says so where a claim could not be settled. The event is handled all the same.
pub(crate) fn log(token: &ClaimToken, settled: Result<Settlement, StoreError>) {
    let key = token.key();
    match settled {
        Ok(Settlement::Settled) => {}
        Ok(Settlement::Superseded) => tracing::warn!(
            target: "countersign", key, "a claim was settled already, or its lease had ended and a copy may have been handled"
        ),
        Err(error) => tracing::error!(
            target: "countersign", key, error = %error, "a claim could not be settled: it ends with its lease"
        ),
    }
}

/// How long a store that was away is left alone before a claim is settled; each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How long a lease may be. Stores take one that ends more than a day from now for that of a clock that was ahead.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

fn in_flight(remaining: Duration) -> Error {
    // Rounded up: who comes back a moment too early is told to wait again.
    let seconds = remaining.as_secs().saturating_add(u64::from(remaining.subsec_nanos() > 0));
    Error::new(ErrorKind::InFlight).retry_after(seconds.max(1))
}

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

type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// An [`IdempotencyStore`] whose type is forgotten.
trait Store: Send + Sync {
    /// The answer borrows nothing: it may be waited for longer than the request lasts.
    fn claim(self: Arc<Self>, key: String, lease: Duration) -> Answering<'static, Claim>;
    fn complete<'a>(
        &'a self,
        token: &'a ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Answering<'a, Settlement>;
    fn release<'a>(&'a self, token: &'a ClaimToken) -> Answering<'a, Settlement>;
}

impl<S: IdempotencyStore> Store for S {
    fn claim(self: Arc<Self>, key: String, lease: Duration) -> Answering<'static, Claim> {
        Box::pin(async move { IdempotencyStore::claim(&*self, &key, lease).await })
    }

    fn complete<'a>(
        &'a self,
        token: &'a ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Answering<'a, Settlement> {
        Box::pin(IdempotencyStore::complete(self, token, answer, ttl))
    }

    fn release<'a>(&'a self, token: &'a ClaimToken) -> Answering<'a, Settlement> {
        Box::pin(IdempotencyStore::release(self, token))
    }
}
