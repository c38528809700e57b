//! Times, as the API writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
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

    pub(crate) fn render(self) -> String {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::MAX).to_string()
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
        let time: Option<Timestamp> = text.parse().ok();
        let wrong = || de::Error::invalid_value(de::Unexpected::Other("text"), &EXPECTED);
        time.map(|time| Time(time.as_microsecond())).ok_or_else(wrong)
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

const EXPECTED: &str = "a time such as 2026-11-21T08:00:00Z";
