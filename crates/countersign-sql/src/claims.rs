//! What a claim finds, the same in every database.

use std::time::Duration;

use countersign_store::{Answer, Claim, ClaimToken, Fence, PRUNED_AT_ONCE, Settlement, StoreError};

use crate::clock;

/// Whether an event has come for the first time, as [claimed in the handler's own
/// transaction](crate#in-the-handlers-own-transaction).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Occurrence {
    /// For the first time: handle it, and commit.
    First,
    /// It has been handled before, and was answered so.
    Repeated(Answer),
}

/// A key that somebody else has.
pub(crate) struct Held {
    status: Option<u16>,
    remaining: Duration,
}

impl Held {
    /// Reads a row: the status is null while the event is claimed.
    pub(crate) fn read((status, remaining): (Option<i32>, i64)) -> Result<Self, StoreError> {
        let status = status.map(u16::try_from).transpose().map_err(StoreError::invalid)?;
        Ok(Held { status, remaining: clock::remaining(remaining) })
    }
}

/// What came of a claim: `held` is `None` where the key is the caller's.
pub(crate) fn claim(key: &str, fence: Fence, held: Option<Held>) -> Claim {
    match held {
        None => Claim::Claimed(ClaimToken::new(key, fence)),
        Some(Held { status: Some(status), .. }) => Claim::Done(Answer { status }),
        Some(Held { status: None, remaining }) => Claim::InFlight { remaining },
    }
}

/// What came of claiming a key as done.
pub(crate) fn occurrence(held: Option<Held>) -> Result<Occurrence, StoreError> {
    match held {
        None => Ok(Occurrence::First),
        Some(Held { status: Some(status), .. }) => Ok(Occurrence::Repeated(Answer { status })),
        Some(Held { status: None, .. }) => Err(StoreError::invalid(
            "the key is claimed by the layer: let either the layer or the handler claim keys, not both",
        )),
    }
}

/// What came of settling a claim, which changes one row or none.
pub(crate) fn settlement(rows: u64) -> Settlement {
    match rows {
        0 => Settlement::Superseded,
        _ => Settlement::Settled,
    }
}

/// The key has changed hands each time it was looked at.
pub(crate) fn restless() -> StoreError {
    StoreError::unavailable("the key changes hands faster than it can be read")
}

/// How a handler's own claim is recorded as answered.
pub(crate) const ANSWERED: Answer = Answer { status: 200 };
/// How often a claim looks again at a key that was given back while it looked.
pub(crate) const LOOKS: usize = 16;
/// Every so many claims, rows that have expired are removed.
pub(crate) const PRUNE_EVERY: u64 = 256;
/// The most rows that are removed at a time, of claims, of the inbox or of the outbox.
pub(crate) const PRUNE_AT_MOST: i64 = PRUNED_AT_ONCE.cast_signed();
/// How long after its lease a claim is kept that nobody has settled, in microseconds: until then its
/// holder, if it still lives, can settle it.
pub(crate) const GRACE: i64 = DAY;
/// How far ahead a claim can have begun, in microseconds. One that began later was made by a clock that was wrong, and
/// counts as ended: its lease would end when that time comes.
pub(crate) const AHEAD: i64 = DAY;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;
