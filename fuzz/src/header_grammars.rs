//! The headers that are read by a grammar of their own: any text can be read, and what is read can be
//! written so that it is read the same again. The input is the header's value.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use countersign::{IdempotencyKey, Timestamp, scheme::TimeFormat};
use countersign_transport::retry_after;

/// Reads the value as an `Idempotency-Key`, as a `Retry-After` and as a time.
///
/// # Panics
/// Where it is read in a way that it isn't written in.
pub fn target(data: &[u8]) {
    check_key(data);
    if let Ok(text) = str::from_utf8(data) {
        [0, NOW, i64::MIN, i64::MAX].into_iter().for_each(|now| check_wait(text, now));
        check_number(TimeFormat::UnixSeconds, text);
        check_number(TimeFormat::UnixMillis, text);
        check_date(text);
    }
}

const NOW: i64 = 1_700_000_000;

/// `Idempotency-Key`: a quoted text, or a bare one where that is allowed.
fn check_key(value: &[u8]) {
    let strict = IdempotencyKey::parse_header(value, false).ok();
    let lenient = IdempotencyKey::parse_header(value, true).ok();
    assert!(strict.is_none() || strict == lenient, "bare values change what a quoted one is");
    let Some(key) = lenient else { return };
    assert!((1..=255).contains(&key.len()));
    assert!(key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
    let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
    assert_eq!(IdempotencyKey::parse_header(quoted.as_bytes(), false).as_ref(), Ok(&key));
    assert!(strict.is_some() || str::from_utf8(value).is_ok_and(|text| text.trim_matches(' ') == key));
}

/// `Retry-After`: seconds or a date.
fn check_wait(text: &str, now: i64) {
    let Some(wait) = retry_after(text, now) else {
        assert!(text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()));
        return;
    };
    let seconds = wait.as_secs();
    assert!((1..=86_400).contains(&seconds) && wait.subsec_nanos() == 0);
    assert_eq!(retry_after(&seconds.to_string(), now), Some(wait));
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => assert_eq!(seconds, text.parse::<u64>().unwrap_or(u64::MAX).clamp(1, 86_400)),
        false if now == NOW => {
            assert_eq!(retry_after(&httpdate::fmt_http_date(at(now) + wait), now), Some(wait))
        }
        false => {}
    }
}

fn at(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs())
}

/// A number of seconds or milliseconds: one writing each.
fn check_number(format: TimeFormat, text: &str) {
    if let Some(time) = Timestamp::parse(format, text) {
        assert_eq!(time.render(format), text);
    }
}

/// RFC 3339, which is written in UTC and whole seconds.
fn check_date(text: &str) {
    let Some(time) = Timestamp::parse(TimeFormat::Rfc3339, text) else { return };
    let written = time.render(TimeFormat::Rfc3339);
    let again = Timestamp::parse(TimeFormat::Rfc3339, &written);
    assert_eq!(again.map(Timestamp::as_unix_seconds), Some(time.as_unix_seconds()), "{written}");
}
