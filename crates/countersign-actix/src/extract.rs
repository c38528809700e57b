//! Extractors of what was verified.

use std::{
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use bytes::Bytes;
use countersign::Event;
use serde_core::de::DeserializeOwned;

use crate::{InvalidEvent, MissingMiddleware, Verified, WebhookRejection};

/// Extractor of the verified body, and of everything that is known about it.
///
/// It is a [`Verified`]: event, id, type, time, label of the key, tenant and idempotency key are its
/// methods.
///
/// ```
/// use countersign_actix::VerifiedBody;
///
/// async fn handler(verified: VerifiedBody) -> String {
///     let key = verified.idempotency_key();
///     format!("{} bytes of event {}", verified.bytes().len(), key.as_str())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct VerifiedBody(Verified);

impl VerifiedBody {
    /// The body, byte for byte as it arrived.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.0.body_ref()
    }

    /// The proof itself.
    #[must_use]
    pub fn into_verified(self) -> Verified {
        self.0
    }
}

impl Deref for VerifiedBody {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.0
    }
}

impl FromRequest for VerifiedBody {
    type Error = MissingMiddleware;
    type Future = Ready<Result<Self, MissingMiddleware>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(verified(request).map(VerifiedBody))
    }
}

/// Extractor of a verified event whose data is a `T`.
///
/// `T` is what the provider calls the data or the object of the event, not the envelope around it;
/// where that is, the scheme knows. JSON in which an object holds one key twice is refused, because
/// two readers could see two different events in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook<T>(pub Event<T>);

impl<T: DeserializeOwned> FromRequest for Webhook<T> {
    type Error = WebhookRejection;
    type Future = Ready<Result<Self, WebhookRejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(event(request).map(Webhook))
    }
}

fn event<T: DeserializeOwned>(request: &HttpRequest) -> Result<Event<T>, WebhookRejection> {
    Ok(verified(request)?.event().map_err(InvalidEvent::logged)?)
}

/// What the middleware has put into the request's extensions, and nobody else can have.
pub(crate) fn verified(request: &HttpRequest) -> Result<Verified, MissingMiddleware> {
    request.extensions().get::<Verified>().cloned().ok_or_else(MissingMiddleware::logged)
}
