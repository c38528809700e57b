//! Bodies: read within limits, kept as they arrive.

use std::{
    error::Error as StdError,
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use crate::{deadline::Deadline, hooks::BoxError};
use bytes::{Buf, Bytes};
use countersign::{BodyBuffer, Error, ErrorKind};
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Full, LengthLimitError};
use pin_project_lite::pin_project;

/// How large a body may be and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) total: Duration,
    pub(crate) idle: Duration,
}

impl Limits {
    /// Refuses a body that says itself that it is too large.
    pub(crate) fn check(&self, declared: u64) -> Result<(), Error> {
        match usize::try_from(declared) {
            Ok(bytes) if bytes <= self.bytes => Ok(()),
            _ => Err(Error::new(ErrorKind::BodyTooLarge)),
        }
    }

    /// Gives each piece of `body` to `keep`, to the end. Trailers are dropped.
    pub(crate) async fn read<B>(
        &self,
        body: B,
        declared: u64,
        mut keep: impl FnMut(Bytes),
    ) -> Result<(), Error>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let mut body = pin!(body);
        let mut deadline = pin!(Deadline::new(*self));
        let mut received = 0;
        while let Some(frame) =
            deadline.as_mut().bound(|cx| body.as_mut().poll_frame(cx).map(judge)).await??
        {
            let Ok(mut data) = frame.into_data() else { continue };
            received += data.remaining();
            if received > self.bytes {
                return Err(Error::new(ErrorKind::BodyTooLarge));
            }
            keep(data.copy_to_bytes(data.remaining()));
            if body.is_end_stream() {
                break;
            }
        }
        // Fewer bytes than were announced: something before this layer has read the body.
        match (received as u64) < declared {
            true => Err(Error::new(ErrorKind::BodyIncomplete)),
            false => Ok(()),
        }
    }
}

/// A piece, or why there is none.
fn judge<D, E: Into<BoxError>>(frame: Option<Result<Frame<D>, E>>) -> Result<Option<Frame<D>>, Error> {
    frame.transpose().map_err(|error| Error::new(kind_of(error.into())))
}

/// How many bytes the request says that its body has, at least.
pub(crate) fn declared_length(headers: &HeaderMap, body: &impl Body) -> u64 {
    let header = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    header.unwrap_or(0).max(body.size_hint().lower())
}

/// Why a body broke off: a limit that stands before this layer, or the connection.
fn kind_of(error: BoxError) -> ErrorKind {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return ErrorKind::BodyTooLarge;
        }
        cause = error.source();
    }
    ErrorKind::BodyIncomplete
}

/// The pieces of a body, in one. A body of one piece is not copied.
pub(crate) struct Frames {
    limit: usize,
    kept: Kept,
}

enum Kept {
    One(Bytes),
    Several(Vec<u8>),
}

impl Frames {
    pub(crate) fn new(limit: usize) -> Self {
        Frames { limit, kept: Kept::One(Bytes::new()) }
    }
}

impl BodyBuffer for Frames {
    type Frame = Bytes;
    type Body = Bytes;

    fn push(&mut self, frame: Bytes) {
        match &mut self.kept {
            Kept::One(first) if first.is_empty() => *first = frame,
            Kept::One(first) => {
                let mut whole = Vec::with_capacity(first.len() + frame.len());
                whole.extend_from_slice(first);
                whole.extend_from_slice(&frame);
                self.kept = Kept::Several(whole);
            }
            Kept::Several(whole) => {
                grow(whole, frame.len(), self.limit);
                whole.extend_from_slice(&frame);
            }
        }
    }

    fn finish(self) -> Bytes {
        match self.kept {
            Kept::One(bytes) => bytes,
            Kept::Several(bytes) => bytes.into(),
        }
    }

    fn bytes(body: &Bytes) -> &[u8] {
        body
    }
}

/// Makes room by doubling, as a vector does, but not past the limit.
fn grow(whole: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = whole.len() + more;
    if needed > whole.capacity() {
        let doubled = whole.capacity().saturating_mul(2).min(limit).max(needed);
        whole.reserve_exact(doubled - whole.len());
    }
}

pin_project! {
    /// A request's body before and behind the layer, for servers whose body can't be made from bytes.
    ///
    /// The layer takes and gives one body type, which it must be able to make: axum's can be,
    /// `hyper::body::Incoming` can't. Wrap it:
    ///
    /// ```
    /// use countersign_tower::WebhookBody;
    /// # fn wrap<B>(request: http::Request<B>) -> http::Request<WebhookBody<B>> {
    /// // in tower: ServiceBuilder::new().map_request(|request: Request<Incoming>| …).layer(webhooks)
    /// request.map(WebhookBody::new)
    /// # }
    /// ```
    pub struct WebhookBody<B> {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<B> {
        Arriving { #[pin] body: B },
        Whole { body: Full<Bytes> },
    }
}

impl<B> WebhookBody<B> {
    /// A body that is still arriving.
    pub fn new(body: B) -> Self {
        WebhookBody { state: State::Arriving { body } }
    }
}

impl<B> From<Bytes> for WebhookBody<B> {
    fn from(bytes: Bytes) -> Self {
        WebhookBody { state: State::Whole { body: Full::new(bytes) } }
    }
}

impl<B: Body<Data = Bytes>> Body for WebhookBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().state.project() {
            StateProjection::Arriving { body } => body.poll_frame(cx),
            StateProjection::Whole { body } => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Arriving { body } => body.is_end_stream(),
            State::Whole { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Arriving { body } => body.size_hint(),
            State::Whole { body } => body.size_hint(),
        }
    }
}

/// Shows no byte of the body.
impl<B> fmt::Debug for WebhookBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = matches!(self.state, State::Whole { .. });
        f.debug_struct("WebhookBody").field("whole", &whole).finish_non_exhaustive()
    }
}
