//! The receivers on actix-web.

use std::{error::Error, net::TcpListener};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::StatusCode,
    rt::System,
    web::{Bytes, Data, ServiceConfig, post, resource},
};
use countersign::{Scheme, catalog};
use countersign_actix::{VerifiedBody, Webhook, Webhooks};

use super::{PATIENCE, store, verifier};
use crate::by_hand::{self, ByHand, Object};

pub(super) fn serve(listener: TcpListener) -> Result<(), Box<dyn Error>> {
    let stripe = middleware(catalog::STRIPE);
    let standard = middleware(catalog::STANDARD_WEBHOOKS);
    let verified = [
        ("/layer", stripe.clone()),
        ("/store", stripe.clone().idempotency(store())?),
        ("/standard", standard.clone()),
        ("/standard-store", standard.idempotency(store())?),
    ];
    let app = move || App::new().configure(|config| routes(config, &stripe, &verified));
    let server = HttpServer::new(app).workers(1).max_connections(100_000).listen(listener)?;
    Ok(System::new().block_on(server.run())?)
}

fn middleware(scheme: Scheme) -> Webhooks {
    Webhooks::new(verifier(scheme)).body_timeout(PATIENCE).idle_timeout(PATIENCE)
}

fn routes(config: &mut ServiceConfig, stripe: &Webhooks, verified: &[(&str, Webhooks)]) {
    // Looked through in this order: what is compared stands side by side.
    config.app_data(Data::new(ByHand::new())).route("/bare", post().to(bare)).route("/hand", post().to(hand));
    for (path, webhooks) in verified {
        config.service(resource(*path).wrap(webhooks.clone()).route(post().to(ok)));
    }
    config
        .route("/hand-json", post().to(hand_json))
        .service(resource("/webhook").wrap(stripe.clone()).route(post().to(webhook)));
}

async fn bare(_: Bytes) -> HttpResponse {
    HttpResponse::new(StatusCode::OK)
}

async fn hand(stripe: Data<ByHand>, request: HttpRequest, body: Bytes) -> HttpResponse {
    match accepts(&stripe, &request, &body) {
        true => HttpResponse::new(StatusCode::OK),
        false => HttpResponse::new(StatusCode::UNAUTHORIZED),
    }
}

async fn hand_json(stripe: Data<ByHand>, request: HttpRequest, body: Bytes) -> HttpResponse {
    if !accepts(&stripe, &request, &body) {
        return HttpResponse::new(StatusCode::UNAUTHORIZED);
    }
    by_hand::is_invoice(&body).map_or_else(|| HttpResponse::new(StatusCode::BAD_REQUEST), found)
}

fn accepts(stripe: &ByHand, request: &HttpRequest, body: &[u8]) -> bool {
    let header = request.headers().get("stripe-signature");
    stripe.accepts(header.and_then(|value| value.to_str().ok()), body)
}

async fn ok(_: VerifiedBody) -> HttpResponse {
    HttpResponse::new(StatusCode::OK)
}

async fn webhook(Webhook(event): Webhook<Object>) -> HttpResponse {
    found(event.data.is_invoice())
}

fn found(is: bool) -> HttpResponse {
    HttpResponse::new(if is { StatusCode::OK } else { StatusCode::NOT_FOUND })
}
