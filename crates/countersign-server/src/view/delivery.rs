//! Deliveries and attempts, as callers are shown them.

use base64ct::{Base64, Encoding};
use countersign_store::outbox::{Attempt, Delivery, Trigger};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{operator::deliveries::Status, time::Time};

/// A delivery: one message on its way to one endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// The id: greater for what was enqueued later.
    id: i64,
    /// The message's id.
    message: String,
    /// The event type.
    #[serde(rename = "type")]
    kind: String,
    /// The endpoint's id.
    endpoint: String,
    /// The tenant of both.
    tenant: Option<String>,
    /// Where it stands.
    status: Status,
    /// How many attempts there were.
    attempts: u32,
    /// When it is due, where it is pending: not before the `health.open_until` of its endpoint.
    due_at: Option<Time>,
    /// When it was enqueued.
    created_at: Time,
    /// The status of the last attempt's answer.
    last_status: Option<u16>,
    /// Why the last attempt failed.
    last_error: Option<String>,
}

/// One attempt at a delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptView {
    /// Which attempt of the delivery, from 1.
    number: u32,
    /// When it began.
    at: Time,
    /// Why it was made.
    trigger: TriggerView,
    /// How long it took, in microseconds.
    latency_micros: u64,
    /// The headers as sent, without those that hold a secret.
    request_headers: Vec<HeaderView>,
    /// The SHA-256 of the body as sent, in hexadecimal; null where it could not be made.
    payload_sha256: Option<String>,
    /// The body as sent in base64, where it isn't the message's own.
    payload_base64: Option<String>,
    /// The status, where there was an answer.
    status: Option<u16>,
    /// The headers of the answer.
    response_headers: Vec<HeaderView>,
    /// The beginning of the answer's body; what isn't UTF-8 in it is replaced.
    response_body: String,
    /// Why there was no answer, or why the answer isn't success; null where it is.
    error: Option<String>,
}

/// Why an attempt was made.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Trigger)]
enum TriggerView {
    /// It was due.
    Schedule,
    /// Somebody asked for it.
    Redelivery,
}

/// A header.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceivedHeader)]
struct HeaderView {
    /// The name.
    name: String,
    /// The value.
    value: String,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        DeliveryView {
            due_at: delivery.pending_until().map(Time),
            id: delivery.id,
            message: delivery.message_id,
            kind: delivery.event_type,
            endpoint: delivery.endpoint_id,
            tenant: delivery.tenant,
            status: delivery.state.into(),
            attempts: delivery.attempts,
            created_at: Time(delivery.created_at),
            last_status: delivery.last_status,
            last_error: delivery.last_error,
        }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        AttemptView {
            number: attempt.number,
            at: Time(attempt.at),
            trigger: attempt.trigger.into(),
            latency_micros: u64::try_from(attempt.latency.as_micros()).unwrap_or(u64::MAX),
            request_headers: headers(attempt.request_headers),
            payload_sha256: attempt.payload_digest.map(hex::encode),
            payload_base64: attempt.payload.map(|payload| Base64::encode_string(&payload)),
            status: attempt.status,
            response_headers: headers(attempt.response_headers),
            response_body: String::from_utf8_lossy(&attempt.response_body).into_owned(),
            error: attempt.error,
        }
    }
}

impl From<Trigger> for TriggerView {
    fn from(trigger: Trigger) -> Self {
        match trigger {
            Trigger::Schedule => TriggerView::Schedule,
            Trigger::Redelivery => TriggerView::Redelivery,
        }
    }
}

fn headers(pairs: Vec<(String, String)>) -> Vec<HeaderView> {
    pairs.into_iter().map(|(name, value)| HeaderView { name, value }).collect()
}
