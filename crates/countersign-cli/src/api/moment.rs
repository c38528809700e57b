//! Times of the past, as people write them.

use jiff::{Timestamp, civil::Date};

use crate::{input::clock, span::Span};

/// The time that a text means, as the server reads it: the text itself, the beginning of a day in UTC, or so long ago.
pub(super) fn moment(text: &str) -> Result<String, String> {
    if text.parse::<Timestamp>().is_ok() {
        return Ok(text.to_owned());
    }
    if let Ok(day) = Date::strptime("%Y-%m-%d", text) {
        return Ok(format!("{day}T00:00:00Z"));
    }
    let ago: Span = text.parse().map_err(|_| NO_MOMENT)?;
    let seconds = i64::try_from(ago.0.as_secs()).unwrap_or(i64::MAX);
    let then = Timestamp::from_second(clock().saturating_sub(seconds)).map_err(|_| NO_MOMENT)?;
    Ok(then.to_string())
}

const NO_MOMENT: &str =
    "this is no time: write 2026-11-20T14:30:00Z, 2026-11-20 (its beginning, in UTC) or 2h (two hours ago)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_taken_as_it_is_a_day_from_its_beginning_and_a_span_backwards() {
        for text in ["2026-11-20T14:30:00Z", "2026-11-20T14:30:00.5+01:00"] {
            assert_eq!(moment(text).as_deref(), Ok(text));
        }
        assert_eq!(moment("2026-11-20").as_deref(), Ok("2026-11-20T00:00:00Z"));
        let ago = |text| moment(text).expect("a time").parse::<Timestamp>().expect("RFC 3339").as_second();
        assert!((7200..7210).contains(&(clock() - ago("2h"))));
        for text in ["", "yesterday", "2026-13-01", "2026-11-20T14:30:00", "-2h", "99999999d"] {
            assert_eq!(moment(text).err().as_deref(), Some(NO_MOMENT), "{text}");
        }
    }
}
