//! What promises of records are made of.

use std::time::Duration;

use crate::conformance::LONG;
use crate::{Answer, Claim, ClaimToken, IdempotencyStore, Settlement};

pub(super) async fn claim(store: &impl IdempotencyStore, key: &str, lease: Duration) -> Claim {
    store.claim(key, lease).await.expect(WORKS)
}

/// Claims a key that can be claimed.
pub(super) async fn claimed(store: &impl IdempotencyStore, key: &str, lease: Duration) -> ClaimToken {
    match claim(store, key, lease).await {
        Claim::Claimed(token) => {
            assert_eq!(token.key(), key);
            token
        }
        other => panic!("{key:?} can be claimed, but is {other:?}"),
    }
}

pub(super) async fn complete(
    store: &impl IdempotencyStore,
    token: &ClaimToken,
    answer: Answer,
) -> Settlement {
    complete_for(store, token, answer, LONG).await
}

pub(super) async fn complete_for(
    store: &impl IdempotencyStore,
    token: &ClaimToken,
    answer: Answer,
    ttl: Duration,
) -> Settlement {
    store.complete(token, answer, ttl).await.expect(WORKS)
}

pub(super) async fn release(store: &impl IdempotencyStore, token: &ClaimToken) -> Settlement {
    store.release(token).await.expect(WORKS)
}

/// How long the lease of a key lasts that is in flight.
pub(super) async fn remaining(store: &impl IdempotencyStore, key: &str) -> Duration {
    match claim(store, key, LONG).await {
        Claim::InFlight { remaining } => remaining,
        other => panic!("{key:?} is in flight, but is {other:?}"),
    }
}

pub(super) async fn assert_in_flight(store: &impl IdempotencyStore, key: &str) {
    let remaining = remaining(store, key).await;
    assert!(remaining > Duration::ZERO && remaining <= LONG, "{remaining:?}");
}

pub(super) const OK: Answer = Answer { status: 200 };
pub(super) const NO_CONTENT: Answer = Answer { status: 204 };
pub(super) const WORKS: &str = "the store works";

/// A success that tells one event from the next.
pub(super) fn answer(number: usize) -> Answer {
    Answer { status: 200 + (number % 100) as u16 }
}
