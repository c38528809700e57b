//! Times and spans, as the tables hold them: microseconds.

use std::{sync::Arc, time::Duration};

/// Tells the time in microseconds since 1970.
pub(crate) type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A span in microseconds, a century at most, so that a time and a span can always be added.
pub(crate) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).map_or(CENTURY, |micros| micros.min(CENTURY))
}

/// What is left of a span; nothing, where it has passed.
pub(crate) fn remaining(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

const CENTURY: i64 = 100 * 366 * 24 * 60 * 60 * 1_000_000;
