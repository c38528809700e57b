//! Reading and writing times.

use countersign::{ErrorKind, RequestView, Timestamp, catalog, scheme::TimeFormat};

use crate::{BODY, NOW, signed, verifier};

fn millis(text: &str) -> Option<i64> {
    Timestamp::parse(TimeFormat::Rfc3339, text).map(Timestamp::as_unix_millis)
}

#[test]
fn a_day_that_its_month_does_not_have_is_no_date() {
    for day in ["2024-02-29", "2000-02-29", "2023-02-28", "2023-04-30", "2023-12-31"] {
        assert!(millis(&format!("{day}T00:00:00Z")).is_some(), "{day}");
    }
    for day in ["1900-02-29", "2100-02-29", "2023-02-29", "2024-02-30", "2023-00-01", "2023-01-00"] {
        assert_eq!(millis(&format!("{day}T00:00:00Z")), None, "{day}");
    }
    let (long, short) = ([1, 3, 5, 7, 8, 10, 12], [4, 6, 9, 11]);
    for (months, last) in [(long.as_slice(), 31), (short.as_slice(), 30)] {
        for month in months {
            assert!(millis(&format!("2023-{month:02}-{last}T00:00:00Z")).is_some(), "{month}");
            assert_eq!(millis(&format!("2023-{month:02}-{}T00:00:00Z", last + 1)), None, "{month}");
        }
    }
}

#[test]
fn each_part_of_a_time_of_day_has_its_end() {
    assert_eq!(millis("1970-01-01T23:59:59Z"), Some(86_399_000));
    for time in ["24:00:00", "00:60:00", "00:00:60"] {
        assert_eq!(millis(&format!("1970-01-01T{time}Z")), None, "{time}");
    }
}

#[test]
fn an_offset_is_at_most_a_minute_short_of_a_day() {
    const DAY: i64 = 86_400_000;
    assert_eq!(millis("1970-01-02T00:00:00+23:59"), Some(60_000));
    assert_eq!(millis("1970-01-01T00:00:00-23:59"), Some(DAY - 60_000));
    for offset in ["+24:00", "-24:00", "+00:60", "-00:60", "+24:60"] {
        assert_eq!(millis(&format!("1970-01-01T00:00:00{offset}")), None, "{offset}");
    }
}

#[test]
fn seconds_beyond_the_last_year_are_taken_for_its_end() {
    const LAST: i64 = 253_402_300_799;
    for (seconds, kept) in
        [(LAST, LAST), (LAST + 1, LAST), (i64::MAX, LAST), (-LAST, -LAST), (i64::MIN, -LAST)]
    {
        assert_eq!(Timestamp::from_unix_seconds(seconds).as_unix_seconds(), kept);
    }
    assert_eq!(Timestamp::from_unix_seconds(-1).as_unix_millis(), -1000);
}

#[test]
fn the_least_and_the_greatest_number_that_is_a_time_are_read() {
    let read = |format, text: &str| Timestamp::parse(format, text).map(Timestamp::as_unix_millis);
    assert_eq!(read(TimeFormat::UnixSeconds, "253402300799"), Some(253_402_300_799_000));
    assert_eq!(read(TimeFormat::UnixSeconds, "253402300800"), None);
    assert_eq!(read(TimeFormat::UnixMillis, "100000000000"), Some(100_000_000_000));
    assert_eq!(read(TimeFormat::UnixMillis, "99999999999"), None);
    assert_eq!(read(TimeFormat::UnixMillis, "253402300799999"), Some(253_402_300_799_999));
    assert_eq!(read(TimeFormat::UnixMillis, "253402300800000"), None);
}

#[test]
fn a_time_is_read_back_in_each_writing() {
    for seconds in [0, 951_782_400, 1_700_000_000, 4_107_542_399] {
        let time = Timestamp::from_unix_seconds(seconds);
        for format in [TimeFormat::UnixSeconds, TimeFormat::Rfc3339] {
            assert_eq!(Timestamp::parse(format, &time.render(format)), Some(time), "{format:?}");
        }
    }
    let time = Timestamp::from_unix_seconds(1_700_000_000);
    assert_eq!(time.render(TimeFormat::UnixMillis), "1700000000000");
    assert_eq!(Timestamp::parse(TimeFormat::UnixMillis, "1700000000000"), Some(time));
}

#[test]
fn a_time_is_at_most_a_year_ahead_where_the_provider_names_no_limit() {
    const YEAR: i64 = 365 * 24 * 3600;
    let mut scheme = catalog::STRIPE;
    scheme.timestamp.as_mut().expect("a signed time").future = None;
    let headers = signed(&scheme);
    let verifier = verifier(&scheme);
    let kind = |now| verifier.verify(&RequestView::post(&headers), BODY, now).err().map(|error| error.kind());
    assert_eq!(kind(NOW - YEAR), None);
    assert_eq!(kind(NOW - YEAR - 1), Some(ErrorKind::TimestampTooNew));
}
