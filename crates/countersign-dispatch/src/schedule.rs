//! When a delivery is tried again.

use std::time::Duration;

/// When a delivery is tried, and how often.
///
/// The first attempt is made at once. The default is that of Standard Webhooks: again after 5 seconds, 5
/// and 30 minutes, 2, 5, 10, 14, 20 and 24 hours, each by chance up to that long, so that deliveries that
/// failed together don't come back together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    waits: Vec<Duration>,
}

impl Schedule {
    /// The shortest and the longest wait that a receiver can ask for with `Retry-After`.
    pub const RETRY_AFTER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));

    /// A schedule of `waits.len() + 1` attempts: one at once, and one after each wait.
    #[must_use]
    pub fn new(waits: impl Into<Vec<Duration>>) -> Self {
        Schedule { waits: waits.into() }
    }

    /// How long is waited after each attempt but the last, at most.
    #[must_use]
    pub fn waits(&self) -> &[Duration] {
        &self.waits
    }

    /// How many attempts there are.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.waits.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// How long to wait after attempt number `step`, from 1; `None` where there is no other attempt.
    /// `random` is from 0 to 1. What the receiver has asked for is the least.
    pub(crate) fn after(&self, step: u32, retry_after: Option<Duration>, random: f64) -> Option<Duration> {
        let wait = self.waits.get(usize::try_from(step).unwrap_or(usize::MAX).saturating_sub(1))?;
        Some(waited(*wait, retry_after, random))
    }

    /// The same where there is always another attempt: the last wait is repeated.
    pub(crate) fn after_for_ever(&self, step: u32, retry_after: Option<Duration>, random: f64) -> Duration {
        let last = || waited(self.waits.last().copied().unwrap_or(MINUTE), retry_after, random);
        self.after(step, retry_after, random).unwrap_or_else(last)
    }
}

fn waited(wait: Duration, retry_after: Option<Duration>, random: f64) -> Duration {
    let (least, most) = Schedule::RETRY_AFTER;
    let asked = retry_after.map_or(Duration::ZERO, |asked| asked.clamp(least, most));
    // As a float the longest waits are rounded up, to more than a duration holds.
    let part = Duration::try_from_secs_f64(wait.as_secs_f64() * random.clamp(0.0, 1.0));
    part.unwrap_or(wait).max(asked)
}

const MINUTE: Duration = Duration::from_secs(60);

impl Default for Schedule {
    fn default() -> Self {
        let hour = 3600;
        let seconds = [5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
        Schedule::new(seconds.map(Duration::from_secs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn the_default_is_ten_attempts_over_three_days() {
        let schedule = Schedule::default();
        assert_eq!(schedule.attempts(), 10);
        let waits = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map(Duration::from_secs);
        assert_eq!(schedule.waits(), waits);
        assert_eq!(schedule.after(1, None, 1.0), seconds(5));
        assert_eq!(schedule.after(9, None, 1.0), seconds(86_400));
        assert_eq!(schedule.after(10, None, 1.0), None);
        assert_eq!(schedule.after_for_ever(10, None, 1.0), Duration::from_secs(86_400));
        assert_eq!(schedule.after_for_ever(u32::MAX, None, 1.0), Duration::from_secs(86_400));
    }

    #[test]
    fn chance_spreads_over_the_whole_wait() {
        let schedule = Schedule::default();
        assert_eq!(schedule.after(2, None, 0.0), seconds(0));
        assert_eq!(schedule.after(2, None, 0.5), seconds(150));
    }

    #[test]
    fn adv_87_what_the_receiver_asks_for_is_the_least_and_has_limits() {
        let schedule = Schedule::default();
        assert_eq!(schedule.after(1, seconds(60), 0.5), seconds(60));
        assert_eq!(schedule.after(9, seconds(60), 1.0), seconds(86_400));
        assert_eq!(schedule.after(1, seconds(0), 0.0), seconds(1));
        assert_eq!(schedule.after(1, seconds(u64::MAX), 0.0), seconds(86_400));
    }

    #[test]
    fn a_wait_without_end_is_no_panic() {
        let schedule = Schedule::new([Duration::MAX]);
        assert_eq!(schedule.after(1, None, 1.0), Some(Duration::MAX));
        assert!(schedule.after(1, None, 0.5) < Some(Duration::MAX));
    }

    #[test]
    fn a_schedule_without_waits_is_one_attempt() {
        let schedule = Schedule::new([]);
        assert_eq!((schedule.attempts(), schedule.after(1, None, 1.0)), (1, None));
        assert_eq!(schedule.after_for_ever(1, None, 1.0), MINUTE);
    }
}
