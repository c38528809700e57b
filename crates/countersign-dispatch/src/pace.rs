//! How many requests may begin in a second.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use countersign_store::outbox::Endpoint;
use tokio::time::Instant;

/// When the next request of each endpoint with such a limit may begin. Each process keeps its own.
#[derive(Default)]
pub(crate) struct Pace(Mutex<HashMap<String, Turns>>);

/// When a request may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// After so long: the turn is taken.
    After(Duration),
    /// Too late to be waited for: no turn is taken, and one is to be asked for again after so long.
    AskAgain(Duration),
}

/// The turns of one endpoint.
#[derive(Clone, Copy)]
struct Turns {
    /// The first that nobody has taken.
    free: Instant,
    /// When the next of those whom it was too late for is to ask again. They are spread over what their turns will
    /// be, and take none beforehand: who is away when a turn comes would let it pass.
    again: Instant,
}

/// How many endpoints are remembered: those whose time has passed are forgotten first.
const MOST: usize = 10_000;
/// The longest that a request waits for its turn: as long as the places that an endpoint has by default last at one
/// request a second. What is put back instead gives its place to the next, until all that is due has been claimed for
/// nothing.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);
/// How long it may take until one asks again. A longer queue is spread over this time anew, so that nobody waits for
/// others that have been cancelled since.
const SPREAD: Duration = Duration::from_secs(300);

impl Pace {
    /// Takes the endpoint's next turn, unless it is too late: later than now, for one that can't wait.
    pub(crate) fn turn(&self, endpoint: &Endpoint, can_wait: bool) -> Turn {
        let Some(per_second) = endpoint.limits.per_second.filter(|limit| *limit > 0) else {
            return Turn::After(Duration::ZERO);
        };
        let now = Instant::now();
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= MOST {
            turns.retain(|_, turns| turns.free > now || turns.again > now);
        }
        let turns = turns.entry(endpoint.id.clone()).or_insert(Turns { free: now, again: now });
        let longest = if can_wait { LONGEST } else { Duration::ZERO };
        turns.next(now, Duration::from_secs(1) / per_second, longest)
    }
}

impl Turns {
    fn next(&mut self, now: Instant, apart: Duration, longest: Duration) -> Turn {
        let free = self.free.max(now);
        let wait = free - now;
        if wait <= longest {
            self.free = free + apart;
            return Turn::After(wait);
        }
        if self.again < free || self.again > now + SPREAD {
            self.again = free;
        }
        let again = self.again - now;
        self.again += apart;
        Turn::AskAgain(again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(per_second: u32) -> Endpoint {
        let mut endpoint = Endpoint::new("ep", "https://example.com/", "stripe");
        endpoint.limits.per_second = Some(per_second);
        endpoint
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_too_late_asks_again_when_the_turn_will_come() {
        let (pace, endpoint) = (Pace::default(), limited(1));
        let turn = || pace.turn(&endpoint, true);
        for seconds in 0..=10 {
            assert_eq!(turn(), Turn::After(Duration::from_secs(seconds)));
        }
        for seconds in 11..=300 {
            assert_eq!(turn(), Turn::AskAgain(Duration::from_secs(seconds)));
        }
        assert_eq!(turn(), Turn::AskAgain(Duration::from_secs(11)), "spread anew");
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(turn(), Turn::After(Duration::ZERO), "nobody has taken it meanwhile");
    }

    #[tokio::test(start_paused = true)]
    async fn who_can_not_wait_takes_a_turn_that_has_come_and_no_other() {
        let (pace, endpoint) = (Pace::default(), limited(1));
        let turn = || pace.turn(&endpoint, false);
        assert_eq!(turn(), Turn::After(Duration::ZERO));
        assert_eq!(turn(), Turn::AskAgain(Duration::from_secs(1)));
        assert_eq!(turn(), Turn::AskAgain(Duration::from_secs(2)));
        assert_eq!(pace.turn(&endpoint, true), Turn::After(Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_without_a_limit_waits_for_nothing() {
        let pace = Pace::default();
        let free = Endpoint::new("ep", "https://example.com/", "stripe");
        assert!((0..1000).all(|_| pace.turn(&free, false) == Turn::After(Duration::ZERO)));
    }
}
