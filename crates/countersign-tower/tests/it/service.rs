//! What tower expects of a service.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use countersign_tower::{WebhookLayer, WebhookService};
use http::{Request, Response};
use http_body_util::Full;
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn, util::option_layer,
};

use crate::support::{BODY, Calls, layer, refusal, request, send, signed, text};

#[tokio::test]
async fn a_verified_request_reaches_the_inner_service_unchanged() {
    let (response, calls) = send(&layer(), request(&signed(BODY), BODY)).await;
    assert_eq!(text(response).await, "done");
    assert_eq!(calls.count(), 1);
    let call = calls.last();
    assert_eq!(call.body, BODY);
    assert_eq!(call.headers["webhook-id"], "msg_1");
    assert_eq!(call.verified.body(), BODY);
    assert_eq!(call.verified.idempotency_key().as_str(), "standard-webhooks/msg_1");
}

#[tokio::test]
async fn a_body_of_one_piece_is_not_copied() {
    let body = Bytes::copy_from_slice(BODY);
    let (_, calls) = send(&layer(), request(&signed(BODY), body.clone())).await;
    assert_eq!(calls.last().body.as_ptr(), body.as_ptr());
    assert_eq!(calls.last().verified.body().as_ptr(), body.as_ptr());
}

#[tokio::test]
async fn an_empty_body_is_verified_as_any_other() {
    let (response, _) = send(&layer(), request(&signed(b""), Bytes::new())).await;
    assert_eq!(response.status(), 200);
    assert_eq!(refusal(&layer(), request(&signed(b""), BODY)).await.0, 401);
}

/// The layer must call the service that said it was ready. A clone of a `ConcurrencyLimit` isn't
/// ready, and panics when it is called.
#[tokio::test]
async fn the_ready_service_is_called_under_a_concurrency_limit() {
    let calls = Calls::default();
    let noting = calls.clone();
    let mut service = ServiceBuilder::new()
        .layer(layer())
        .layer(ConcurrencyLimitLayer::new(1))
        .service_fn(move |request: Request<Full<Bytes>>| noting.clone().note(request));
    for _ in 0..3 {
        let response = service.ready().await.unwrap().call(request(&signed(BODY), BODY)).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    // A refused request gives its place back.
    service.ready().await.unwrap().call(request(&[], BODY)).await.unwrap();
    service.ready().await.unwrap().call(request(&signed(BODY), BODY)).await.unwrap();
    assert_eq!(calls.count(), 4);
}

/// A service that counts how often it was called without having been polled ready since.
#[derive(Debug, Default)]
struct Strict {
    ready: bool,
    violations: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Strict { ready: false, violations: self.violations.clone() }
    }
}

impl Service<Request<Full<Bytes>>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        self.violations.fetch_add(usize::from(!std::mem::take(&mut self.ready)), Ordering::Relaxed);
        std::future::ready(Ok(Response::new(Full::default())))
    }
}

#[tokio::test]
async fn readiness_is_asked_of_the_service_that_is_called() {
    let strict = Strict::default();
    let mut service = layer().layer(strict.clone());
    for _ in 0..3 {
        service.ready().await.unwrap().call(request(&signed(BODY), BODY)).await.unwrap();
    }
    assert_eq!(strict.violations.load(Ordering::Relaxed), 0);
}

#[derive(Debug, PartialEq, Eq)]
struct Own(&'static str);

#[tokio::test]
async fn errors_of_the_inner_service_pass_through_with_their_type() {
    let failing =
        service_fn(|_: Request<Full<Bytes>>| async { Err::<Response<Full<Bytes>>, _>(Own("failed")) });
    let error = layer().layer(failing).oneshot(request(&signed(BODY), BODY)).await.unwrap_err();
    assert_eq!(error, Own("failed"));
    let refused = layer().layer(failing).oneshot(request(&[], BODY)).await.unwrap();
    assert_eq!(refused.status(), 401);
}

#[tokio::test]
async fn it_can_be_optional() {
    for (layer, status) in [(None, 200), (Some(layer()), 401)] {
        let inner = service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let service = ServiceBuilder::new().layer(option_layer(layer)).service(inner);
        assert_eq!(service.oneshot(request(&[], BODY)).await.unwrap().status(), status);
    }
}

#[test]
fn its_types_are_what_servers_need() {
    fn fits<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
    fn sends<T: Send>(_: T) {}
    fits::<WebhookLayer>();
    fits::<WebhookService<Strict>>();
    fits::<countersign_tower::Verified>();
    fits::<countersign_tower::Rejection>();
    sends(layer().layer(Strict::default()).call(request(&[], BODY)));
}
