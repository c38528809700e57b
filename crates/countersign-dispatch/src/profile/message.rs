//! Messages: what every profile does alike.

use std::fmt::Display;

use countersign::{Scheme, Timestamp, events::TypedEvent, scheme::TimeFormat};
use countersign_store::outbox::NewMessage;
use serde_core::Serialize;

use super::{
    ProfileError,
    body::{Body, name_at},
    id,
};
use crate::clock;

/// The message of an event whose id, type and time stand where the scheme reads them, and its data
/// likewise: under a name, or as fields beside the others.
pub(super) fn of_scheme<K: Display, T: Serialize>(
    scheme: &Scheme,
    event: &TypedEvent<K, T>,
) -> Result<NewMessage, ProfileError> {
    let (rule, kind) = (&scheme.event, event.event_type.to_string());
    let id = match &event.id {
        None if !rule.id.is_empty() => Some(id::event()?),
        given => given.clone(),
    };
    let mut body = Body::default();
    body.put_at(rule.id.first(), id.as_deref().unwrap_or_default())?;
    body.put_at(rule.event_type.first(), &kind)?;
    body.put_at(rule.time.as_ref(), &time_of(event)?)?;
    match name_at(&rule.data) {
        "" => body.put_fields(&event.data)?,
        name => body.put(name, &event.data)?,
    }
    let mut message = of_body(event, &body)?;
    message.id = id;
    Ok(message)
}

/// The message of an event with this body. An event that has an id of its own is enqueued once.
pub(super) fn of_body<K: Display, T>(
    event: &TypedEvent<K, T>,
    body: &Body,
) -> Result<NewMessage, ProfileError> {
    if event.id.as_deref() == Some("") {
        return Err(ProfileError::event("the event's id is empty: leave it out to have one made"));
    }
    let mut message = NewMessage::new(event.event_type.to_string(), body.bytes()?);
    message.id.clone_from(&event.id);
    message.idempotency_key.clone_from(&event.id);
    Ok(message)
}

/// The time of an event as it is sent: now, where it has none.
fn time_of<K, T>(event: &TypedEvent<K, T>) -> Result<String, ProfileError> {
    let now = || Timestamp::from_unix_seconds(clock::unix_seconds()).render(TimeFormat::Rfc3339);
    match &event.time {
        Some(time) if Timestamp::parse(TimeFormat::Rfc3339, time).is_none() => {
            Err(ProfileError::event("the event's time isn't RFC 3339, such as 2026-03-14T09:26:53Z"))
        }
        Some(time) => Ok(time.clone()),
        None => Ok(now()),
    }
}
