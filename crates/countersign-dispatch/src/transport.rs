//! The seam to whatever sends requests.

use std::{fmt, future::Future, time::Duration};

use bytes::Bytes;
use countersign_transport::{Answer, CustomHeaders, Failure, FailureKind, Post};

use crate::clock;

/// Sends one request. [`countersign_transport::Transport`] does.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` once, and says what came of it.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, SendError>> + Send;
}

/// A signed request, to be sent by `POST`. `Debug` shows names alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The URL, which is often a credential.
    pub url: String,
    /// The headers of the signature, and `content-type`.
    pub headers: Vec<(String, String)>,
    /// The headers that the endpoint's owner has added. They replace none of the others.
    pub custom: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What an endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub body: Bytes,
    /// How long the endpoint asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// Why there was no answer, in words for the endpoint's owner, without any part of the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// What happened.
    pub reason: String,
    /// Whether the sender's own machine is why, such as one without open files or ports left: then nothing was sent,
    /// and nothing is known about the endpoint. No attempt counts, and another is made shortly.
    pub is_local: bool,
}

impl SendError {
    /// An error that says something about the endpoint, or its settings.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        SendError { reason: reason.into(), is_local: false }
    }

    /// An error for which the sender's own machine is to blame.
    #[must_use]
    pub fn local(reason: impl Into<String>) -> Self {
        SendError { reason: reason.into(), is_local: true }
    }
}

impl Transport for countersign_transport::Transport {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let target = self.target(&request.url).map_err(|error| SendError::new(error.to_string()))?;
        let reserved: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        let custom = request.custom.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let custom = CustomHeaders::check(custom, &reserved);
        let custom = custom.map_err(|error| SendError::new(error.to_string()))?;
        let post = Post { target: &target, headers: &request.headers, custom: &custom, body: request.body };
        self.send(post).await.result.map(response).map_err(|failure| send_error(&failure))
    }
}

fn response(answer: Answer) -> Response {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = answer.headers.iter();
    Response {
        status: answer.status.as_u16(),
        headers: headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        retry_after: answer.retry_after(clock::unix_seconds()),
        body: answer.body,
    }
}

fn send_error(failure: &Failure) -> SendError {
    match failure.kind() {
        FailureKind::Invalid => SendError::new(format!("the endpoint's settings don't allow it: {failure}")),
        kind @ FailureKind::Local => SendError::local(format!("{}: {failure}", kind.as_str())),
        kind => SendError::new(format!("{}: {failure}", kind.as_str())),
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().chain(&self.custom).map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("headers", &names)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for SendError {}
