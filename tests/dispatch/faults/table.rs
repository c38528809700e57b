//! What came of each fault, and what should have.

use std::time::Duration;

use countersign_store::outbox::{Delivery, DeliveryState, OutboxStore, Page};

/// What came of a delivery that met a fault.
#[derive(Clone)]
pub(super) struct Line {
    fault: String,
    state: DeliveryState,
    reasons: Vec<Option<String>>,
    longest: Duration,
    /// How long after the beginning of the first attempt the second began.
    pause: Duration,
    wrong: Vec<String>,
}

impl Line {
    /// Reads what is recorded of a delivery.
    pub(super) async fn read(fault: &str, store: &impl OutboxStore, delivery: &Delivery) -> Line {
        let mut attempts = store.attempts(delivery.id, &Page::default()).await.unwrap();
        attempts.reverse();
        let pause = attempts.windows(2).next().map_or(0, |pair| pair[1].at - pair[0].at);
        Line {
            fault: fault.to_owned(),
            state: delivery.state,
            pause: Duration::from_micros(pause.unsigned_abs()),
            longest: attempts.iter().map(|attempt| attempt.latency).max().unwrap_or_default(),
            reasons: attempts.into_iter().map(|attempt| attempt.error).collect(),
            wrong: Vec::new(),
        }
    }

    /// Notes that something isn't as it should be.
    pub(super) fn expect(mut self, holds: bool, otherwise: &str) -> Line {
        if !holds {
            self.wrong.push(otherwise.to_owned());
        }
        self
    }

    /// The delivery has arrived after attempts that failed for these reasons.
    pub(super) fn delivered_after(self, reasons: &[&str]) -> Line {
        let expected = reasons.iter().map(|reason| Some(*reason)).chain([None]).collect();
        self.ends(DeliveryState::Delivered, expected)
    }

    /// The delivery was given up after attempts that failed for these reasons.
    pub(super) fn dead_after(self, reasons: &[&str]) -> Line {
        let expected = reasons.iter().map(|reason| Some(*reason)).collect();
        self.ends(DeliveryState::Dead, expected)
    }

    fn ends(self, state: DeliveryState, expected: Vec<Option<&str>>) -> Line {
        let as_expected = self.reasons.len() == expected.len()
            && self.reasons.iter().zip(&expected).all(|(reason, expected)| match (reason, expected) {
                (Some(reason), Some(expected)) => reason.starts_with(expected),
                (reason, expected) => reason.is_none() && expected.is_none(),
            });
        let otherwise =
            format!("{:?} after {:?}, and not {state:?} after {expected:?}", self.state, self.reasons);
        let holds = self.state == state && as_expected;
        self.expect(holds, &otherwise)
    }

    /// The second attempt was made so much later, at the least.
    pub(super) fn pausing(self, least: Duration) -> Line {
        let otherwise = format!("it was tried again after {:?}", self.pause);
        let holds = self.pause >= least;
        self.expect(holds, &otherwise)
    }

    /// No attempt took longer, but for what a loaded machine needs.
    pub(super) fn within(self, limit: Duration) -> Line {
        let otherwise = format!("an attempt took {:?}", self.longest);
        let holds = self.longest < limit + Duration::from_secs(3);
        self.expect(holds, &otherwise)
    }
}

/// Prints the table, and fails where something in it is wrong.
pub(super) fn check(lines: &[Line]) {
    println!("\n{:<52} {:<10} {:>8} {:>9}  first reason", "fault", "ends", "attempts", "longest");
    for Line { fault, state, reasons, longest, .. } in lines {
        let reason = reasons.iter().flatten().next().map_or("", String::as_str);
        let state = format!("{state:?}").to_lowercase();
        println!("{fault:<52} {state:<10} {:>8} {longest:>9.2?}  {reason}", reasons.len());
    }
    let wrong = lines.iter().filter(|line| !line.wrong.is_empty());
    let wrong: Vec<_> = wrong.map(|line| format!("{}: {}", line.fault, line.wrong.join("; "))).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
