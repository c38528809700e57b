//! SQLite: one file, on one machine.

use std::{
    fmt,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use countersign_store::StoreError;
use sqlx::{Sqlite, SqlitePool, Transaction};

use self::{accept::Accept, error::failed, file::File, group::Group, outbox::Enqueue};
use crate::{
    clock::Clock,
    lost::{LostLeases, giving_back},
    outbox::{forget::Forgetting, turns::Turns},
};

mod accept;
mod api_keys;
mod clock;
mod error;
mod file;
mod group;
mod idempotency;
mod inbox;
mod list;
mod migrations;
mod open;
mod outbox;

/// Store in SQLite: one file, on one machine, for any number of processes.
///
/// Leases and times to live are counted by the machine's clock. Where the file is removed or replaced while it is open,
/// accepting, enqueueing, claiming and settling are errors until it is back: what they would write ends with the process.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    /// Connections that wait for no writer, where they are others.
    readers: SqlitePool,
    file: File,
    clock: Clock,
    claims: Arc<AtomicU64>,
    lost_leases: LostLeases,
    lost_claims: LostLeases,
    forgetting: Forgetting,
    turns: Turns,
    accepting: Group<Accept>,
    enqueueing: Group<Enqueue>,
}

impl SqliteStore {
    /// Opens the file, or creates it, and [migrates](Self::migrate) it.
    ///
    /// What is written there outlives the machine's power: the file is in WAL mode, and each commit
    /// is flushed (`synchronous=FULL`). All writes of the process go over one connection, so that
    /// they wait for each other in order; what an operator looks at is read over others, and waits for none.
    ///
    /// # Errors
    /// Where the file can't be opened, written, or be in WAL mode, as on a network's file system.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let opened = async {
            let store = Self::new(open::pool(path).await?);
            store.migrate().await?;
            Ok(SqliteStore { readers: open::readers(path).await?, ..store })
        };
        opened.await.map_err(|error| open::at(path, &error))
    }

    /// Opens a file that is there already, and leaves it as it is: neither its mode nor its tables are changed.
    /// `None` where it has not been [migrated](Self::migrate), as a file of somebody else's.
    ///
    /// # Errors
    /// Where there is no such file, or it can't be opened or read.
    pub async fn open_existing(path: impl AsRef<Path>) -> Result<Option<Self>, StoreError> {
        let path = path.as_ref();
        let opened = async {
            let pool = open::existing(path).await?;
            let found: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'countersign_inbox')",
            )
            .fetch_one(&pool)
            .await
            .map_err(failed)?;
            match found {
                true => Ok(Some(Self::new(pool))),
                false => {
                    pool.close().await;
                    Ok(None)
                }
            }
        };
        opened.await.map_err(|error| open::at(path, &error))
    }

    /// A store over a pool of the application's own. [`migrate`](Self::migrate) it before it is used.
    ///
    /// The pool must be of a file, in WAL mode (`SqliteJournalMode::Wal`) with
    /// `SqliteSynchronous::Full`: with `synchronous=NORMAL` an event that was acknowledged can be
    /// lost with the machine's power. A busy timeout of some seconds lets writers wait for each other. Let its
    /// `before_acquire` give up a connection that is still in a transaction (`is_in_transaction`): on a full
    /// disk SQLite ends one by itself, of which the driver doesn't hear, and no other begins there.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        SqliteStore {
            file: File::of(&pool),
            readers: pool.clone(),
            pool,
            clock: Arc::new(clock::unix_micros),
            claims: Arc::default(),
            lost_leases: LostLeases::default(),
            lost_claims: LostLeases::default(),
            forgetting: Forgetting::default(),
            turns: Turns::default(),
            accepting: Group::default(),
            enqueueing: Group::default(),
        }
    }

    /// The clock, in microseconds since 1970: the system's by default.
    #[must_use]
    pub fn clock_micros(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    /// Closes the file, after what is under way, for every clone of this store. What still stood in the file
    /// beside it, `-wal`, is in it then; a copy that is made earlier needs both.
    ///
    /// To be called, or not, at the end: nothing is lost without it.
    pub async fn close(&self) {
        // The last connection puts what stands beside the file into it, and these can't.
        self.readers.close().await;
        self.pool.close().await;
    }

    /// Creates the tables, or brings them up to date. Nothing is done where they are.
    ///
    /// # Errors
    /// Where the database can't be reached, or refuses, or the pool is not [as it must be](Self::new).
    pub async fn migrate(&self) -> Result<(), StoreError> {
        open::check(&self.pool).await?;
        let mut transaction = self.begin().await?;
        migrations::run(&mut transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// For what is read alone.
    fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The time in microseconds since 1970.
    fn now(&self) -> i64 {
        (self.clock)()
    }

    /// The time in microseconds since 1970.
    #[allow(clippy::unused_async, reason = "PostgreSQL has to be asked")]
    async fn time(&self) -> Result<i64, StoreError> {
        Ok(self.now())
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.file.begin().await
    }
}

giving_back!(SqliteStore);

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
