//! What the extractors answer where they find no event.

use std::{error::Error as StdError, fmt};

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use countersign::{Error, ErrorKind};

use crate::Rejection;

/// Rejection of [`Webhook`](crate::Webhook).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WebhookRejection {
    /// No middleware has verified the request.
    MissingMiddleware(MissingMiddleware),
    /// The request is authentic, but isn't the event that the handler takes.
    InvalidEvent(InvalidEvent),
}

/// Rejection of a request that no [`Webhooks`](crate::Webhooks) has verified: a mistake of the
/// application, so 500, and an error in the log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MissingMiddleware;

/// Rejection of an authentic request that isn't the event that the handler takes: 400.
#[derive(Clone, Debug)]
pub struct InvalidEvent(Error);

impl MissingMiddleware {
    pub(crate) fn logged() -> Self {
        tracing::error!(target: "countersign", "{MissingMiddleware}");
        MissingMiddleware
    }
}

impl InvalidEvent {
    pub(crate) fn logged(error: Error) -> Self {
        tracing::warn!(target: "countersign", reason = %error, "webhook not understood");
        InvalidEvent(error)
    }

    /// The reason.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0
    }
}

impl From<MissingMiddleware> for WebhookRejection {
    fn from(inner: MissingMiddleware) -> Self {
        WebhookRejection::MissingMiddleware(inner)
    }
}

impl From<InvalidEvent> for WebhookRejection {
    fn from(inner: InvalidEvent) -> Self {
        WebhookRejection::InvalidEvent(inner)
    }
}

impl ResponseError for MissingMiddleware {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        empty(self.status_code(), Error::new(ErrorKind::Misconfigured).because(self.to_string()))
    }
}

impl ResponseError for InvalidEvent {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        empty(self.status_code(), self.0.clone())
    }
}

impl ResponseError for WebhookRejection {
    fn status_code(&self) -> StatusCode {
        match self {
            WebhookRejection::MissingMiddleware(inner) => inner.status_code(),
            WebhookRejection::InvalidEvent(inner) => inner.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            WebhookRejection::MissingMiddleware(inner) => inner.error_response(),
            WebhookRejection::InvalidEvent(inner) => inner.error_response(),
        }
    }
}

/// A response without a body, so that the sender learns nothing, with its reason in the extensions.
fn empty(status: StatusCode, error: Error) -> HttpResponse {
    let mut response = HttpResponse::new(status);
    response.extensions_mut().insert(Rejection::from(error));
    response
}

impl fmt::Display for MissingMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no `countersign_actix::Webhooks` has verified this request: wrap the resource in one")
    }
}

impl fmt::Display for InvalidEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for WebhookRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WebhookRejection::MissingMiddleware(inner) => inner.fmt(f),
            WebhookRejection::InvalidEvent(inner) => inner.fmt(f),
        }
    }
}

impl StdError for MissingMiddleware {}
impl StdError for InvalidEvent {}
impl StdError for WebhookRejection {}
