//! An event as a JetStream message.

use async_nats::{HeaderMap, header::NATS_MESSAGE_ID, jetstream::message::PublishMessage};
use countersign_store::{Leased, Received, StoreError};

use crate::escape;

/// The subject of an event.
///
/// A server closes the connection over a subject that is too long, to the harm of all other events, so one
/// that long is refused here.
/// That is the event's fault only where its type is what takes it past the limit.
pub(crate) fn subject(prefix: &str, received: &Received) -> Result<String, StoreError> {
    let start = format!("{}.{}.", escape::tokens(prefix), escape::token(&received.source));
    let event_type = escape::tokens(received.event_type.as_deref().unwrap_or_default());
    match (start.len(), start.len() + event_type.len()) {
        (_, 0..=MAX_SUBJECT) => Ok(start + &event_type),
        (0..MAX_SUBJECT, length) => Err(StoreError::invalid(format!(
            "the subject made of source and type has {length} bytes, of which {MAX_SUBJECT} are allowed"
        ))),
        (length, _) => Err(StoreError::unavailable(format!(
            "the subject's prefix and source have {length} bytes: together with the type, {MAX_SUBJECT} are allowed"
        ))),
    }
}

/// The message of an event that is published to `subject`.
pub(crate) fn message(event: &Leased, subject: &str) -> PublishMessage {
    PublishMessage::build().payload(event.received.body.clone()).headers(headers(event, subject))
}

/// A stream knows a message by its id alone, whatever the subject: of two inboxes that feed one stream,
/// both may hold an event of one key, and neither may lose its own. Neither part holds a space.
fn headers(event: &Leased, subject: &str) -> HeaderMap {
    let received = &event.received;
    let key = escape::header(&received.key);
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, format!("{subject} {key}"));
    headers.insert("Countersign-Key", key);
    headers.insert("Countersign-Source", escape::header(&received.source));
    headers.insert("Countersign-Accepted-At", event.accepted_at.to_string());
    headers.insert("Countersign-Attempt", event.attempt.to_string());
    let optional = [
        ("Countersign-Type", &received.event_type),
        ("Countersign-Id", &received.event_id),
        ("Countersign-Tenant", &received.tenant),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            headers.insert(name, escape::header(value));
        }
    }
    for (name, value) in &received.headers {
        headers.append(format!("Countersign-Header-{}", escape::header_name(name)), escape::header(value));
    }
    headers
}

/// A server's line, which holds the subject and more, has 4,096 bytes unless it is configured otherwise.
const MAX_SUBJECT: usize = 1024;
