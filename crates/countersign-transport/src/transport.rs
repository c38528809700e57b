//! The client: one attempt, top to bottom.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue, Request, Response, Version,
    header::{CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use tokio::{
    select,
    time::{Instant, timeout_at},
};
use tracing::debug;

use self::{builder::MAX_HEADERS, interim::Interim, targets::Targets};
pub use self::{
    builder::TransportBuilder,
    error::{BuildError, BuildErrorKind},
};
use crate::{
    attempt::{Answer, Attempted, BodyEnd, Post},
    connect::{Connector, stream::Peer},
    failure::{Failure, FailureKind},
    headers,
    policy::Policy,
    target::{Target, TargetError},
};

mod builder;
mod error;
mod interim;
mod targets;

/// HTTP client for deliveries. Clones share their connections.
///
/// See the [crate's page](crate) for what it does and refuses.
#[derive(Clone)]
pub struct Transport {
    client: Client<Connector, Full<Bytes>>,
    settings: Arc<Settings>,
    targets: Arc<Targets>,
}

struct Settings {
    policy: Arc<Policy>,
    timeout: Duration,
    response_limit: usize,
    user_agent: HeaderValue,
}

impl Transport {
    /// A transport with every setting at its default.
    ///
    /// # Errors
    /// As [`TransportBuilder::build`].
    pub fn new() -> Result<Transport, BuildError> {
        Transport::builder().build()
    }

    /// A transport's settings.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::new()
    }

    /// Parses the URL of an endpoint and checks it against the transport's policy. Up to 10,000 are kept
    /// as they were parsed.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn target(&self, url: &str) -> Result<Target, TargetError> {
        self.targets.parse(url, &self.settings.policy)
    }

    /// Sends it once.
    ///
    /// The request is written to one connection at most. A connection that was kept open and closed
    /// by the receiver is replaced only while no byte of the request was given to it; later,
    /// [`Reset`](FailureKind::Reset) is the result.
    ///
    /// Needs tokio's I/O and timer. When the future is dropped, the connection is closed; on HTTP/2 the
    /// request is broken off, and the connection, which others share, stays.
    pub async fn send(&self, post: Post<'_>) -> Attempted {
        let target = post.target;
        let started = Instant::now();
        let result = self.attempt(post, started + self.settings.timeout).await;
        let attempted = Attempted { result, elapsed: started.elapsed() };
        observe(target, &attempted);
        attempted
    }

    async fn attempt(&self, post: Post<'_>, deadline: Instant) -> Result<Answer, Failure> {
        post.target.check(&self.settings.policy).map_err(invalid)?;
        let mut request = self.request(post)?;
        let interim = Interim::of(&mut request);
        let answered = select! {
            answered = timeout_at(deadline, self.client.request(request)) => answered,
            () = interim.too_many() => return Err(too_many_interim()),
        };
        match answered {
            Ok(Ok(response)) if response.headers().len() > MAX_HEADERS => Err(too_many_headers()),
            Ok(Ok(response)) => Ok(self.read(response, deadline).await),
            Ok(Err(error)) => Err(Failure::from_client(&error)),
            Err(_) => Err(Failure::new(FailureKind::Timeout, "the host didn't answer in time")),
        }
    }

    fn request(&self, post: Post<'_>) -> Result<Request<Full<Bytes>>, Failure> {
        let json = HeaderValue::from_static("application/json");
        let defaults = [(CONTENT_TYPE, json), (USER_AGENT, self.settings.user_agent.clone())];
        let mut headers = headers::merge(post.headers, post.custom, defaults).map_err(invalid)?;
        // The client leaves it out where there is no body, and some receivers insist on it.
        headers.insert(CONTENT_LENGTH, post.body.len().into());
        let mut request = Request::post(post.target.uri()).version(Version::HTTP_11);
        if let Some(map) = request.headers_mut() {
            *map = headers;
        }
        request.body(Full::new(post.body)).map_err(invalid)
    }

    async fn read(&self, response: Response<Incoming>, deadline: Instant) -> Answer {
        let (head, body) = response.into_parts();
        let (body, body_end) = read_body(body, self.settings.response_limit, deadline).await;
        let peer = head.extensions.get().map(|Peer(address)| *address);
        Answer { status: head.status, headers: head.headers, body, body_end, peer }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("policy", &self.settings.policy)
            .field("timeout", &self.settings.timeout)
            .field("response_limit", &self.settings.response_limit)
            .finish_non_exhaustive()
    }
}

/// Reads up to `limit` bytes. A body that isn't read to its end takes its connection with it, or on HTTP/2 its
/// stream alone.
async fn read_body(mut body: Incoming, limit: usize, deadline: Instant) -> (Bytes, BodyEnd) {
    let mut kept = BytesMut::new();
    loop {
        let data = match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Ok(Some(Err(_))) => return (kept.freeze(), BodyEnd::Broken),
            Ok(None) => return (kept.freeze(), BodyEnd::Complete),
            Err(_) => return (kept.freeze(), BodyEnd::Timeout),
        };
        let room = limit - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return (kept.freeze(), BodyEnd::Limit);
        }
    }
}

fn invalid(error: impl fmt::Display) -> Failure {
    Failure::new(FailureKind::Invalid, error.to_string())
}

fn too_many_interim() -> Failure {
    Failure::new(FailureKind::InvalidResponse, "the host goes on answering 1xx, and not how it ended")
}

/// HTTP/2 limits their size alone.
fn too_many_headers() -> Failure {
    Failure::new(FailureKind::InvalidResponse, "the answer has more headers than are read")
}

fn observe(target: &Target, attempted: &Attempted) {
    let ms = attempted.elapsed.as_millis();
    match &attempted.result {
        Ok(answer) => {
            debug!(target: "countersign", endpoint = %target, status = answer.status.as_u16(), ms, "answered");
        }
        Err(failure) => {
            let kind = failure.kind().as_str();
            debug!(target: "countersign", endpoint = %target, kind, reason = %failure, ms, "not answered");
        }
    }
}
