//! The `Retry-After` header.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a receiver asks to be left alone, by the value of its `Retry-After` header.
///
/// `now` is in Unix seconds. The value is a number of seconds or a date, as RFC 9110 (section
/// 10.2.3) has it; anything else is no wish. The result is at least a second and at most a day.
///
/// ```
/// use std::time::Duration;
/// use countersign_transport::retry_after;
///
/// assert_eq!(retry_after("120", 0), Some(Duration::from_secs(120)));
/// assert_eq!(retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 0), Some(Duration::from_secs(60)));
/// assert_eq!(retry_after("soon", 0), None);
/// ```
#[must_use]
pub fn retry_after(value: &str, now: i64) -> Option<Duration> {
    let seconds = seconds(value).or_else(|| seconds_until(value, now))?;
    Some(Duration::from_secs(seconds.clamp(MIN_SECONDS, MAX_SECONDS)))
}

/// A number that is too large for any type is a long time all the same.
fn seconds(value: &str) -> Option<u64> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(MAX_SECONDS))
}

fn seconds_until(date: &str, now: i64) -> Option<u64> {
    let date = httpdate::parse_http_date(date).ok()?;
    let seconds = unix_seconds(date).saturating_sub(now);
    Some(u64::try_from(seconds).unwrap_or(0))
}

fn unix_seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(since).unwrap_or(i64::MAX)
}

const MIN_SECONDS: u64 = 1;
const MAX_SECONDS: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000; // Tue, 14 Nov 2023 22:13:20 GMT

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_read() {
        for (value, seconds) in [
            ("1", 1),
            ("120", 120),
            ("0120", 120),
            ("86400", 86_400),
            ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
            ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
            ("Tue Nov 14 22:14:20 2023", 60),
        ] {
            assert_eq!(retry_after(value, NOW), Some(Duration::from_secs(seconds)), "{value}");
        }
    }

    #[test]
    fn adv_87_too_short_and_too_long_are_clamped() {
        for (value, seconds) in [
            ("0", 1),
            ("86401", 86_400),
            ("99999999999999999999", 86_400),
            ("Tue, 14 Nov 2023 22:13:20 GMT", 1),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ] {
            assert_eq!(retry_after(value, NOW), Some(Duration::from_secs(seconds)), "{value}");
        }
    }

    #[test]
    fn adv_87_a_clock_that_is_far_off_does_no_harm() {
        let date = "Tue, 14 Nov 2023 22:14:20 GMT";
        assert_eq!(retry_after(date, i64::MIN), Some(Duration::from_secs(86_400)));
        assert_eq!(retry_after(date, i64::MAX), Some(Duration::from_secs(1)));
    }

    #[test]
    fn adv_87_garbage_is_no_wish() {
        let nested = format!("Tue, 14 Nov 2023 22:14:20 {}", "(".repeat(100_000));
        for value in [
            "",
            " ",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "0x10",
            "٣",
            "1,2",
            "1 2",
            "soon",
            "2023-11-14T22:14:20Z",
            "Tue, 32 Nov 2023 22:14:20 GMT",
            "Tue, 14 Nov 2023 25:14:20 GMT",
            "Tue, 14 Nov 99999 22:14:20 GMT",
            &nested,
        ] {
            assert_eq!(retry_after(value, NOW), None, "{:.40}", value);
        }
    }
}
