//! How long an endpoint that fails is left alone.

use std::time::Duration;

use countersign_store::outbox::Endpoint;

/// The first time that a circuit is open.
const FIRST: Duration = Duration::from_secs(10);
/// The longest.
const LONGEST: Duration = Duration::from_secs(600);
/// How long one is left alone that said itself that it is overloaded, and not for how long.
const OVERLOADED: Duration = Duration::from_secs(5);

/// How long an endpoint is left alone that has failed `failures` times in a row, this one included. The
/// circuit opens after [`Endpoint::HALF_OPEN_AFTER`] failures, each time for twice as long; between, one
/// request at a time tries it.
pub(crate) fn open_for(failures: u32) -> Option<Duration> {
    let times = failures.checked_sub(Endpoint::HALF_OPEN_AFTER)?;
    Some(FIRST.saturating_mul(2_u32.saturating_pow(times)).min(LONGEST))
}

/// How long an endpoint is left alone that answers 429, 502, 503 or 504.
pub(crate) fn overloaded(status: u16, retry_after: Option<Duration>) -> Option<Duration> {
    matches!(status, 429 | 502..=504).then(|| retry_after.unwrap_or(OVERLOADED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_five_failures_and_for_longer_each_time() {
        let seconds = |failures| open_for(failures).map(|open| open.as_secs());
        assert_eq!(
            [1, 4, 5, 6, 7, 11, u32::MAX].map(seconds),
            [None, None, Some(10), Some(20), Some(40), Some(600), Some(600)]
        );
    }

    #[test]
    fn an_endpoint_that_is_overloaded_is_left_alone() {
        let minute = Duration::from_secs(60);
        assert_eq!(overloaded(503, Some(minute)), Some(minute));
        assert_eq!(overloaded(429, None), Some(OVERLOADED));
        assert_eq!(overloaded(500, Some(minute)), None);
    }
}
