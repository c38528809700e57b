//! Bodies, as they arrive and as the inner service gets them.

use std::{
    error::Error as StdError,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use countersign::ErrorKind;
use countersign_receive::BodySource;
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Full, LengthLimitError};
use pin_project_lite::pin_project;

/// What a body may fail with.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

pin_project! {
    /// A body that is read piece by piece. Trailers are passed over.
    pub(crate) struct Pieces<B> {
        #[pin]
        body: B,
    }
}

impl<B> Pieces<B> {
    pub(crate) fn new(body: B) -> Self {
        Pieces { body }
    }
}

impl<B> BodySource for Pieces<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ErrorKind>>> {
        self.project().body.poll_frame(cx).map(|frame| Some(frame?.map(data_of).map_err(kind_of)))
    }

    fn is_at_end(&self) -> bool {
        self.body.is_end_stream()
    }
}

fn data_of<D: Buf>(frame: Frame<D>) -> Bytes {
    frame.into_data().map_or_else(|_| Bytes::new(), |mut data| data.copy_to_bytes(data.remaining()))
}

/// How many bytes the request says that its body has, at least.
pub(crate) fn declared_length(headers: &HeaderMap, body: &impl Body) -> u64 {
    let header = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    header.unwrap_or(0).max(body.size_hint().lower())
}

/// Why a body broke off: a limit that stands before this layer, or the connection.
fn kind_of(error: impl Into<BoxError>) -> ErrorKind {
    let error = error.into();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return ErrorKind::BodyTooLarge;
        }
        cause = error.source();
    }
    ErrorKind::BodyIncomplete
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
