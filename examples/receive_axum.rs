//! Receives webhooks of two providers in one axum application, and prints what it verified.
//!
//! ```text
//! IPTVBP_SECRET=… STRIPE_SECRET=whsec_… cargo run -p countersign-examples --bin receive_axum
//! ```
//!
//! It listens on 127.0.0.1:3000, or where `LISTEN` says; `post` sends it something.

use std::{env, error::Error};

use axum::{Router, http::StatusCode, routing::post};
use countersign::{Keyring, Scheme, Verifier, catalog};
use countersign_axum::{VerifiedBody, Webhook, WebhookLayer};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;

/// The part of a Stripe object that is of interest here: every object has it.
#[derive(Deserialize)]
struct Object {
    object: String,
}

/// IPTVbp: any data of any event type.
async fn billing(verified: VerifiedBody, Webhook(event): Webhook<Value>) -> StatusCode {
    let (id, kind) = (event.id.unwrap_or_default(), event.event_type.unwrap_or_default());
    println!("iptvbp: {kind} {id}, {} bytes, key {:?}", verified.bytes().len(), verified.key_label());
    StatusCode::OK
}

/// Stripe: data of a type of ours.
async fn payments(verified: VerifiedBody, Webhook(event): Webhook<Object>) -> StatusCode {
    let (id, kind) = (event.id.unwrap_or_default(), event.event_type.unwrap_or_default());
    println!(
        "stripe: {kind} {id} about a {}, once as {}",
        event.data.object,
        verified.idempotency_key().as_str()
    );
    StatusCode::OK
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let app = Router::new()
        .route("/webhooks/iptvbp", post(billing).layer(layer(catalog::IPTVBP, "IPTVBP_SECRET")?))
        .route("/webhooks/stripe", post(payments).layer(layer(catalog::STRIPE, "STRIPE_SECRET")?));
    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// The layer of a provider, with the secret that stands in the environment: one, or several with
/// commas between them, the current one first.
fn layer(scheme: Scheme, variable: &str) -> Result<WebhookLayer, String> {
    let title = scheme.title.clone();
    let secrets =
        env::var(variable).map_err(|_| format!("set {variable} to the secret that {title} shows"))?;
    let keys = Keyring::new(&scheme, secrets.split(',')).map_err(|error| format!("{variable}: {error}"))?;
    let verifier = Verifier::builder(scheme).keys(keys).build().map_err(|error| error.to_string())?;
    Ok(WebhookLayer::new(verifier))
}
