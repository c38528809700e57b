//! A clock that the test sets, and the steps of a claim.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign_store::{Answer, Claim, ClaimToken, IdempotencyStore, MemoryStore, Settlement};

/// A clock that stands still unless it is told.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<Mutex<Duration>>);

impl TestClock {
    pub(crate) fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    pub(crate) fn ahead(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }

    pub(crate) fn back(&self, by: Duration) {
        *self.0.lock().unwrap() -= by;
    }

    /// An empty store that goes by this clock.
    pub(crate) fn store(&self) -> MemoryStore {
        let clock = self.clone();
        MemoryStore::new().clock(move || clock.now())
    }
}

pub(crate) async fn claim(store: &MemoryStore, key: &str) -> Claim {
    store.claim(key, MINUTE).await.unwrap()
}

/// Claims a key that can be claimed, for a minute.
pub(crate) async fn claimed(store: &MemoryStore, key: &str) -> ClaimToken {
    match claim(store, key).await {
        Claim::Claimed(token) => token,
        other => panic!("{key}: {other:?}"),
    }
}

pub(crate) async fn complete(store: &MemoryStore, token: &ClaimToken, ttl: Duration) -> Settlement {
    store.complete(token, OK, ttl).await.unwrap()
}

/// Claims a key and completes it.
pub(crate) async fn done(store: &MemoryStore, key: &str, ttl: Duration) {
    let token = claimed(store, key).await;
    assert_eq!(complete(store, &token, ttl).await, Settlement::Settled);
}

pub(crate) const OK: Answer = Answer { status: 200 };
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
