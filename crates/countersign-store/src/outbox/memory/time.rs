//! Times and spans of time, in microseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time from one moment to a later one.
pub(super) fn span(from: i64, until: i64) -> Duration {
    Duration::from_micros(u64::try_from(until.saturating_sub(from)).unwrap_or(0))
}

pub(super) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn later(now: i64, span: Duration) -> i64 {
    now.saturating_add(micros(span))
}

pub(super) fn earlier(now: i64, span: Duration) -> i64 {
    now.saturating_sub(micros(span))
}

/// The time by the system's clock.
pub(super) fn unix_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}
