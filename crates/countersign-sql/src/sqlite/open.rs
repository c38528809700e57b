//! Opening a file so that what is written outlives the machine's power.

use std::{path::Path, time::Duration};

use countersign_store::StoreError;
use sqlx::{
    Error, SqlitePool,
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
}
