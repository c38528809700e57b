//! How long an endpoint is left alone that asks for it. How long one is that fails, its store knows:
//! [`Health::OPENINGS`](countersign_store::outbox::Health::OPENINGS).

use std::time::Duration;

/// How long one is left alone that said itself that it is overloaded, and not for how long.
const OVERLOADED: Duration = Duration::from_secs(5);

/// How long an endpoint is left alone that answers 429, 502, 503 or 504.
pub(crate) fn overloaded(status: u16, retry_after: Option<Duration>) -> Option<Duration> {
    matches!(status, 429 | 502..=504).then(|| retry_after.unwrap_or(OVERLOADED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_overloaded_is_left_alone() {
        let minute = Duration::from_secs(60);
        assert_eq!(overloaded(503, Some(minute)), Some(minute));
        assert_eq!(overloaded(429, None), Some(OVERLOADED));
        assert_eq!(overloaded(500, Some(minute)), None);
    }
}
