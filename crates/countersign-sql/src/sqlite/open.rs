//! Opening a file so that what is written outlives the machine's power.

use std::{path::Path, time::Duration};

use countersign_store::StoreError;
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
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // On macOS a plain flush leaves what was written in the disk's cache.
        .pragma("fullfsync", "ON")
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // With the default of 50, the thread that reads rows waits for their reader again and again.
        .row_buffer_size(1024)
}

fn is_busy(error: &Error) -> bool {
    let code = error.as_database_error().and_then(|answer| answer.code());
    code.and_then(|code| code.parse().ok()).is_some_and(|code: i32| code & 0xff == BUSY)
}

/// Asks SQLite what it has made of the settings: those it can't have, it passes over silently.
async fn verify(pool: &SqlitePool) -> Result<(), StoreError> {
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await.map_err(failed)?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await.map_err(failed)?;
    match mode == "wal" && synchronous >= FULL {
        true => Ok(()),
        false => Err(StoreError::invalid(format!(
            "the file can't be in WAL mode and flushed at each commit (journal_mode={mode}, \
             synchronous={synchronous}): put it on a local disk"
        ))),
    }
}

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// SQLite's result code where another connection holds the lock.
const BUSY: i32 = 5;
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
