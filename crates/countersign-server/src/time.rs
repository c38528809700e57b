//! Times, as the API writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, civil::DateTime, fmt::temporal::Pieces};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// A time in microseconds since 1970, written as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T08:00:00Z")]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        Time(seconds.saturating_mul(1_000_000))
    }

    /// Reads RFC 3339. Up to the end of the year 9999, which people write for never: the last day of it is beyond what
    /// `jiff::Timestamp` holds.
    fn parse(text: &str) -> Option<Self> {
        let pieces = Pieces::parse(text).ok()?;
        let offset = SignedDuration::from_secs(pieces.to_numeric_offset()?.seconds().into());
        let local = pieces.date().to_datetime(pieces.time()?);
        local.checked_sub(offset).ok().map(Time::in_utc)
    }

    /// A time whose date and clock are those of UTC.
    pub(crate) fn in_utc(at: DateTime) -> Self {
        let since = at.duration_since(EPOCH).as_micros();
        // Of all years that have a date, it fits.
        Time(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// Always to the microsecond, so that times stand below each other, and sort as texts.
    pub(crate) fn render(self) -> String {
        let at = EPOCH.checked_add(SignedDuration::from_micros(self.0));
        format!("{:.6}Z", at.unwrap_or(DateTime::MAX))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.render())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || de::Error::invalid_value(de::Unexpected::Other("text"), &EXPECTED);
        Time::parse(&text).ok_or_else(wrong)
    }
}

/// Two times in microseconds, as filters of the store have them.
pub(crate) fn span(from: Option<Time>, until: Option<Time>) -> (Option<i64>, Option<i64>) {
    (from.map(|time| time.0), until.map(|time| time.0))
}

/// The system's clock, in microseconds since 1970.
pub(crate) fn unix_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const EXPECTED: &str = "a time such as 2026-11-21T08:00:00Z";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_and_written_up_to_the_end_of_the_year_9999() {
        for (text, micros, written) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000000Z"),
            ("1969-12-31T23:59:59.5Z", -500_000, "1969-12-31T23:59:59.500000Z"),
            ("2026-11-21T09:30:00.123456+01:30", 1_795_248_000_123_456, "2026-11-21T08:00:00.123456Z"),
            ("9999-12-30T22:00:01Z", 253_402_207_201_000_000, "9999-12-30T22:00:01.000000Z"),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] {
            let time = Time::parse(text);
            assert_eq!(
                (time, time.map(Time::render).as_deref()),
                (Some(Time(micros)), Some(written)),
                "{text}"
            );
        }
        for text in ["", "tomorrow", "2026-11-21", "2026-11-21T08:00:00", "10000-01-01T00:00:00Z"] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        assert_eq!(Time::parse("9999-12-31T23:59:59-00:01"), None, "it is in the year 10000");
    }
}
