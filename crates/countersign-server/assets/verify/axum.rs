use axum::{Router, http::StatusCode, routing::post};
use countersign::{Keyring, Verifier, catalog};
use countersign_axum::{VerifiedBody, WebhookLayer};

fn webhooks(secret: &str) -> Result<Router, Box<dyn std::error::Error>> {
    let scheme = catalog::find("standard-webhooks").ok_or("no such scheme")?.clone();
    let keys = Keyring::new(&scheme, [secret])?;
    let verifier = Verifier::builder(scheme).keys(keys).build()?;
    Ok(Router::new().route("/hooks", post(receive)).route_layer(WebhookLayer::new(verifier)))
}

/// Nothing but verified requests comes here.
async fn receive(verified: VerifiedBody) -> StatusCode {
    println!("{} bytes, event {}", verified.bytes().len(), verified.idempotency_key().as_str());
    StatusCode::OK
}
