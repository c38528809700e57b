//! Times as providers write them, read strictly.

use alloc::{
    format,
    string::{String, ToString},
};

use crate::scheme::TimeFormat;

/// A time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `seconds` after 1970-01-01T00:00:00Z; beyond the year 9999, that year's end.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        let max = MAX_MILLIS / 1000;
        let seconds = if seconds > max { max } else { seconds };
        Timestamp(if seconds < -max { -max * 1000 } else { seconds * 1000 })
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn as_unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_unix_millis(self) -> i64 {
        self.0
    }

    /// Reads a time in exactly one writing. No sign, no leading zero, no fraction of a number, no
    /// spaces; and no time beyond the year 9999, so that milliseconds are never taken for seconds.
    #[must_use]
    pub fn parse(format: TimeFormat, text: &str) -> Option<Timestamp> {
        Timestamp::parse_bytes(format, text.as_bytes())
    }

    /// [`parse`](Timestamp::parse) of a header's value, which need not be UTF-8.
    pub(crate) fn parse_bytes(format: TimeFormat, text: &[u8]) -> Option<Timestamp> {
        match format {
            TimeFormat::UnixSeconds => {
                let seconds = decimal(text)?;
                (seconds <= MAX_MILLIS / 1000).then(|| Timestamp(seconds * 1000))
            }
            TimeFormat::UnixMillis => {
                let millis = decimal(text)?;
                (MIN_MILLIS..=MAX_MILLIS).contains(&millis).then_some(Timestamp(millis))
            }
            TimeFormat::Rfc3339 => rfc3339(text),
        }
    }

    /// Writes the time as [`parse`](Timestamp::parse) reads it; RFC 3339 in UTC and whole seconds.
    #[must_use]
    pub fn render(self, format: TimeFormat) -> String {
        match format {
            TimeFormat::UnixSeconds => self.as_unix_seconds().to_string(),
            TimeFormat::UnixMillis => self.0.to_string(),
            TimeFormat::Rfc3339 => {
                let seconds = self.as_unix_seconds();
                let (year, month, day) = civil(seconds.div_euclid(DAY));
                let second = seconds.rem_euclid(DAY);
                let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
                format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
            }
        }
    }
}

const DAY: i64 = 86_400;

/// 0000-01-01T00:00:00Z.
const FIRST_MILLIS: i64 = -62_167_219_200_000;

/// 9999-12-31T23:59:59.999Z.
const MAX_MILLIS: i64 = 253_402_300_799_999;

/// The least number that is taken for milliseconds, 1973-03-03: any time of this age in seconds is less.
const MIN_MILLIS: i64 = 100_000_000_000;

