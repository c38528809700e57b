//! Reaching Redis, and what it means when that fails.

use std::{future::Future, time::Duration};

use countersign_store::{StoreError, StoreErrorKind};
use redis::{
    Client, ErrorKind, IntoConnectionInfo, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};

/// Connects to the Redis at `url`, and again by itself whenever the connection is lost.
pub(crate) async fn connect(url: &str) -> Result<ConnectionManager, StoreError> {
    let server = url.into_connection_info().map_err(StoreError::invalid)?.set_tcp_settings(tcp());
    let client = Client::open(server).map_err(StoreError::invalid)?;
    within(CONNECT_TIMEOUT, ConnectionManager::new_with_config(client, config())).await?.map_err(store_error)
}

/// Waits for what Redis answers, but not for longer than `timeout`.
pub(crate) async fn within<T>(timeout: Duration, answer: impl Future<Output = T>) -> Result<T, StoreError> {
    let late = |_| StoreError::unavailable(format!("Redis did not answer within {timeout:?}"));
    tokio::time::timeout(timeout, answer).await.map_err(late)
}

/// The time is limited by [`within`], which covers waiting for a connection too.
fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new().set_response_timeout(None).set_max_delay(MAX_RECONNECT_DELAY)
}

/// A lost peer is noticed by what it doesn't acknowledge: without a limit the kernel tries for a quarter
/// of an hour, and the connection is not replaced before.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED);
    settings
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

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(1);

#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
