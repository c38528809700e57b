//! The service: refuses, answers, or calls the inner service.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use countersign::RequestView;
use countersign_receive::{HasClaim, Incoming, Next, Receiver, Verified};
use http::{Request, Response, Uri, request::Parts};
use http_body::Body;
use tower_service::Service;

use crate::{
    body::{BoxError, Pieces, declared_length},
    future::ResponseFuture,
    reply,
};

/// Service that calls the inner one for verified webhooks, and for nothing else.
///
/// Made by [`WebhookLayer`](crate::WebhookLayer). Bodies and errors keep the types that the inner
/// service has.
#[derive(Clone, Debug)]
pub struct WebhookService<S> {
    inner: S,
    receiver: Arc<Receiver<Parts>>,
    original_uri: fn(&Parts) -> &Uri,
}

impl<S> WebhookService<S> {
    pub(crate) fn new(inner: S, receiver: Arc<Receiver<Parts>>, original_uri: fn(&Parts) -> &Uri) -> Self {
        WebhookService { inner, receiver, original_uri }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, for changes.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service itself.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, RB> Service<Request<B>> for WebhookService<S>
where
    S: Service<Request<B>, Response = Response<RB>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + From<Bytes> + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    RB: From<Bytes> + Send,
{
    type Response = Response<RB>;
    type Error = S::Error;
    type Future = ResponseFuture<RB, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to be called: a clone of it need not be.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let (receiver, original_uri) = (self.receiver.clone(), self.original_uri);
        // Outside of the future, which would keep room for the request besides that for its halves.
        let (parts, body) = request.into_parts();
        ResponseFuture::new(async move {
            let next = {
                let incoming = show(&parts, &body, original_uri);
                // Boxed by itself: as one, they would be larger than what allocators are fast at.
                Box::pin(receiver.receive(&incoming, Pieces::new(body))).await
            };
            let (verified, handling) = match next {
                Next::Handle(verified, handling) => (verified, handling),
                Next::Answer(answer) => return Ok(reply::response(answer, parts.version)),
            };
            let response =
                handling.run(|| inner.call(hand_over(parts, verified, handling.holds_claim()))).await?;
            handling.finish(response.status().as_u16()).await;
            Ok(response)
        })
    }
}

/// The request as the receiver sees it.
fn show<'a>(parts: &'a Parts, body: &impl Body, original_uri: fn(&Parts) -> &Uri) -> Incoming<'a, Parts> {
    let target = original_uri(parts).path_and_query().map_or("/", |target| target.as_str());
    Incoming {
        parts,
        request: RequestView { method: parts.method.as_str(), target, headers: &parts.headers },
        declared_length: declared_length(&parts.headers, body),
        claimed: parts.extensions.get::<HasClaim>().and_then(|_| parts.extensions.get()),
    }
}

/// The request as it arrived, with its proof.
fn hand_over<B: From<Bytes>>(mut parts: Parts, verified: Verified, has_claim: bool) -> Request<B> {
    let body = verified.body_ref().clone();
    parts.extensions.insert(verified);
    if has_claim {
        parts.extensions.insert(HasClaim);
    }
    Request::from_parts(parts, B::from(body))
}
