//! Messages: what is to be delivered.

use std::fmt;

use bytes::Bytes;

use crate::{StoreError, check_key, name::check_names};

/// A message to be stored. Times are microseconds since 1970 (UTC).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewMessage {
    /// The id. `None`: the store makes one, `msg_…`, which sorts by time.
    pub id: Option<String>,
    /// The event type.
    pub event_type: String,
    /// What is sent.
    pub payload: Payload,
    /// The `Content-Type`.
    pub content_type: String,
    /// The tenant whose endpoints receive it. `None`: the endpoints without a tenant.
    pub tenant: Option<String>,
    /// The channels that it is published on.
    pub channels: Vec<String>,
    /// The only endpoint that receives it, whatever that subscribes to, as for a test. `None`: every endpoint that
    /// subscribes to it.
    pub endpoint_id: Option<String>,
    /// Enqueueing another message with the same key, for the same tenant, sends nothing and returns this one.
    pub idempotency_key: Option<String>,
    /// The W3C trace context of the caller.
    pub traceparent: Option<String>,
    /// The time before which it is not delivered. `None`: it is delivered at once.
    pub due_at: Option<i64>,
}

impl NewMessage {
    /// A JSON message with this payload.
    #[must_use]
    pub fn new(kind: impl Into<String>, payload: impl Into<Payload>) -> Self {
        NewMessage {
            id: None,
            event_type: kind.into(),
            payload: payload.into(),
            content_type: "application/json".to_owned(),
            tenant: None,
            channels: Vec::new(),
            endpoint_id: None,
            idempotency_key: None,
            traceparent: None,
            due_at: None,
        }
    }

    /// Refuses a message that no store keeps: one whose id, event type or tenant is longer than
    /// [`MAX_NAME`](crate::MAX_NAME), or whose idempotency key [can't be kept](crate::check_key).
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`](crate::StoreErrorKind::Invalid).
    pub fn check(&self) -> Result<(), StoreError> {
        self.idempotency_key.as_deref().map_or(Ok(()), check_key)?;
        let (id, tenant) = (self.id.as_deref(), self.tenant.as_deref());
        check_names(&[
            ("id", id.unwrap_or_default()),
            ("event type", &self.event_type),
            ("tenant", tenant.unwrap_or_default()),
        ])
    }
}

/// What a message sends.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// These bytes, as they are.
    Bytes(Bytes),
    /// What the application makes of this text when it is delivered: the state at that time, or nothing any more.
    Reference(String),
}

/// Shows no byte of the payload.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Payload::Reference(reference) => f.debug_tuple("Reference").field(reference).finish(),
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Payload::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Payload::Bytes(bytes.into())
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Payload::Bytes(text.into())
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Payload::Bytes(Bytes::from_static(text.as_bytes()))
    }
}

/// The result of enqueueing a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The message's id.
    pub id: String,
    /// How many endpoints it goes to.
    pub deliveries: u32,
    /// Whether a message with the same idempotency key was enqueued before: that one is meant, and nothing new is sent.
    pub duplicate: bool,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The id, fixed when it was enqueued: the same in every attempt.
    pub id: String,
    /// The event type.
    pub event_type: String,
    /// What is sent.
    pub payload: Payload,
    /// The `Content-Type`.
    pub content_type: String,
    /// The tenant.
    pub tenant: Option<String>,
    /// The W3C trace context in which it was enqueued.
    pub traceparent: Option<String>,
    /// When it was enqueued, in microseconds since 1970 (UTC).
    pub created_at: i64,
}

impl Message {
    /// The message that `new` becomes when it is stored under this id at this time.
    #[must_use]
    pub fn stored(new: &NewMessage, id: impl Into<String>, created_at: i64) -> Self {
        Message {
            id: id.into(),
            event_type: new.event_type.clone(),
            payload: new.payload.clone(),
            content_type: new.content_type.clone(),
            tenant: new.tenant.clone(),
            traceparent: new.traceparent.clone(),
            created_at,
        }
    }
}
