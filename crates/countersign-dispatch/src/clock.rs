//! The system's clock, and how a time is written.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use countersign::{Timestamp, scheme::TimeFormat};

/// The system's clock, in microseconds.
pub(crate) fn system_clock() -> Arc<dyn Fn() -> i64 + Send + Sync> {
    Arc::new(unix_micros)
}

/// Unix seconds.
pub(crate) fn unix_seconds() -> i64 {
    unix_micros() / 1_000_000
}

/// Microseconds since 1970.
pub(crate) fn unix_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    i64::try_from(since).unwrap_or(i64::MAX)
}

/// A time in microseconds as RFC 3339 writes it, in whole seconds: `2026-03-14T09:26:53Z`.
pub(crate) fn rfc3339(micros: i64) -> String {
    Timestamp::from_unix_seconds(micros.div_euclid(1_000_000)).render(TimeFormat::Rfc3339)
}
