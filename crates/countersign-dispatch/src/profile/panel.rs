//! What the self-hosted panel sends, signed by [`catalog::PANEL`] or not at all.
//!
//! Documented are the types, the test among them, and that the secret is optional. The signature's header
//! and the body are not: `X-Webhook-Signature`, and the type at `event` beside the data's fields, are what
//! the scheme assumes.
//!
//! No id is sent, so a receiver knows a retry by its body, and takes two events with the same body for one:
//! put what tells them apart into the data.

use countersign::{
    Scheme, catalog,
    events::{TypedEvent, panel::EventType},
};
use countersign_store::outbox::{Endpoint, NewMessage};
use serde_core::Serialize;
use serde_json::json;

use super::{ProfileError, endpoint, message};

/// An endpoint that wants these types of events, and the test. Its events are signed with `secret`.
///
/// # Errors
/// Where a type isn't documented, or the URL or the secret can't be used.
pub fn endpoint(id: &str, url: &str, secret: &str, wanted: &[EventType]) -> Result<Endpoint, ProfileError> {
    endpoint::signed(id, url, &catalog::PANEL, secret, events(wanted)?)
}

/// The same without a secret.
///
/// # Security
/// Nothing tells the receiver who has sent an event.
///
/// # Errors
/// Where a type isn't documented, or the URL can't be used.
pub fn unsigned_endpoint(id: &str, url: &str, wanted: &[EventType]) -> Result<Endpoint, ProfileError> {
    let scheme = Scheme {
        name: "panel-unsigned".into(),
        content: catalog::BILLRUN.content,
        signature: catalog::BILLRUN.signature,
        ..catalog::PANEL
    };
    endpoint::unsigned(id, url, &scheme, events(wanted)?)
}

/// The message of an event: `{event, …}`, with the fields of its data beside its type. Its id is the
/// message's, and like its time isn't sent.
///
/// # Errors
/// Where the type isn't documented, or the data isn't a JSON object or has a field `event`.
pub fn message<T: Serialize>(event: &TypedEvent<EventType, T>) -> Result<NewMessage, ProfileError> {
    check(&event.event_type)?;
    message::of_scheme(&catalog::PANEL, event)
}

/// The message that "send test" delivers.
///
/// # Errors
/// As [`message`].
pub fn test_event() -> Result<NewMessage, ProfileError> {
    message(&TypedEvent { id: None, event_type: EventType::Test, time: None, data: json!({}) })
}

fn events(wanted: &[EventType]) -> Result<Vec<String>, ProfileError> {
    wanted.iter().try_for_each(check)?;
    let others = wanted.iter().filter(|kind| **kind != EventType::Test);
    Ok(others.chain([&EventType::Test]).map(EventType::to_string).collect())
}

fn check(kind: &EventType) -> Result<(), ProfileError> {
    match kind {
        EventType::Other(other) => Err(ProfileError::unknown("the panel", other)),
        _ => Ok(()),
    }
}
