//! How long an event waits that has failed.

use std::time::Duration;

/// The wait after the first attempt.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long to wait after attempt number `attempt`, from 1: twice as long each time, between half of it
/// and all of it. `random` is from 0 to 1.
pub(crate) fn delay(attempt: u32, random: f64) -> Duration {
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    FIRST.saturating_mul(doubled).min(LONGEST).mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

/// A number from 0 to 1. Where the operating system gives none, the longest wait is taken.
pub(crate) fn random() -> f64 {
    getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_an_hour() {
        let longest = |attempt| delay(attempt, 1.0).as_secs();
        assert_eq!([1, 2, 3, 11, 12, 13, 40, u32::MAX].map(longest), [1, 2, 4, 1024, 2048, 3600, 3600, 3600]);
        assert_eq!(delay(0, 1.0), FIRST);
    }

    #[test]
    fn chance_takes_at_most_half_of_it() {
        assert_eq!(delay(3, 0.0), Duration::from_secs(2));
        assert_eq!(delay(3, -1.0), Duration::from_secs(2));
        assert_eq!(delay(3, 2.0), Duration::from_secs(4));
        assert!((0.0..=1.0).contains(&random()));
    }
}
