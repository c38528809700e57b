//! The service: refuses, answers, or calls the inner service.

use std::{
    error::Error as StdError,
    mem,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use countersign::Outcome;
use http::{Request, Response, request::Parts};
use http_body::Body;
use tower_service::Service;
use tracing::Instrument;

use crate::{Verified, future::ResponseFuture, layer::Settings, observe, reply};

/// Service that calls the inner one for verified webhooks, and for nothing else.
///
/// Made by [`WebhookLayer`](crate::WebhookLayer). Bodies and errors keep the types that the inner
/// service has.
#[derive(Clone, Debug)]
pub struct WebhookService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> WebhookService<S> {
    pub(crate) fn new(inner: S, settings: Arc<Settings>) -> Self {
        WebhookService { inner, settings }
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
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
    RB: From<Bytes>,
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
        let settings = self.settings.clone();
        ResponseFuture::new(async move {
            let (parts, body) = request.into_parts();
            let now = (settings.clock)();
            let scheme = settings.verifier.scheme();
            let span = observe::span(scheme);
            let outcome = {
                // Pinned first: the future is large, and would be moved into what instruments it.
                let receiving = pin!(settings.receive(&parts, body, now, &span));
                receiving.instrument(span.clone()).await
            };
            observe::record(&span, &outcome, now);
            match outcome {
                Ok(Outcome::Event(verified)) => inner.call(hand_over(parts, verified)).await,
                Ok(Outcome::Handshake(greeting)) => Ok(reply::greet(greeting, scheme, &parts)),
                Err(error) => Ok(reply::refuse(error, scheme, &parts)),
            }
        })
    }
}

/// The request as it arrived, with its proof.
fn hand_over<B: From<Bytes>>(mut parts: Parts, verified: Verified) -> Request<B> {
    let body = verified.body_ref().clone();
    parts.extensions.insert(verified);
    Request::from_parts(parts, B::from(body))
}
