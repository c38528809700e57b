//! What a receiver of webhooks remembers.
//!
//! Webhooks are delivered at least once, so each can arrive twice, and two copies can arrive at one
//! moment. Two ways to handle each event once:
//!
//! - [`IdempotencyStore`]: the handler runs within the request. The event is claimed before it runs
//!   and completed once it has succeeded; a copy that comes meanwhile is told to come again, and one
//!   that comes later is given the recorded answer.
//! - [`InboxStore`]: the request is answered as soon as the event is stored, and a worker runs the
//!   handler, with retries. Accepting an event and remembering it is one write.
//!
//! The sending side keeps its messages in an [`outbox`], and its operator's [API keys](api_keys) beside them.
//!
//! [`MemoryStore`] is the [`IdempotencyStore`] of one process. SQLite and PostgreSQL are in
//! `countersign-sql`, Redis in `countersign-redis`.
//!
//! # Features
//!
//! - `conformance`: the suite that every store passes, for those who write one.

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::time::Duration;

pub mod api_keys;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod idempotency;
mod inbox;
mod memory;
mod name;
pub mod outbox;

pub use self::{
    error::{StoreError, StoreErrorKind},
    idempotency::{Answer, Claim, ClaimToken, Fence, IdempotencyStore, MAX_KEY, Settlement, check_key},
    inbox::{Accepted, DeadLetter, Forward, InboxStore, Leased, Outcome, Received, Settle},
    memory::{MemoryStore, WhenFull},
    name::MAX_NAME,
};

/// How many rows or messages a call that forgets what is old forgets at least, where it finds so many: whoever is told of
/// as many calls again, and whoever is told of fewer has time.
pub const PRUNED_AT_ONCE: u64 = 1_000;

/// How far ahead a time can be that a lease or an open circuit ends at: no attempt takes as long as a day, and no
/// `Retry-After` counts for longer. The hour is what clocks may differ by.
pub const TOO_FAR: Duration = Duration::from_secs(25 * 3600);

/// How far ahead a time can be at which something was done: a step of a clock by less than this is waited for.
pub const AHEAD: Duration = Duration::from_secs(60);
