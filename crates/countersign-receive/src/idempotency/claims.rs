//! Claiming and settling: what is asked of the store, for how long its answer is waited, and what becomes of one that
//! comes too late.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use countersign::{Error, ErrorKind, IdempotencyKey};
use countersign_store::{Answer, Claim, ClaimToken, Settlement, StoreError, StoreErrorKind};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use super::{Idempotency, store::Answering};
use crate::{handling::Held, hooks::unavailable, meters::Handled, receive::Placed};

impl Idempotency {
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
                    pause = LONGEST_PAUSE.min(pause * 2);
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

fn in_flight(remaining: Duration) -> Error {
    // Rounded up: who comes back a moment too early is told to wait again.
    let seconds = remaining.as_secs().saturating_add(u64::from(remaining.subsec_nanos() > 0));
    Error::new(ErrorKind::InFlight).retry_after(seconds.max(1))
}

/// How long a store that was away is left alone before a claim is settled; each time twice as long,
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// and at most so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
