//! The system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds.
pub(crate) fn unix_seconds() -> i64 {
    unix_micros() / 1_000_000
}

/// Microseconds since 1970.
pub(crate) fn unix_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    i64::try_from(since).unwrap_or(i64::MAX)
}
