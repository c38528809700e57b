//! A database of its own for each test, a clock that the test sets, and events.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use countersign_store::{
    Claim, ClaimToken, IdempotencyStore, InboxStore, Leased, Outcome, Received, Settle, StoreError,
    api_keys::ApiKeyStore, outbox::OutboxStore,
};

/// Runs each test on SQLite and on PostgreSQL.
macro_rules! on_each_database {
    ($($test:ident),* $(,)?) => {
        #[cfg(feature = "sqlite")]
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&crate::sqlite::Fresh::new().await).await;
            })*
        }

        #[cfg(feature = "postgres")]
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if let Some(fresh) = crate::postgres::Fresh::new().await {
                    super::$test(&fresh).await;
                    crate::support::Database::drop(fresh).await;
                }
            })*
        }
    };
}

/// A database with empty tables.
pub(crate) trait Database {
    type Store: IdempotencyStore + InboxStore + OutboxStore + ApiKeyStore + Clone;

    /// A store with the clock of every day.
    fn store(&self) -> Self::Store;

    /// A store with this clock.
    fn at(&self, clock: &TestClock) -> Self::Store;

    /// Runs a statement behind the stores' back.
    async fn execute(&self, statement: &'static str);

    /// What a statement counts behind the stores' back.
    async fn count(&self, statement: &'static str) -> i64;

    /// Removes it.
    async fn drop(self);

    /// `prune_claims`, which the traits don't have.
    async fn prune_claims(store: &Self::Store) -> Result<u64, StoreError>;
}

/// A clock that stands still unless it is told.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        TestClock(Arc::new(AtomicI64::new(1_700_000_000_000_000)))
    }

    pub(crate) fn ahead(&self, by: Duration) {
        self.0.fetch_add(by.as_micros() as i64, Ordering::SeqCst);
    }

    pub(crate) fn back(&self, by: Duration) {
        self.0.fetch_sub(by.as_micros() as i64, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Claims a key that nobody has.
pub(crate) async fn claimed(store: &impl IdempotencyStore, key: &str, lease: Duration) -> ClaimToken {
    match store.claim(key, lease).await.unwrap() {
        Claim::Claimed(token) => token,
        other => panic!("{key:?}: {other:?}"),
    }
}

pub(crate) fn event(key: &str) -> Received {
    Received::new(key, "stripe", format!("the body of {key}"))
}

pub(crate) fn ordered(key: &str, order: &str) -> Received {
    let mut received = event(key);
    received.order = Some(order.to_owned());
    received
}

/// Accepts events without an order, with these keys.
pub(crate) async fn accept(store: &impl InboxStore, keys: &[&str]) {
    for key in keys {
        store.accept(&event(key)).await.unwrap();
    }
}

/// Leases what is due for a minute.
pub(crate) async fn lease(store: &impl InboxStore, limit: u32) -> Vec<Leased> {
    store.lease(limit, MINUTE).await.unwrap()
}

pub(crate) fn keys(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|leased| leased.received.key.as_str()).collect()
}

pub(crate) fn settle(leased: &Leased, outcome: Outcome) -> Settle {
    Settle { id: leased.id, fence: leased.fence, outcome }
}

pub(crate) fn retry(after: Duration) -> Outcome {
    Outcome::Retry { after, reason: "busy".to_owned() }
}
