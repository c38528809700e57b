//! Messages, as callers are shown them.

use base64ct::{Base64, Encoding};
use countersign_store::outbox::{Enqueued, Message, Payload};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::time::Time;

/// A message, as a list shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageView {
    /// The id, the same in every attempt.
    id: String,
    /// The event type.
    #[serde(rename = "type")]
    kind: String,
    /// The tenant.
    tenant: Option<String>,
    /// The `Content-Type` of the body.
    content_type: String,
    /// When it was enqueued.
    created_at: Time,
}

/// A message with what it sends.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageWithPayload {
    #[serde(flatten)]
    message: MessageView,
    #[serde(flatten)]
    payload: PayloadView,
}

/// What a message sends: one of the three.
#[derive(Serialize, ToSchema)]
#[schema(as = Payload)]
struct PayloadView {
    /// The body, where it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    payload: Option<Box<RawValue>>,
    /// The body in base64, where it is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    /// The text of which the application makes the body when it is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_reference: Option<String>,
}

/// What came of enqueueing a message.
#[derive(Serialize, ToSchema)]
#[schema(as = Enqueued)]
pub(crate) struct EnqueuedView {
    /// The message's id.
    id: String,
    /// How many endpoints it goes to.
    deliveries: u32,
    /// Whether it had been enqueued before, under the same idempotency key: nothing new is sent.
    duplicate: bool,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        MessageView {
            id: message.id,
            kind: message.event_type,
            tenant: message.tenant,
            content_type: message.content_type,
            created_at: Time(message.created_at),
        }
    }
}

impl From<Message> for MessageWithPayload {
    fn from(message: Message) -> Self {
        let payload = PayloadView::of(&message.payload);
        MessageWithPayload { message: message.into(), payload }
    }
}

impl From<Enqueued> for EnqueuedView {
    fn from(enqueued: Enqueued) -> Self {
        EnqueuedView { id: enqueued.id, deliveries: enqueued.deliveries, duplicate: enqueued.duplicate }
    }
}

impl PayloadView {
    fn of(payload: &Payload) -> Self {
        let mut view = PayloadView { payload: None, payload_base64: None, payload_reference: None };
        match payload {
            Payload::Reference(text) => view.payload_reference = Some(text.clone()),
            Payload::Bytes(bytes) => match serde_json::from_slice(bytes) {
                Ok(json) => view.payload = Some(json),
                Err(_) => view.payload_base64 = Some(Base64::encode_string(bytes)),
            },
        }
        view
    }
}
