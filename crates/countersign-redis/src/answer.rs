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
    let cant_be_read = matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse);
    match cant_be_read || says("WRONGTYPE", error.code(), error.detail()) {
        true => StoreError::invalid(error),
        false => queue_error(error),
    }
}

/// What it means where an event can't be added: it is never the event's own fault, for where the stream's
/// name holds something else, no event can be.
pub(crate) fn queue_error(error: RedisError) -> StoreError {
    match says("OOM", error.code(), error.detail()) {
        true => StoreError::new(StoreErrorKind::Full),
        false => StoreError::unavailable(error),
    }
}

/// Whether an error of the server, by its code and the rest of its text, is the one that `what` is the code of. Until
/// Redis 7 the one of a command within a script stands in the text of another, sometimes behind a hyphen:
/// `ERR Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY …`.
pub(crate) fn says(what: &str, code: Option<&str>, text: Option<&str>) -> bool {
    let is_it = |word: &str| word.strip_prefix('-').unwrap_or(word) == what;
    let within = |text: &str| text.starts_with("Error running script ") && text.split(' ').any(is_it);
    code == Some(what) || (code == Some("ERR") && text.is_some_and(within))
}

/// How long an answer may take, unless it is set.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use redis::{RedisError, Value, parse_redis_value};

    use super::*;

    /// The error of such a line of the protocol.
    fn error(line: &str) -> RedisError {
        match parse_redis_value(format!("-{line}\r\n").as_bytes()) {
            Ok(Value::ServerError(error)) => error.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_within_a_script_is_known_as_it_is_outside() {
        for (line, kind) in [
            ("OOM command not allowed when used memory > 'maxmemory'.", StoreErrorKind::Full),
            (
                "ERR Error running script (call to f_12): @user_script:9: @user_script: 9: -OOM command not allowed",
                StoreErrorKind::Full,
            ),
            ("WRONGTYPE Operation against a key", StoreErrorKind::Invalid),
            (
                "ERR Error running script (call to f_12): @user_script:9: WRONGTYPE Operation against a key",
                StoreErrorKind::Invalid,
            ),
            ("ERR unknown command, with args beginning with: OOM", StoreErrorKind::Unavailable),
            ("NOAUTH -OOM", StoreErrorKind::Unavailable),
        ] {
            assert_eq!(store_error(error(line)).kind(), kind, "{line}");
        }
    }
}
