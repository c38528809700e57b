//! The system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970, negative before.
pub(super) fn unix_micros() -> i64 {
    let whole = |micros| i64::try_from(micros).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since.as_micros()),
        Err(before) => -whole(before.duration().as_micros()),
    }
}
