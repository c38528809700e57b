//! Receives webhooks with actix-web: each event once, and a handler for each type.
//!
//! ```text
//! SECRET=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD cargo run -p countersign-examples --bin receive_actix
//! ```
//!
//! It listens on 127.0.0.1:3000, or where `LISTEN` says; `post standard-webhooks http://…` sends it
//! something.

use std::{env, error::Error};

use actix_web::{App, HttpResponse, HttpServer, web};
use countersign::{Keyring, Verifier, catalog};
use countersign_actix::{EventRouter, VerifiedBody, Webhook, Webhooks};
use countersign_store::MemoryStore;
use serde_json::Value;

async fn paid(Webhook(event): Webhook<Value>) -> HttpResponse {
    println!("paid: {}", event.data);
    HttpResponse::Created().finish()
}

async fn other(verified: VerifiedBody) -> HttpResponse {
    println!("other: {}", verified.idempotency_key());
    HttpResponse::Ok().finish()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let secret = env::var("SECRET").map_err(|_| "set SECRET to the endpoint's secret, whsec_…")?;
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, [secret])?;
    let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build()?;
    // Made once, so that all workers share the store.
    let webhooks = Webhooks::new(verifier).idempotency(MemoryStore::new())?;

    let server = HttpServer::new(move || {
        let events = EventRouter::new().on("invoice.paid", paid).fallback(other);
        App::new().service(web::resource("/hooks").wrap(webhooks.clone()).to(events))
    });
    let server = server.workers(2).bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("listening on http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}
