//! Lengths of time, as people write them.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{SpanRelativeTo, SpanRound, Unit};
use serde::Deserialize;

/// A length of time, written as `30s`, `90m` or `7d`: at least a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span: jiff::Span = text.parse().map_err(|_| NO_SPAN)?;
        let span = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| NO_SPAN)?;
        let span = Duration::try_from(span).map_err(|_| NO_SPAN)?;
        if span < Duration::from_secs(1) { Err(NO_SPAN) } else { Ok(Span(span)) }
    }
}

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = SpanRound::new().largest(Unit::Day).days_are_24_hours();
        let span = jiff::Span::try_from(self.0).and_then(|span| span.round(days)).map_err(|_| fmt::Error)?;
        write!(f, "{span:#}")
    }
}

const NO_SPAN: &str = "this is no length of time: write 30s, 90m, 12h or 7d, at least a second";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_shown_as_people_write_it() {
        for (text, seconds, shown) in [
            ("30s", 30, "30s"),
            ("90m", 5400, "1h 30m"),
            ("12h", 43_200, "12h"),
            ("7d", 604_800, "7d"),
            ("1d 12h", 129_600, "1d 12h"),
            ("2 weeks", 1_209_600, "14d"),
        ] {
            let span: Span = text.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((span.0.as_secs(), &*span.to_string()), (seconds, shown), "{text}");
        }
    }

    #[test]
    fn what_is_none_or_too_short_is_refused() {
        for text in ["", "7", "7 fortnights", "-7d", "0s", "999ms", "1 month", "99999999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
