//! What IPTVbp sends: `{id, type, timestamp, data}`, signed by [`catalog::IPTVBP`].
//!
//! Documented are the header, `X-Webhook-Signature` with the hexadecimal HMAC-SHA256 of the body, the
//! envelope, the time in RFC 3339, and the types. That there is a test event is documented and its type is
//! not: `test.webhook` is our choice.

use countersign::{
    catalog,
    events::{TypedEvent, iptvbp::EventType},
};
use countersign_store::outbox::{Endpoint, NewMessage};
use serde_core::Serialize;
use serde_json::json;

use super::{ProfileError, endpoint, message};

/// The type of the test event.
pub const TEST: &str = "test.webhook";

/// An endpoint that wants these types of events, and the test. Its events are signed with `secret`.
///
/// # Errors
/// Where a type isn't documented, or the URL or the secret can't be used.
pub fn endpoint(id: &str, url: &str, secret: &str, wanted: &[EventType]) -> Result<Endpoint, ProfileError> {
    wanted.iter().try_for_each(check)?;
    let events = wanted.iter().map(EventType::as_str).chain([TEST]).map(str::to_owned).collect();
    endpoint::signed(id, url, &catalog::IPTVBP, secret, events)
}

/// The message of an event. The id in its envelope is the message's: where the event has none, one is made,
/// `evt_…`. Where it has no time, it is now's.
///
/// # Errors
/// Where the type isn't documented, the time isn't RFC 3339, or the data can't be written as JSON.
pub fn message<T: Serialize>(event: &TypedEvent<EventType, T>) -> Result<NewMessage, ProfileError> {
    check(&event.event_type)?;
    message::of_scheme(&catalog::IPTVBP, event)
}

/// The message of a test, which tells the receiver nothing but that it is reached.
///
/// # Errors
/// Where no id can be made.
pub fn test_event() -> Result<NewMessage, ProfileError> {
    message(&TypedEvent { id: None, event_type: TEST.into(), time: None, data: json!({}) })
}

fn check(kind: &EventType) -> Result<(), ProfileError> {
    match kind {
        EventType::Other(other) if other != TEST => Err(ProfileError::unknown("IPTVbp", other)),
        _ => Ok(()),
    }
}
