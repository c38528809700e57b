//! Rows of the inbox, as they are read and settled.

use std::collections::HashSet;

use countersign_store::{Accepted, DeadLetter, Outcome, Received, Settle, Settlement, StoreError};

use crate::{clock, column, reason::shortened};

/// The statement that reads a [`Row`], its columns in order, and goes on with `$rest`.
macro_rules! select_rows {
    ($rest:literal) => {
        concat!(
            "SELECT inbox.id, inbox.attempts, inbox.accepted_at, inbox.reason, inbox.key, inbox.source, ",
            "inbox.tenant, inbox.event_id, inbox.event_type, inbox.ordering, inbox.data_at, inbox.headers, inbox.body ",
            "FROM countersign_inbox AS inbox ",
            $rest
        )
    };
}
pub(crate) use select_rows;

/// A row as it is read.
pub(crate) type Row = (
    i64,
    i64,
    i64,
    Option<String>,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    String,
    Vec<u8>,
);

/// The headers that are kept, as they are written.
pub(crate) fn headers(received: &Received) -> Result<String, StoreError> {
    column::json(&received.headers)
}

/// What came of accepting an event for which there was a row, if it is there still: whether that is dead.
pub(crate) fn known(is_dead: Option<bool>) -> Accepted {
    match is_dead {
        Some(true) => Accepted::GivenUp,
        _ => Accepted::Duplicate,
    }
}

/// Whether the row of a key, the first parameter, is dead.
pub(crate) const IS_DEAD: &str = "SELECT state = 'dead' FROM countersign_inbox WHERE key = $1";

/// A row that was given up.
pub(crate) fn dead_letter(row: Row) -> Result<DeadLetter, StoreError> {
    let (id, attempts, accepted_at, reason, key, source, tenant, event_id, event_type, order, ..) = row;
    let (.., data_at, headers, body) = row;
    let mut received = Received::new(key, source, body);
    received.tenant = tenant;
    received.event_id = event_id;
    received.event_type = event_type;
    received.order = order;
    received.data_at = data_at;
    received.headers = column::parse(&headers)?;
    let attempts = u32::try_from(attempts).map_err(StoreError::invalid)?;
    Ok(DeadLetter { id, attempts, reason: reason.unwrap_or_default(), accepted_at, received })
}

/// What settling does to one row.
pub(crate) struct Change {
    pub(crate) id: i64,
    pub(crate) fence: i64,
    /// The state it comes to.
    pub(crate) state: &'static str,
    /// After how long it is due.
    pub(crate) delay: i64,
    /// Why it failed; `None` keeps what is recorded.
    pub(crate) reason: Option<String>,
    /// How many attempts don't count.
    pub(crate) uncounted: i64,
}

impl Change {
    fn new(settle: &Settle) -> Self {
        let (state, delay, reason, uncounted) = match &settle.outcome {
            Outcome::Done => ("done", 0, None, 0),
            Outcome::Retry { after, reason } => ("pending", clock::span(*after), Some(reason), 0),
            Outcome::Dead { reason } => ("dead", 0, Some(reason), 0),
            Outcome::Returned => ("pending", 0, None, 1),
        };
        let reason = reason.map(|reason| shortened(reason));
        Change { id: settle.id, fence: settle.fence.as_i64(), state, delay, reason, uncounted }
    }
}

/// The changes, one a lease: of two about one lease the first counts.
pub(crate) fn changes(settled: &[Settle]) -> Vec<Change> {
    let mut seen = HashSet::new();
    settled.iter().filter(|settle| seen.insert((settle.id, settle.fence))).map(Change::new).collect()
}

/// The answers, in the order of the question, where the leases in `changed` were settled.
pub(crate) fn settlements(settled: &[Settle], mut changed: HashSet<(i64, i64)>) -> Vec<Settlement> {
    let one = |settle: &Settle| match changed.remove(&(settle.id, settle.fence.as_i64())) {
        true => Settlement::Settled,
        false => Settlement::Superseded,
    };
    settled.iter().map(one).collect()
}
