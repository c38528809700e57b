//! What Redis answers, and what it means where that is an error.

use std::{future::Future, time::Duration};

use countersign_store::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError};

/// Waits for what Redis answers, but not for longer than `timeout`.
pub(crate) async fn within<T>(timeout: Duration, answer: impl Future<Output = T>) -> Result<T, StoreError> {
    let late = |_| StoreError::unavailable(format!("Redis did not answer within {timeout:?}"));
    tokio::time::timeout(timeout, answer).await.map_err(late)
}

/// What it means where a record can't be read.
pub(crate) fn store_error(error: RedisError) -> StoreError {
    match (error.kind(), error.code()) {
        (_, Some("WRONGTYPE")) | (ErrorKind::UnexpectedReturnType | ErrorKind::Parse, _) => {
            StoreError::invalid(error)
        }
        _ => queue_error(error),
    }
}

/// What it means where an event can't be added: it is never the event's own fault, for where the stream's
/// name holds something else, no event can be.
pub(crate) fn queue_error(error: RedisError) -> StoreError {
    match error.code() {
        Some("OOM") => StoreError::new(StoreErrorKind::Full),
        _ => StoreError::unavailable(error),
    }
}

/// How long an answer may take, unless it is set.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);
