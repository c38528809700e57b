//! The future of an answer.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;

/// The future of a [`WebhookService`](crate::WebhookService).
pub struct ResponseFuture<RB, E> {
    inner: Pin<Box<dyn Future<Output = Result<Response<RB>, E>> + Send>>,
}

impl<RB, E> ResponseFuture<RB, E> {
    pub(crate) fn new(inner: impl Future<Output = Result<Response<RB>, E>> + Send + 'static) -> Self {
        ResponseFuture { inner: Box::pin(inner) }
    }
}

impl<RB, E> Future for ResponseFuture<RB, E> {
    type Output = Result<Response<RB>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl<RB, E> fmt::Debug for ResponseFuture<RB, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
