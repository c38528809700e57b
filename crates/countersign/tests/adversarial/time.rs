//! Timestamps: stale, ahead, overflowing, and written in other ways.

use countersign::{
    ErrorKind, Timestamp, Tolerance, catalog,
    scheme::{Place, TimeFormat},
};

use crate::subject::{NOW, Subject, timestamped};

/// The subject with another text for its timestamp, the signature being what it was.
fn with_timestamp(subject: &Subject, text: &str) -> Subject {
    let mut changed = subject.clone();
    match &subject.scheme.timestamp.as_ref().expect("a timestamp").at {
        Place::Header(name) => changed.set(name, text),
        _ => {
            let name = subject.signature_header();
            let format = subject.scheme.timestamp.as_ref().expect("a timestamp").format;
            let old = Timestamp::from_unix_seconds(NOW).render(format);
            changed.set(&name, subject.header(&name).replacen(&old, text, 1));
        }
    }
    changed
}

#[test]
fn adv_15_the_extremes_of_a_number_neither_panic_nor_wrap() {
    let extremes = [
        "-9223372036854775808",
        "9223372036854775807",
        "18446744073709551615",
        "9223372036854775808",
        "-1",
        "0",
    ];
    for scheme in timestamped() {
        for text in extremes {
            for now in [0, 1, NOW, i64::MAX, i64::MIN] {
                let mut subject = with_timestamp(&Subject::of(scheme), text);
                subject.now = now;
                subject.assert_refused(text);
            }
        }
    }
}

#[test]
fn adv_16_a_timestamp_has_one_writing() {
    for scheme in timestamped() {
        let subject = Subject::of(scheme);
        let format = scheme.timestamp.as_ref().expect("a timestamp").format;
        let good = Timestamp::from_unix_seconds(NOW).render(format);
        for text in [
            format!("+{good}"),
            format!("00{good}"),
            "-0".to_owned(),
            format!("{good}.0"),
            format!("{good}\t"),
            "1e9".to_owned(),
            "0x6553f100".to_owned(),
            "NaN".to_owned(),
            "٣".to_owned(),
            "１".to_owned(),
            "1_0".to_owned(),
        ] {
            with_timestamp(&subject, &text).assert_refused(&text);
        }
    }
}

#[test]
fn adv_17_both_ends_of_the_tolerance_are_inclusive() {
    for scheme in timestamped() {
        let rule = scheme.timestamp.as_ref().expect("a timestamp");
        let at = |now: i64| Subject { now, ..Subject::of(scheme) }.kind();
        if let Some(past) = rule.past.map(i64::from) {
            assert_eq!(at(NOW + past), None, "{}", scheme.name);
            assert_eq!(at(NOW + past + 1), Some(ErrorKind::TimestampTooOld), "{}", scheme.name);
        }
        match rule.future.map(i64::from) {
            Some(future) => {
                assert_eq!(at(NOW - future), None, "{}", scheme.name);
                assert_eq!(at(NOW - future - 1), Some(ErrorKind::TimestampTooNew), "{}", scheme.name);
            }
            None => {
                let year = 365 * 24 * 3600;
                assert_eq!(at(NOW - year), None, "{}", scheme.name);
                assert_eq!(at(NOW - year - 1), Some(ErrorKind::TimestampTooNew), "{}", scheme.name);
            }
        }
    }
    let strict = Tolerance::default().past(10).future(20);
    let at = |now: i64| Subject { now, tolerance: strict, ..Subject::of(&catalog::STRIPE) }.kind();
    assert_eq!((at(NOW + 10), at(NOW - 20)), (None, None));
    assert_eq!(at(NOW + 11), Some(ErrorKind::TimestampTooOld));
    assert_eq!(at(NOW - 21), Some(ErrorKind::TimestampTooNew));
}

#[test]
fn adv_18_seconds_and_milliseconds_are_not_confused() {
    for scheme in timestamped() {
        let text = match scheme.timestamp.as_ref().expect("a timestamp").format {
            TimeFormat::UnixSeconds => (NOW * 1000).to_string(),
            TimeFormat::UnixMillis => NOW.to_string(),
            TimeFormat::Rfc3339 => continue,
        };
        let mut subject = with_timestamp(&Subject::of(scheme), &text);
        subject.tolerance = Tolerance::UNCHECKED;
        assert_eq!(subject.kind(), Some(ErrorKind::InvalidTimestamp), "{}", scheme.name);
    }
}

#[test]
fn adv_19_a_clock_at_any_time_gives_an_error_not_a_panic() {
    let centuries = [-1, 0, 2_147_483_648, 4_294_967_296, 253_402_300_799, i64::MAX, i64::MIN];
    for scheme in timestamped() {
        for now in centuries {
            let kind = Subject { now, ..Subject::of(scheme) }.kind();
            let past = scheme.timestamp.as_ref().expect("a timestamp").past;
            let expected = match now > NOW {
                true => past.map(|_| ErrorKind::TimestampTooOld),
                false => Some(ErrorKind::TimestampTooNew),
            };
            assert_eq!(kind, expected, "{} at {now}", scheme.name);
        }
    }
}

#[test]
fn a_changed_timestamp_is_a_changed_signature() {
    for scheme in timestamped() {
        let format = scheme.timestamp.as_ref().expect("a timestamp").format;
        let other = Timestamp::from_unix_seconds(NOW - 1).render(format);
        let subject = with_timestamp(&Subject::of(scheme), &other);
        let kind = subject.kind();
        assert_eq!(kind, Some(ErrorKind::NoMatchingSignature), "{}", scheme.name);
    }
}
