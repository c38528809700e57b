//! The event.

use axum::{extract::FromRequestParts, http::request::Parts};
use countersign::Event;
use serde_core::de::DeserializeOwned;

use crate::{InvalidEvent, WebhookRejection, body::verified_in};

/// Extractor of a verified event whose data is a `T`.
///
/// `T` is what the provider calls the data or the object of the event, not the envelope around it;
/// where that is, the scheme knows. JSON in which an object holds one key twice is refused, because
/// two readers could see two different events in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook<T>(pub Event<T>);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Webhook<T> {
    type Rejection = WebhookRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, WebhookRejection> {
        let event = verified_in(&parts.extensions)?.event().map_err(InvalidEvent::logged)?;
        Ok(Webhook(event))
    }
}
