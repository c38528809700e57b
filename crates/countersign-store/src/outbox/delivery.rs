//! Deliveries: one message on its way to one endpoint, and the attempts at it.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Effect, Endpoint, Message, TenantFilter};
use crate::Fence;

/// A delivery that belongs to one worker until its lease ends.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The delivery.
    pub id: i64,
    /// What distinguishes this lease from every other of the delivery.
    pub fence: Fence,
    /// The number of this attempt, from 1, over the delivery's whole life.
    pub attempt: u32,
    /// The step of the schedule, from 1. A redelivery begins at 1 again.
    pub step: u32,
    /// Why it is made.
    pub trigger: Trigger,
    /// The message.
    pub message: Arc<Message>,
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
}

/// Why an attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// It was due.
    Schedule,
    /// Somebody asked for it.
    Redelivery,
}

/// The outcome of a claimed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettleDelivery {
    /// The delivery.
    pub id: i64,
    /// Its lease.
    pub fence: Fence,
    /// The endpoint as it was claimed: its URL says where the attempt was made.
    pub endpoint: Arc<Endpoint>,
    /// What happens to the delivery.
    pub verdict: Verdict,
    /// What the attempt means for the endpoint.
    pub effect: Effect,
    /// The attempt. `None`: none was made, and none is counted.
    pub attempt: Option<Attempt>,
}

/// What happens to a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has arrived.
    Delivered,
    /// It is tried again.
    Retry {
        /// After how long.
        after: Duration,
    },
    /// It is given up.
    Dead,
    /// There is nothing to send any more.
    Cancelled,
}

/// One attempt, as it is recorded. Times are microseconds since 1970 (UTC).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The number of the attempt, from 1.
    pub number: u32,
    /// When it began.
    pub at: i64,
    /// Why it was made.
    pub trigger: Trigger,
    /// How long it took. Stores keep microseconds.
    pub latency: Duration,
    /// The headers as sent, without those that hold a secret.
    pub request_headers: Vec<(String, String)>,
    /// The SHA-256 of the body as sent. `None`: there was none, since the payload could not be made.
    pub payload_digest: Option<[u8; 32]>,
    /// The body as sent, if it isn't the message's own.
    pub payload: Option<Bytes>,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The headers of the answer.
    pub response_headers: Vec<(String, String)>,
    /// The beginning of the answer's body.
    pub response_body: Bytes,
    /// Why there was no answer, or why the answer isn't a success.
    pub error: Option<String>,
}

impl Attempt {
    /// An attempt, without an answer so far.
    #[must_use]
    pub fn new(number: u32, at: i64, trigger: Trigger) -> Self {
        Attempt {
            number,
            at,
            trigger,
            latency: Duration::ZERO,
            request_headers: Vec::new(),
            payload_digest: None,
            payload: None,
            status: None,
            response_headers: Vec::new(),
            response_body: Bytes::new(),
            error: None,
        }
    }
}

/// Shows no body and no header.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("number", &self.number)
            .field("status", &self.status)
            .field("error", &self.error)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

/// A delivery, as a list shows it. Times are microseconds since 1970 (UTC).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The id: greater for what was enqueued later.
    pub id: i64,
    /// The message.
    pub message_id: String,
    /// The event type.
    pub event_type: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// The tenant of both.
    pub tenant: Option<String>,
    /// Its state.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u32,
    /// When it is due, if it is pending; when the lease ends, while it is leased.
    pub due_at: Option<i64>,
    /// When it was enqueued.
    pub created_at: i64,
    /// When the last attempt began. One that is under way doesn't count yet.
    pub last_at: Option<i64>,
    /// How long the last attempt took.
    pub last_latency: Option<Duration>,
    /// The status of the last attempt's answer.
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

impl Delivery {
    /// A pending delivery without attempts.
    #[must_use]
    pub fn new(
        id: i64,
        message_id: impl Into<String>,
        kind: impl Into<String>,
        endpoint_id: impl Into<String>,
    ) -> Self {
        Delivery {
            id,
            message_id: message_id.into(),
            event_type: kind.into(),
            endpoint_id: endpoint_id.into(),
            tenant: None,
            state: DeliveryState::Pending,
            attempts: 0,
            due_at: None,
            created_at: 0,
            last_at: None,
            last_latency: None,
            last_status: None,
            last_error: None,
        }
    }

    /// When it is due, if it is pending.
    #[must_use]
    pub fn pending_until(&self) -> Option<i64> {
        self.due_at.filter(|_| self.state == DeliveryState::Pending)
    }
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It waits until it is due.
    Pending,
    /// An attempt is under way.
    Leased,
    /// It has arrived.
    Delivered,
    /// It was given up.
    Dead,
    /// It was no longer wanted, by an operator or by the source of the payload.
    Cancelled,
}

/// Selects deliveries: those that match everything that is set. Times are microseconds since 1970 (UTC).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryFilter {
    /// This delivery.
    pub id: Option<i64>,
    /// Deliveries with a greater id.
    pub after: Option<i64>,
    /// Its message.
    pub message_id: Option<String>,
    /// Its endpoint.
    pub endpoint_id: Option<String>,
    /// Its tenant.
    pub tenant: TenantFilter,
    /// Its event type.
    pub event_type: Option<String>,
    /// Its state.
    pub state: Option<DeliveryState>,
    /// Enqueued at this time or later.
    pub from: Option<i64>,
    /// Enqueued before this time.
    pub until: Option<i64>,
}

/// The result of a redelivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redelivered {
    /// How many deliveries are pending again.
    pub count: u64,
    /// The greatest id among them. `None`: there are none.
    pub last: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::{Attempt, Bytes, Trigger};

    #[test]
    fn its_debug_shows_no_body_and_no_header() {
        let headers = || vec![("CANARY-name".to_owned(), "CANARY-value".to_owned())];
        let attempt = Attempt {
            request_headers: headers(),
            payload: Some(Bytes::from_static(b"CANARY-payload")),
            status: Some(503),
            response_headers: headers(),
            response_body: Bytes::from_static(b"CANARY-answer"),
            error: Some("answered 503".to_owned()),
            ..Attempt::new(7, 0, Trigger::Schedule)
        };
        let shown = format!("{attempt:?}");
        for shows in ["number: 7", "Some(503)", "answered 503", "latency: 0ns"] {
            assert!(shown.contains(shows), "{shown}");
        }
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}
