//! The system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds, negative before 1970.
pub fn unix_seconds() -> i64 {
    let whole = |seconds| i64::try_from(seconds).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since.as_secs()),
        Err(before) => -whole(before.duration().as_secs()),
    }
}
