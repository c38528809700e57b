//! The tower layer on hyper.

use std::{convert::Infallible, net::TcpListener, sync::Arc};

use bytes::Bytes;
use countersign_sql::SqliteStore;
use countersign_store::MemoryStore;
use countersign_tower::{Verified, WebhookBody, WebhookLayer};
use http::{Request, Response, request::Parts};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tower::ServiceBuilder;

use super::Stop;
use crate::{endpoint::Endpoint, handler::Handler};

/// The layer that handles each event once.
pub(super) fn claiming(endpoint: &Endpoint, store: &Arc<MemoryStore>) -> WebhookLayer {
    endpoint.receiver(store.clone(), path).into()
}

/// The layer around it.
pub(super) fn around(endpoint: &Endpoint, store: &Arc<MemoryStore>) -> Option<WebhookLayer> {
    endpoint.around(store.clone(), path).map(WebhookLayer::from)
}

/// The layer that stores events for later.
pub(super) fn storing(endpoint: &Endpoint, store: &SqliteStore) -> WebhookLayer {
    endpoint.inbox(store.clone(), path).into()
}

fn path(request: &Parts) -> &str {
    request.uri.path()
}

pub(super) fn serve(
    listener: TcpListener,
    around: Option<WebhookLayer>,
    layer: WebhookLayer,
    handler: Handler,
) -> Stop {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let service = ServiceBuilder::new()
        .map_request(|request: Request<Incoming>| request.map(WebhookBody::new))
        .option_layer(around)
        .layer(layer)
        .service_fn(move |request| handle(handler.clone(), request));
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    Stop::new(move || accepting.abort())
}

async fn handle(
    handler: Handler,
    request: Request<WebhookBody<Incoming>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let verified: &Verified = parts.extensions.get().unwrap();
    assert_eq!(verified.body(), body);
    let status = handler.handle(body).await;
    Ok(Response::builder().status(status).body(Full::default()).unwrap())
}