/// A decimal number as it is printed: digits alone, no leading zero, at most 18 of them.
fn decimal(digits: &[u8]) -> Option<i64> {
    let canonical = digits == b"0" || digits.first().is_some_and(|digit| *digit != b'0');
    (canonical && digits.len() <= 18).then_some(())?;
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// RFC 3339 §5.6, without its leniencies (lower case, a space for the `T`, leap seconds).
fn rfc3339(bytes: &[u8]) -> Option<Timestamp> {
    let number = |from: usize, len: usize| -> Option<i64> {
        let digits = bytes.get(from..from + len)?;
        digits.iter().all(u8::is_ascii_digit).then_some(())?;
        Some(digits.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')))
    };
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    punctuation.iter().all(|&(at, mark)| bytes.get(at) == Some(&mark)).then_some(())?;
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let in_range = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    (in_range && hour < 24 && minute < 60 && second < 60).then_some(())?;

    let (millis, zone) = fraction(bytes, 19)?;
    let offset = match bytes.get(zone..)? {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(zone + 1, 2)?, number(zone + 4, 2)?);
            (hours < 24 && minutes < 60).then_some(())?;
            let seconds = hours * 3600 + minutes * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    let millis = seconds * 1000 + millis;
    // An offset can lead out of the years that have four digits.
    (FIRST_MILLIS..=MAX_MILLIS).contains(&millis).then_some(Timestamp(millis))
}

/// The milliseconds of a fraction that may begin at `at`, and where it ends.
fn fraction(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    if bytes.get(at) != Some(&b'.') {
        return Some((0, at));
    }
    let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    (1..=9).contains(&digits).then_some(())?;
    let digit = |place: usize| if place < digits { i64::from(bytes[at + 1 + place] - b'0') } else { 0 };
    Some((digit(0) * 100 + digit(1) * 10 + digit(2), at + 1 + digits))
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. The year is counted from
/// March, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that is so many days from 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adv_16_only_the_canonical_writing_of_a_number_is_a_time() {
        let good = "1700000000";
        assert!(Timestamp::parse(TimeFormat::UnixSeconds, good).is_some());
        for bad in [
            "",
            "+1700000000",
            "01700000000",
            "-0",
            "-1",
            " 1700000000",
            "1700000000 ",
            "1700000000\t",
            "1e9",
            "0x6553f100",
            "1700000000.0",
            "NaN",
            "٣",
            "１",
            "1_0",
            "00",
        ] {
            for format in [TimeFormat::UnixSeconds, TimeFormat::UnixMillis, TimeFormat::Rfc3339] {
                assert_eq!(Timestamp::parse(format, bad), None, "{bad:?}");
            }
        }
    }

    #[test]
    fn adv_15_no_number_overflows() {
        for bad in
            ["9223372036854775807", "18446744073709551615", "9223372036854775808", "-9223372036854775808"]
        {
            assert_eq!(Timestamp::parse(TimeFormat::UnixSeconds, bad), None);
            assert_eq!(Timestamp::parse(TimeFormat::UnixMillis, bad), None);
        }
        assert_eq!(Timestamp::parse(TimeFormat::UnixSeconds, "0"), Some(Timestamp(0)));
        for seconds in [i64::MIN, i64::MAX, 0, -1] {
            let _ = Timestamp::from_unix_seconds(seconds).render(TimeFormat::Rfc3339);
        }
    }

    #[test]
    fn adv_18_milliseconds_are_not_seconds_nor_the_reverse() {
        assert_eq!(Timestamp::parse(TimeFormat::UnixSeconds, "1700000000000"), None);
        assert_eq!(Timestamp::parse(TimeFormat::UnixMillis, "1700000000"), None);
    }

    #[test]
    fn rfc_3339_is_read_and_written() {
        let parse = |text| Timestamp::parse(TimeFormat::Rfc3339, text).map(Timestamp::as_unix_millis);
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2020-01-01T00:00:00-07:00"), Some(1_577_862_000_000));
        assert_eq!(parse("2022-02-06T04:03:24.2726598Z"), Some(1_644_120_204_272));
        assert_eq!(parse("2000-02-29T23:59:59.5+00:30"), Some(951_866_999_500));
        for bad in [
            "2022-02-06 04:03:24Z",
            "2022-02-06t04:03:24z",
            "2022-02-30T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2022-02-06T24:00:00Z",
            "2022-02-06T04:03:60Z",
            "2022-02-06T04:03:24",
            "2022-02-06T04:03:24.Z",
            "2022-02-06T04:03:24.1234567890Z",
            "2022-02-06T04:03:24+0030",
            "2022-13-06T04:03:24Z",
            "2022-02-06",
            "2022-00-06T04:03:24Z",
            "+022-02-06T04:03:24Z",
            "2022-02-06T04:03:24Z ",
            "2022-02-06T04:03:24é",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(Timestamp(1_577_862_000_000).render(TimeFormat::Rfc3339), "2020-01-01T07:00:00Z");
    }

    #[test]
    fn every_day_is_read_back_as_written() {
        for day in -719_468..2_932_896 {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
    }
}
