//! The contract of a store that accepts events now and gives them to a worker later.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{Fence, Settlement, StoreError};

/// Accepts events durably, and gives them to workers until they are handled.
///
/// ```text
///           accept            lease             Outcome::Done
/// unknown ──────────▶ pending ─────▶ leased ───────────────────▶ done ──(ttl)──▶ unknown
///                       ▲ ▲            │ │
///                       │ └─ the lease ┘ ├─── Outcome::Dead ──▶ dead ─┐
///                       │      ends      │                            │
///                       ├─ Outcome::Retry┘         requeue            │
///                       └─────────────────────────────────────────────┘
/// ```
///
/// What a store promises:
///
/// - What [`accept`](Self::accept) has answered is durable: it outlives the process and the machine's
///   power. Of all calls for one key one is [`Accepted::New`]; the row is the record by which copies
///   are known, so accepting and remembering are one write.
/// - A row is leased to one worker at a time. Its attempts are counted when it is leased, so that an
///   event that kills its worker is seen to.
/// - A worker whose lease has ended can still settle the row, until it is given to another; after that it
///   settles nothing. Of two outcomes for one lease the first counts.
/// - Rows of one [`order`](Received::order) are leased one at a time, in the order in which they were
///   accepted; a dead row doesn't hold up those behind it.
/// - A row that isn't done is never forgotten.
pub trait InboxStore: Send + Sync + 'static {
    /// Stores an event, unless it has been accepted before.
    ///
    /// # Errors
    /// Where the store can't be reached, or the event can't be kept: its key is empty or too long (see
    /// [`check_key`](crate::check_key)), or a text holds a NUL. Nothing is acknowledged, and the sender tries
    /// again.
    fn accept(&self, received: &Received) -> impl Future<Output = Result<Accepted, StoreError>> + Send;

    /// Leases up to `limit` due rows for `lease`, the longest due first.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn lease(
        &self,
        limit: u32,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Leased>, StoreError>> + Send;

    /// Settles leased rows, all in one commit. The answer has one entry for each of `settled`, in its order.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn settle(&self, settled: &[Settle]) -> impl Future<Output = Result<Vec<Settlement>, StoreError>> + Send;

    /// Puts a dead row back, due at once, its attempts counted anew. `false` where there is no dead row
    /// of this id.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn requeue(&self, id: i64) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The dead rows with an id above `after` (0 for the first page), by id, at most `limit`.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn dead(
        &self,
        after: i64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<DeadLetter>, StoreError>> + Send;

    /// How many rows are pending or leased.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn depth(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Forgets rows that were done longer than `ttl` ago, a bounded number at a call:
    /// [`PRUNED_AT_ONCE`](crate::PRUNED_AT_ONCE), or more. Says how many.
    ///
    /// It also makes due what only a clock that was ahead can have put off for [longer than a day](crate::TOO_FAR): rows
    /// that were never tried, and leases.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn prune(&self, ttl: Duration) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// A verified event, as the inbox keeps it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The key by which a copy is known, at most [`MAX_KEY`](crate::MAX_KEY) bytes.
    pub key: String,
    /// The name of the scheme, or of the source that the application has named.
    pub source: String,
    /// The tenant that the matching keys belong to.
    pub tenant: Option<String>,
    /// The event's id.
    pub event_id: Option<String>,
    /// The event type.
    pub event_type: Option<String>,
    /// Events of one source and tenant with the same text here are handled one after the other; those with
    /// none, at any time.
    pub order: Option<String>,
    /// Where the event's data stands in the body: a JSON pointer.
    pub data_at: String,
    /// Headers of the request that the application has asked to be kept: names in lower case, and values. What the scheme
    /// doesn't sign of them anybody can have written who has seen such a request. [`TARGET`](Self::TARGET) among them is
    /// the request's path and query.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte as it arrived.
    pub body: Bytes,
}

impl Received {
    /// The name by which the path and query of the request stand among the [headers](Self::headers), where they are kept: that
    /// of HTTP/2 (RFC 9113 §8.3.1), which no header can have.
    pub const TARGET: &str = ":path";

    /// An event of which nothing is known but its key, source and body.
    #[must_use]
    pub fn new(key: impl Into<String>, source: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Received {
            key: key.into(),
            source: source.into(),
            tenant: None,
            event_id: None,
            event_type: None,
            order: None,
            data_at: String::new(),
            headers: Vec::new(),
            body: body.into(),
        }
    }
}

/// Shows no byte of the body.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received")
            .field("key", &self.key)
            .field("source", &self.source)
            .field("tenant", &self.tenant)
            .field("event_type", &self.event_type)
            .field("order", &self.order)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What came of accepting an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored, and will be handled.
    New,
    /// It had been accepted before.
    Duplicate,
    /// It had been accepted before, and was given up: nobody handles it unless it is put back, by
    /// [`requeue`](InboxStore::requeue).
    GivenUp,
}

/// A row that is a worker's until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// The row.
    pub id: i64,
    /// What tells this lease from every other of the row.
    pub fence: Fence,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When the event was accepted, in microseconds since 1970.
    pub accepted_at: i64,
    /// The event.
    pub received: Received,
}

/// What became of a leased row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The row.
    pub id: i64,
    /// Its lease.
    pub fence: Fence,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an attempt to handle an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is handled.
    Done,
    /// It is to be tried again.
    Retry {
        /// After how long.
        after: Duration,
        /// Why it failed, at most 1,024 bytes.
        reason: String,
    },
    /// It is given up; a person has to look at it.
    Dead {
        /// Why it failed, at most 1,024 bytes.
        reason: String,
    },
    /// It wasn't tried: the worker stops. The attempt doesn't count.
    Returned,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The row.
    pub id: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub reason: String,
    /// When the event was accepted, in microseconds since 1970.
    pub accepted_at: i64,
    /// The event.
    pub received: Received,
}

/// Publishes accepted events to a queue that the application already runs.
pub trait Forward: Send + Sync + 'static {
    /// Publishes an event, and returns once the queue has confirmed that it holds it. Called again
    /// with the same event where that isn't known, so the event's [key](Received::key) goes along, in
    /// the message's id wherever the queue has a place for one.
    ///
    /// # Errors
    /// Where the queue hasn't confirmed. Of the kind [`Invalid`](crate::StoreErrorKind::Invalid) only where
    /// the queue can never take this event, whatever is tried: it is then given up, for those behind it.
    fn forward(&self, event: &Leased) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl<S: InboxStore> InboxStore for Arc<S> {
    fn accept(&self, received: &Received) -> impl Future<Output = Result<Accepted, StoreError>> + Send {
        (**self).accept(received)
    }

    fn lease(
        &self,
        limit: u32,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Leased>, StoreError>> + Send {
        (**self).lease(limit, lease)
    }

    fn settle(&self, settled: &[Settle]) -> impl Future<Output = Result<Vec<Settlement>, StoreError>> + Send {
        (**self).settle(settled)
    }

    fn requeue(&self, id: i64) -> impl Future<Output = Result<bool, StoreError>> + Send {
        (**self).requeue(id)
    }

    fn dead(
        &self,
        after: i64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<DeadLetter>, StoreError>> + Send {
        (**self).dead(after, limit)
    }

    fn depth(&self) -> impl Future<Output = Result<u64, StoreError>> + Send {
        (**self).depth()
    }

    fn prune(&self, ttl: Duration) -> impl Future<Output = Result<u64, StoreError>> + Send {
        (**self).prune(ttl)
    }
}
