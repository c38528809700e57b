//! Signing what an application sends.

use std::{
    error::Error as StdError,
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use countersign::{Message, Signer};
use countersign_receive::unix_seconds;
use http::{HeaderName, HeaderValue, Request, header::CONTENT_LENGTH, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::BoxError;

/// Layer that signs requests on their way out, by the scheme by which the receiver verifies them.
///
/// For senders without a queue: it signs, and does no more. A request that isn't answered 2xx is the
/// caller's to send again, with the same [`Outgoing`], so that the receiver knows the copy.
///
/// It takes the place of any header that the scheme writes. The body is read whole, signed, and sent
/// as it was signed.
///
/// ```
/// use bytes::Bytes;
/// use countersign::{Keyring, Signer, catalog};
/// use countersign_tower::{Outgoing, SignLayer};
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower::BoxError> {
/// let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])?;
/// let signer = Signer::new(&catalog::STANDARD_WEBHOOKS, keys)?;
/// // In place of this function: the client of hyper-util, or any other tower service.
/// let client = service_fn(|request: Request<Full<Bytes>>| async move {
///     assert_eq!(request.headers()["webhook-id"], "msg_1");
///     assert!(request.headers().contains_key("webhook-signature"));
///     Ok::<_, tower::BoxError>(Response::new(()))
/// });
/// let client = ServiceBuilder::new().layer(SignLayer::new(signer)).service(client);
///
/// let request = Request::post("https://example.com/hooks").extension(Outgoing::new("msg_1"));
/// client.oneshot(request.body(Full::from(r#"{"type":"invoice.paid"}"#))?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SignLayer {
    signer: Arc<Signer>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl SignLayer {
    /// A layer that signs as `signer` does.
    #[must_use]
    pub fn new(signer: Signer) -> Self {
        SignLayer { signer: Arc::new(signer), clock: Arc::new(unix_seconds) }
    }

    /// The clock, in Unix seconds: the system's by default.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    /// Writes the headers that make the request authentic.
    fn sign(&self, parts: &mut Parts, body: &[u8]) -> Result<(), BoxError> {
        let outgoing = parts.extensions.get::<Outgoing>().ok_or(NoMessageId)?;
        let message = Message {
            id: &outgoing.id,
            event_type: outgoing.event_type.as_deref(),
            body,
            method: parts.method.as_str(),
            url: &parts.uri.to_string(),
            headers: &[],
        };
        let signed = self.signer.sign(&message, (self.clock)())?;
        for (name, _) in &signed.headers {
            parts.headers.remove(name);
        }
        for (name, value) in &signed.headers {
            let name = HeaderName::from_bytes(name.as_bytes())?;
            parts.headers.append(name, HeaderValue::from_str(value)?);
        }
        Ok(())
    }
}

impl<S> Layer<S> for SignLayer {
    type Service = SignService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SignService { inner, layer: self.clone() }
    }
}

impl fmt::Debug for SignLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignLayer").field("signer", &self.signer).finish_non_exhaustive()
    }
}

/// What a message is called: an extension of the request that a [`SignLayer`] signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    id: String,
    event_type: Option<String>,
}

impl Outgoing {
    /// A message of this id: the same each time that it is sent, and no other message's.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Outgoing { id: id.into(), event_type: None }
    }

    /// The event type, for the schemes that write it in a header.
    #[must_use]
    pub fn event_type(mut self, event_type: impl Into<String>) -> Self {
        self.event_type = Some(event_type.into());
        self
    }
}

/// Error of a request without an [`Outgoing`] among its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NoMessageId;

impl fmt::Display for NoMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request has no message id: add `countersign_tower::Outgoing` to its extensions")
    }
}

impl StdError for NoMessageId {}

/// Service that signs requests. Made by [`SignLayer`].
#[derive(Clone, Debug)]
pub struct SignService<S> {
    inner: S,
    layer: SignLayer,
}

impl<S, B> Service<Request<B>> for SignService<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + From<Bytes> + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let body = body.collect().await.map_err(Into::into)?.to_bytes();
            layer.sign(&mut parts, &body)?;
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            inner.call(Request::from_parts(parts, B::from(body))).await.map_err(Into::into)
        })
    }
}
