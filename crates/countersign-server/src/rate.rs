//! How often a caller may ask for something.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// So many times a minute for each caller, in one go if they like.
pub(crate) struct Rate {
    /// What one time costs, in microseconds.
    interval: i64,
    /// When each caller will have used up nothing, in microseconds.
    free_at: Mutex<HashMap<String, i64>>,
}

impl Rate {
    pub(crate) fn per_minute(times: u32) -> Self {
        Rate { interval: MINUTE / i64::from(times.max(1)), free_at: Mutex::default() }
    }

    /// Takes one time of a caller's, at `now` in microseconds.
    ///
    /// # Errors
    /// How long to wait until there is another.
    pub(crate) fn take(&self, caller: &str, now: i64) -> Result<(), Duration> {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        if free_at.len() >= MOST {
            free_at.retain(|_, at| *at > now);
        }
        // A clock that was set back must not lock anybody out.
        let used = free_at.get(caller).map_or(0, |at| (at - now).clamp(0, MINUTE));
        match used + self.interval - MINUTE {
            over if over > 0 => Err(Duration::from_micros(over.unsigned_abs())),
            _ => {
                free_at.insert(caller.to_owned(), now + used + self.interval);
                Ok(())
            }
        }
    }
}

const MINUTE: i64 = 60_000_000;
/// How many callers are remembered, before those with nothing used up are forgotten.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_many_times_a_minute_and_another_has_their_own() {
        let rate = Rate::per_minute(60);
        assert!((0..60).all(|_| rate.take("a", 0).is_ok()));
        assert_eq!(rate.take("a", 0), Err(Duration::from_secs(1)));
        assert_eq!(rate.take("b", 0), Ok(()));
        assert_eq!(rate.take("a", 1_000_000), Ok(()));
        assert!(rate.take("a", 1_000_000).is_err());
    }

    #[test]
    fn adv_91_a_clock_that_is_set_back_locks_nobody_out_for_longer_than_a_minute() {
        let rate = Rate::per_minute(2);
        let year = 365 * 86_400_000_000;
        assert!(rate.take("a", year).is_ok() && rate.take("a", year).is_ok());
        assert_eq!(rate.take("a", 0), Err(Duration::from_secs(30)));
        assert_eq!(rate.take("a", 10 * year), Ok(()));
    }
}
