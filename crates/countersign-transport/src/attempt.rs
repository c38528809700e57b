//! One attempt: what is sent, and what came of it.

use std::{fmt, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};

use crate::{failure::Failure, headers::CustomHeaders, retry_after::retry_after, target::Target};

/// What is sent: a `POST` with a body.
///
/// `Debug` shows neither values of headers nor the body.
#[derive(Clone)]
pub struct Post<'a> {
    /// Where to.
    pub target: &'a Target,
    /// The sender's headers, such as those of a signature, which may stand several times under one name.
    /// `content-type` is `application/json` and `user-agent` the transport's where they are not among them.
    pub headers: &'a [(String, String)],
    /// The headers that the endpoint's owner added. None of them replaces one of the sender's.
    pub custom: &'a CustomHeaders,
    /// The body, which is sent as it is.
    pub body: Bytes,
}

impl fmt::Debug for Post<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Post")
            .field("target", &self.target)
            .field("headers", &names)
            .field("custom", &self.custom)
            .field("bytes", &self.body.len())
            .finish()
    }
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// The answer, or why there is none.
    pub result: Result<Answer, Failure>,
    /// How long it took, the reading of the answer included.
    pub elapsed: Duration,
}

/// What a receiver answered. Whatever its status, redirects included: none is followed.
///
/// `Debug` shows neither values of headers nor the body.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers: at most 100, in a head of at most 64 KiB.
    pub headers: HeaderMap,
    /// The body as it was sent, or its beginning. It is not decompressed.
    pub body: Bytes,
    /// Where `body` ends.
    pub body_end: BodyEnd,
    /// The address that was dialled.
    pub peer: Option<SocketAddr>,
}

/// Where the body of an answer ends.
///
/// However it ends, the receiver has said by its status what it made of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyEnd {
    /// It is whole.
    Complete,
    /// There was more than the transport keeps.
    Limit,
    /// There was more to come when the time was up.
    Timeout,
    /// The connection broke.
    Broken,
}

impl Answer {
    /// How long the receiver asks to be left alone, by its `Retry-After`; `now` is in Unix seconds.
    /// See [`retry_after`].
    #[must_use]
    pub fn retry_after(&self, now: i64) -> Option<Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, now)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &names)
            .field("bytes", &self.body.len())
            .field("body_end", &self.body_end)
            .field("peer", &self.peer)
            .finish()
    }
}
