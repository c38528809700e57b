//! The receivers on axum.

use std::{error::Error, net::TcpListener};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use countersign::{Scheme, catalog};
use countersign_axum::{VerifiedBody, Webhook, WebhookLayer};
use tokio::runtime::Builder;

use super::{PATIENCE, store, verifier};
use crate::by_hand::{self, ByHand, Object};

pub(super) fn serve(listener: TcpListener) -> Result<(), Box<dyn Error>> {
    listener.set_nonblocking(true)?;
    let app = app()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        Ok(axum::serve(listener, app).await?)
    })
}

fn app() -> Result<Router, Box<dyn Error>> {
    let by_hand = Router::new()
        .route("/bare", post(async |_: Bytes| StatusCode::OK))
        .route("/hand", post(hand))
        .route("/hand-json", post(hand_json))
        .with_state(ByHand::new());
    let stripe = layer(catalog::STRIPE);
    let webhook = Router::new().route("/webhook", post(webhook)).route_layer(stripe.clone());
    let standard = layer(catalog::STANDARD_WEBHOOKS);
    let app = by_hand
        .merge(webhook)
        .merge(verified("/store", stripe.clone().idempotency(store())?))
        .merge(verified("/layer", stripe))
        .merge(verified("/standard-store", standard.clone().idempotency(store())?))
        .merge(verified("/standard", standard));
    Ok(app)
}

fn layer(scheme: Scheme) -> WebhookLayer {
    WebhookLayer::new(verifier(scheme)).body_timeout(PATIENCE).idle_timeout(PATIENCE)
}

fn verified(path: &str, layer: WebhookLayer) -> Router {
    Router::new().route(path, post(async |_: VerifiedBody| StatusCode::OK)).route_layer(layer)
}

async fn hand(State(stripe): State<ByHand>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if accepts(&stripe, &headers, &body) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

async fn hand_json(State(stripe): State<ByHand>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !accepts(&stripe, &headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    by_hand::is_invoice(&body).map_or(StatusCode::BAD_REQUEST, found)
}

fn accepts(stripe: &ByHand, headers: &HeaderMap, body: &[u8]) -> bool {
    stripe.accepts(headers.get("stripe-signature").and_then(|value| value.to_str().ok()), body)
}

async fn webhook(Webhook(event): Webhook<Object>) -> StatusCode {
    found(event.data.is_invoice())
}

fn found(is: bool) -> StatusCode {
    if is { StatusCode::OK } else { StatusCode::NOT_FOUND }
}
