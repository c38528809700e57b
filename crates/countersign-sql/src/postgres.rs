//! PostgreSQL: one database, for any number of machines.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use countersign_store::StoreError;
use sqlx::{PgPool, Postgres, Transaction};

use self::{error::failed, outbox::Ear};
use crate::{
    clock::Clock,
    lost::{LostLeases, giving_back},
    outbox::{forget::Forgetting, turns::Turns},
};

mod api_keys;
mod error;
mod idempotency;
mod inbox;
mod migrations;
mod outbox;

/// Store in PostgreSQL, tested with version 15: one database, for any number of machines.
///
/// Leases and times to live are counted by the database's clock, so that the machines need not agree
/// on one. What is accepted outlives the machine's power as far as the database flushes its commits:
/// leave `synchronous_commit` on.
#[derive(Clone)]
pub struct PgStore {
    pool: PgPool,
    clock: Option<Clock>,
    claims: Arc<AtomicU64>,
    lost_leases: LostLeases,
    lost_claims: LostLeases,
    forgetting: Forgetting,
    turns: Turns,
    ear: Ear,
}

impl PgStore {
    /// A store over a pool of the application's own. [`migrate`](Self::migrate) it before it is used.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        PgStore {
            pool,
            clock: None,
            claims: Arc::default(),
            lost_leases: LostLeases::default(),
            lost_claims: LostLeases::default(),
            forgetting: Forgetting::default(),
            turns: Turns::default(),
            ear: Ear::default(),
        }
    }

    /// Another clock than the database's, in microseconds since 1970: for tests.
    #[must_use]
    pub fn clock_micros(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(now));
        self
    }

    /// Creates the tables, or brings them up to date. Nothing is done where they are.
    ///
    /// # Errors
    /// Where the database can't be reached, or refuses.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        migrations::run(&mut transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Whether the database has been [migrated](Self::migrate) at some time. Nothing is changed.
    ///
    /// # Errors
    /// Where the database can't be reached, or refuses.
    pub async fn has_tables(&self) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar("SELECT to_regclass('countersign_inbox') IS NOT NULL");
        found.fetch_one(&self.pool).await.map_err(failed)
    }

    /// For what is read alone.
    fn readers(&self) -> &PgPool {
        &self.pool
    }

    /// The time in microseconds since 1970; `None` for the database's own.
    fn now(&self) -> Option<i64> {
        self.clock.as_ref().map(|clock| clock())
    }

    /// The time in microseconds since 1970.
    async fn time(&self) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar("SELECT countersign_now($1)").bind(self.now());
        query.fetch_one(&self.pool).await.map_err(failed)
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.pool.begin().await.map_err(failed)
    }
}

giving_back!(PgStore);

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").finish_non_exhaustive()
    }
}
