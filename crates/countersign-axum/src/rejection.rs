//! What the extractors answer where they find no event.

use std::{error::Error as StdError, fmt};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use countersign::{Error, ErrorKind};

use crate::Rejection;

/// Rejection of [`Webhook`](crate::Webhook).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WebhookRejection {
    /// No layer has verified the request.
    MissingLayer(MissingLayer),
    /// The request is authentic, but isn't the event that the handler takes.
    InvalidEvent(InvalidEvent),
}

/// Rejection of a request that no [`WebhookLayer`](crate::WebhookLayer) has verified: a mistake of
/// the application, so 500, and an error in the log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MissingLayer;

/// Rejection of an authentic request that isn't the event that the handler takes: 400.
#[derive(Clone, Debug)]
pub struct InvalidEvent(Error);

impl MissingLayer {
    pub(crate) fn logged() -> Self {
        tracing::error!(target: "countersign", "{MissingLayer}");
        MissingLayer
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    /// The body: empty, so that the sender learns nothing.
    #[must_use]
    pub fn body_text(&self) -> String {
        String::new()
    }
}

impl InvalidEvent {
    pub(crate) fn logged(error: Error) -> Self {
        tracing::warn!(target: "countersign", reason = %error, "webhook not understood");
        InvalidEvent(error)
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// The body: empty, so that the sender learns nothing.
    #[must_use]
    pub fn body_text(&self) -> String {
        String::new()
    }

    /// The reason.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0
    }
}

impl WebhookRejection {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            WebhookRejection::MissingLayer(inner) => inner.status(),
            WebhookRejection::InvalidEvent(inner) => inner.status(),
        }
    }

    /// The body: empty, so that the sender learns nothing.
    #[must_use]
    pub fn body_text(&self) -> String {
        match self {
            WebhookRejection::MissingLayer(inner) => inner.body_text(),
            WebhookRejection::InvalidEvent(inner) => inner.body_text(),
        }
    }
}

impl From<MissingLayer> for WebhookRejection {
    fn from(inner: MissingLayer) -> Self {
        WebhookRejection::MissingLayer(inner)
    }
}

impl From<InvalidEvent> for WebhookRejection {
    fn from(inner: InvalidEvent) -> Self {
        WebhookRejection::InvalidEvent(inner)
    }
}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        empty(self.status(), Error::new(ErrorKind::Misconfigured).because(self.to_string()))
    }
}

impl IntoResponse for InvalidEvent {
    fn into_response(self) -> Response {
        empty(self.status(), self.0)
    }
}

impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response {
        match self {
            WebhookRejection::MissingLayer(inner) => inner.into_response(),
            WebhookRejection::InvalidEvent(inner) => inner.into_response(),
        }
    }
}

/// A response without a body, with its reason in the extensions.
fn empty(status: StatusCode, error: Error) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(Rejection::from(error));
    response
}

impl fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no `countersign_axum::WebhookLayer` has verified this request: add one to the route")
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
            WebhookRejection::MissingLayer(inner) => inner.fmt(f),
            WebhookRejection::InvalidEvent(inner) => inner.fmt(f),
        }
    }
}

impl StdError for MissingLayer {}
impl StdError for InvalidEvent {}
impl StdError for WebhookRejection {}
