//! How far a timestamp may be off the verifier's clock.

use crate::{Error, ErrorKind, Timestamp, scheme::TimestampRule};

/// How far a timestamp may be off the verifier's clock. The default is what the scheme says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tolerance {
    past: Limit,
    future: Limit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Limit {
    #[default]
    OfScheme,
    Seconds(u32),
    Unlimited,
}

impl Tolerance {
    /// No age is too great and none is negative: replays of any age are accepted. For tests with
    /// recorded requests, and for tools.
    pub const UNCHECKED: Tolerance = Tolerance { past: Limit::Unlimited, future: Limit::Unlimited };

    /// As the scheme says, but at most `seconds` old, inclusive.
    #[must_use]
    pub const fn past(mut self, seconds: u32) -> Self {
        self.past = Limit::Seconds(seconds);
        self
    }

    /// As the scheme says, but at most `seconds` ahead, inclusive.
    #[must_use]
    pub const fn future(mut self, seconds: u32) -> Self {
        self.future = Limit::Seconds(seconds);
        self
    }

    /// For how many seconds a request can be accepted: from the earliest moment to the latest. `None`
    /// where no age is too great. Where the provider names no limit ahead, as far ahead as behind: whoever remembers
    /// events adds what one was further ahead than that.
    pub(crate) fn window(self, rule: &TimestampRule) -> Option<u64> {
        let past = u64::from(self.past.of(rule.past)?);
        Some(past + self.future.of(rule.future).map_or(past, u64::from))
    }

    /// Checks a time against the clock: both ends are inclusive. The clock shows whole seconds, and a time that tells
    /// more than that is of the second that it is in.
    pub(crate) fn check(self, rule: &TimestampRule, time: Timestamp, now: Timestamp) -> Result<(), Error> {
        let age = now.as_unix_seconds() - time.as_unix_seconds();
        if rule.not_before.is_some_and(|floor| time.as_unix_seconds() < i64::from(floor)) {
            return Err(Error::new(ErrorKind::InvalidTimestamp));
        }
        match self.past.of(rule.past) {
            Some(limit) if age > i64::from(limit) => {
                return Err(Error::age(ErrorKind::TimestampTooOld, age, limit));
            }
            _ => {}
        }
        match self.future.of(rule.future.or(Some(FAR_FUTURE))) {
            Some(limit) if -age > i64::from(limit) => Err(Error::age(ErrorKind::TimestampTooNew, age, limit)),
            _ => Ok(()),
        }
    }
}

/// How far ahead a time may be in seconds where the provider names no limit: a year. No clock is as
/// wrong as that, but a time is that has taken a digit from its neighbour in the signed content.
const FAR_FUTURE: u32 = 365 * 24 * 3600;

impl Limit {
    fn of(self, scheme: Option<u32>) -> Option<u32> {
        match self {
            Limit::OfScheme => scheme,
            Limit::Seconds(seconds) => Some(seconds),
            Limit::Unlimited => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::scheme::{Place, TimeFormat};

    const FLOOR: u32 = 1_600_000_000;

    const RULE: TimestampRule = TimestampRule {
        at: Place::Field(alloc::borrow::Cow::Borrowed("t")),
        format: TimeFormat::UnixSeconds,
        past: Some(300),
        future: Some(60),
        not_before: Some(FLOOR),
    };

    #[test]
    fn a_request_can_be_accepted_from_the_greatest_lead_to_the_greatest_age() {
        assert_eq!(Tolerance::default().window(&RULE), Some(360));
        assert_eq!(Tolerance::default().past(10).window(&RULE), Some(70));
        assert_eq!(Tolerance::default().future(5).window(&RULE), Some(305));
        assert_eq!(Tolerance::default().window(&TimestampRule { future: None, ..RULE }), Some(600));
        assert_eq!(Tolerance::UNCHECKED.window(&RULE), None);
    }

    /// A request that is signed now isn't ahead of a clock that shows whole seconds.
    #[test]
    fn a_time_with_a_fraction_is_of_its_second() {
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        let off = |millis: i64| {
            let time = (1_700_000_000_000 + millis).to_string();
            let time = Timestamp::parse(TimeFormat::UnixMillis, &time).expect("a time");
            let checked = Tolerance::default().past(2).future(0).check(&RULE, time, now);
            checked.err().map(|error| (error.kind(), error.age_seconds()))
        };
        assert_eq!((off(0), off(999)), (None, None));
        assert_eq!(off(1000), Some((ErrorKind::TimestampTooNew, Some(-1))));
        assert_eq!((off(-1), off(-2000)), (None, None));
        assert_eq!(off(-2001), Some((ErrorKind::TimestampTooOld, Some(3))));
    }

    #[test]
    fn a_time_before_the_floor_is_no_time_of_the_scheme() {
        let kind = |seconds: i64| {
            let time = Timestamp::from_unix_seconds(seconds);
            Tolerance::UNCHECKED.check(&RULE, time, time).err().map(|error| error.kind())
        };
        assert_eq!(kind(i64::from(FLOOR) - 1), Some(ErrorKind::InvalidTimestamp));
        assert_eq!(kind(i64::from(FLOOR)), None);
        assert_eq!(kind(i64::from(FLOOR) + 1), None);
    }
}
