//! Opening a file so that what is written outlives the machine's power.

use std::{error::Error as _, fmt, path::Path, time::Duration};

use countersign_store::{StoreError, StoreErrorKind};
use sqlx::{
    Connection, Error, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::error::failed;

/// A pool of one connection to the file.
pub(super) async fn pool(path: &Path) -> Result<SqlitePool, StoreError> {
    let pool = connect(path).await?;
    verify(&pool).await?;
    Ok(pool)
}

/// A pool of connections that can read alone, to a file that is in WAL mode: there readers and writers don't wait for each
/// other.
pub(super) async fn readers(path: &Path) -> Result<SqlitePool, StoreError> {
    let reading = settings(path).pragma("query_only", "ON");
    options().max_connections(READERS).connect_with(reading).await.map_err(failed)
}

/// A pool of one connection to a file that is there already, of which nothing is changed.
pub(super) async fn existing(path: &Path) -> Result<SqlitePool, StoreError> {
    options().connect_with(settings(path)).await.map_err(failed)
}

/// Tries again while another process switches the new file to WAL mode: SQLite doesn't wait there.
async fn connect(path: &Path) -> Result<SqlitePool, StoreError> {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        match options().connect_with(file(path)).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(PAUSE).await,
            connected => return connected.map_err(failed),
        }
    }
    options().connect_with(file(path)).await.map_err(failed)
}

fn options() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(2 * PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        // Where SQLite ends a transaction by itself, as on a full disk, the driver doesn't hear of it, and would
        // begin no other on that connection.
        .before_acquire(|connection, _| {
            let is_free = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_free) })
        })
}

fn file(path: &Path) -> SqliteConnectOptions {
    settings(path).create_if_missing(true).journal_mode(SqliteJournalMode::Wal)
}

/// What holds for a connection, and leaves no trace in the file.
fn settings(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        // On macOS a plain flush leaves what was written in the disk's cache.
        .pragma("fullfsync", "ON")
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // With the default of 50, the thread that reads rows waits for their reader again and again.
        .row_buffer_size(1024)
}

fn is_busy(error: &Error) -> bool {
    code(error) == Some(BUSY)
}

/// SQLite's result code, without its extension.
fn code(error: &Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// Asks SQLite what it has made of the settings: those it can't have, it passes over silently.
async fn verify(pool: &SqlitePool) -> Result<(), StoreError> {
    match Kept::of(pool).await? {
        kept if kept.is_durable() => write(pool).await,
        kept => Err(StoreError::invalid(format!(
            "the file can't be in WAL mode and flushed at each commit ({kept}): put it on a local disk"
        ))),
    }
}

/// Refuses the application's own pool where it keeps what is written less well than ours.
pub(super) async fn check(pool: &SqlitePool) -> Result<(), StoreError> {
    match Kept::of(pool).await? {
        kept if kept.is_durable() => Ok(()),
        kept => Err(StoreError::invalid(format!(
            "the pool is not of a file in WAL mode that is flushed at each commit ({kept}): give its options \
             `journal_mode(SqliteJournalMode::Wal)` and `synchronous(SqliteSynchronous::Full)`"
        ))),
    }
}

/// How what is written is kept.
struct Kept {
    journal_mode: String,
    synchronous: i64,
}

impl Kept {
    async fn of(pool: &SqlitePool) -> Result<Self, StoreError> {
        let mut connection = pool.acquire().await.map_err(failed)?;
        let mode = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await;
        let synchronous = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await;
        Ok(Kept { journal_mode: mode.map_err(failed)?, synchronous: synchronous.map_err(failed)? })
    }

    fn is_durable(&self) -> bool {
        self.journal_mode == "wal" && self.synchronous >= FULL
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kept { journal_mode, synchronous } = self;
        write!(f, "journal_mode={journal_mode}, synchronous={synchronous}")
    }
}

/// Writes, and takes it back: a file that can't be written, SQLite opens for reading, silently, and a transaction
/// that is begun for writing there is one for reading.
async fn write(pool: &SqlitePool) -> Result<(), StoreError> {
    let written = async {
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql("CREATE TABLE countersign_can_be_written (column_1)")
            .execute(&mut *transaction)
            .await?;
        transaction.rollback().await
    };
    match written.await {
        // Somebody else is writing it for long.
        Err(error) if is_busy(&error) => Ok(()),
        Err(error) if code(&error) == Some(READ_ONLY) => {
            Err(StoreError::unavailable("the file can be read, and not written: check its permissions"))
        }
        written => written.map_err(failed),
    }
}

/// An error, with the file that it is about.
pub(super) fn at(path: &Path, error: &StoreError) -> StoreError {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let cause = format!("{}: {cause}", path.display());
    match error.kind() {
        StoreErrorKind::Invalid => StoreError::invalid(cause),
        _ => StoreError::unavailable(cause),
    }
}

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// How many read at once.
const READERS: u32 = 4;
/// SQLite's result code where another connection holds the lock.
const BUSY: i32 = 5;
/// That where the file, or its folder, can't be written.
const READ_ONLY: i32 = 8;
/// `synchronous=FULL`, as the pragma answers it.
const FULL: i64 = 2;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_in_wal_mode_and_flushed_at_each_commit() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(&folder.path().join("webhooks.db")).await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&pool).await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&pool).await.unwrap();
        assert_eq!((&*mode, synchronous), ("wal", FULL));
    }

    #[tokio::test]
    async fn a_file_that_is_not_flushed_at_each_commit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let normal = file(&folder.path().join("webhooks.db")).synchronous(SqliteSynchronous::Normal);
        let pool = options().connect_with(normal).await.unwrap();
        assert!(verify(&pool).await.unwrap_err().to_string().contains("synchronous=1"));
    }

    #[tokio::test]
    async fn a_file_that_can_not_be_written_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("webhooks.db");
        let writable = pool(&path).await.unwrap();
        let tables = "SELECT count(*) FROM sqlite_schema";
        assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&writable).await.unwrap(), 0);
        // As SQLite opens a file by itself that the user may only read: root may write any.
        let only_read = file(&path).create_if_missing(false).read_only(true);
        let only_read = options().connect_with(only_read).await.unwrap();
        let error = at(&path, &verify(&only_read).await.unwrap_err());
        let said =
            format!("the store can't be reached: {}: the file can be read, and not written", path.display());
        assert!(error.to_string().starts_with(&said), "{error}");
        assert_eq!(format!("{error:?}"), format!("StoreError({error})"));
    }

    #[tokio::test]
    async fn after_a_full_disk_the_next_transaction_has_a_connection_that_can_begin_one() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(&folder.path().join("webhooks.db")).await.unwrap();
        sqlx::raw_sql("CREATE TABLE bodies (body BLOB)").execute(&pool).await.unwrap();
        sqlx::raw_sql("PRAGMA max_page_count = 4").execute(&pool).await.unwrap();
        let large = "INSERT INTO bodies VALUES (randomblob(100000))";
        let mut full = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let error = sqlx::raw_sql(large).execute(&mut *full).await.unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
        drop(full);
        // The limit was that connection's.
        let mut next = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        sqlx::raw_sql(large).execute(&mut *next).await.unwrap();
        next.commit().await.unwrap();
    }
}
