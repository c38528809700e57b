//! The layer and the extractors in axum's own server.

use std::{net::TcpListener, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, request::Parts},
    routing::post,
};
use bytes::Bytes;
use countersign_axum::{VerifiedBody, WebhookLayer, original_uri};
use countersign_store::MemoryStore;
use tower::util::option_layer;

use super::Stop;
use crate::{endpoint::Endpoint, handler::Handler};

pub(super) fn serve(
    listener: TcpListener,
    endpoint: &Endpoint,
    store: &Arc<MemoryStore>,
    handler: Handler,
) -> Stop {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let layer = WebhookLayer::from(endpoint.receiver(store.clone(), path)).original_uri(original_uri);
    let around = endpoint.around(store.clone(), path);
    let around = around.map(|around| WebhookLayer::from(around).original_uri(original_uri));
    let app = Router::new()
        .route("/", post(handle))
        .route("/{tenant}", post(handle))
        .route_layer(layer)
        .layer(option_layer(around))
        .with_state(handler);
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    Stop::new(move || serving.abort())
}

fn path(request: &Parts) -> &str {
    request.uri.path()
}

async fn handle(State(handler): State<Handler>, verified: VerifiedBody, body: Bytes) -> StatusCode {
    assert_eq!(verified.bytes(), &body);
    StatusCode::from_u16(handler.handle(body).await).unwrap()
}
