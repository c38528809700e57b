//! An event, as a handler gets it.

use bytes::Bytes;
use countersign::read_json;
use countersign_store::{Leased, Received};
use serde_core::de::DeserializeOwned;

use crate::HandlerError;

/// A verified event that is to be handled.
#[derive(Clone, Debug)]
pub struct InboxEvent {
    leased: Leased,
}

impl InboxEvent {
    pub(crate) fn new(leased: Leased) -> Self {
        InboxEvent { leased }
    }

    /// The event's id, the same over retries, where the provider sends one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.leased.received.event_id.as_deref()
    }

    /// The event type, such as `invoice.paid`, where the provider names one.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.leased.received.event_type.as_deref()
    }

    /// The endpoint's name, or else that of the scheme.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.leased.received.source
    }

    /// The tenant that the matching keys belong to.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.leased.received.tenant.as_deref()
    }

    /// The key by which copies of the event are known: what the handler's own writes are idempotent by.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.leased.received.key
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.leased.attempt
    }

    /// When the event was accepted, in microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn accepted_at(&self) -> i64 {
        self.leased.accepted_at
    }

    /// The value of a header of the request, the first of this name, where the layer was told by
    /// `InboxSettings::keep_headers` to keep it. What the scheme doesn't sign anybody can have written who has seen
    /// such a request.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let kept = self.leased.received.headers.iter();
        kept.clone().find(|(kept, _)| kept.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The path and query of the request, as they arrived, where the layer was told by `InboxSettings::keep_target` to keep
    /// them. What the scheme doesn't sign anybody can have changed who has seen such a request.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.header(Received::TARGET)
    }

    /// The body, byte for byte as it arrived.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.leased.received.body
    }

    /// The row as the store gave it.
    #[must_use]
    pub fn leased(&self) -> &Leased {
        &self.leased
    }

    /// The event's data, where its scheme says that it stands.
    ///
    /// # Errors
    /// Where the body isn't JSON, has no data there, holds one key of an object twice, or the data isn't a `T`: the
    /// event is dead at once, because another attempt would find the same. The error says where and what.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, HandlerError> {
        self.read(&self.leased.received.data_at)
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    /// As [`data`](InboxEvent::data).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HandlerError> {
        self.read("")
    }

    fn read<T: DeserializeOwned>(&self, pointer: &str) -> Result<T, HandlerError> {
        read_json(self.body(), pointer).map_err(|error| HandlerError::dead(error.to_string()))
    }
}
