//! Receives webhooks with hyper and tower, without a framework.
//!
//! ```text
//! SECRET=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD cargo run -p countersign-examples --bin receive_tower
//! ```
//!
//! It listens on 127.0.0.1:3000, or where `LISTEN` says; `post standard-webhooks http://…` sends it
//! something.

use std::{convert::Infallible, env, error::Error};

use bytes::Bytes;
use countersign::{Keyring, Verifier, catalog};
use countersign_tower::{Verified, WebhookBody, WebhookLayer};
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// Called for verified requests alone.
async fn handle(request: Request<WebhookBody<Incoming>>) -> Result<Response<Full<Bytes>>, Infallible> {
    if let Some(verified) = request.extensions().get::<Verified>() {
        let kind = verified.event_type().ok().flatten().unwrap_or_default();
        println!("{kind}: {} bytes, once as {}", verified.body().len(), verified.idempotency_key());
    }
    Ok(Response::new(Full::default()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let secret = env::var("SECRET").map_err(|_| "set SECRET to the endpoint's secret, whsec_…")?;
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, [secret])?;
    let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build()?;
    let service = ServiceBuilder::new()
        // hyper's body can't be made from bytes; this one can.
        .map_request(|request: Request<Incoming>| request.map(WebhookBody::new))
        .layer(WebhookLayer::new(verifier))
        .service_fn(handle);

    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        let mut server = http1::Builder::new();
        // Without a timer, headers may take for ever.
        server.timer(TokioTimer::new());
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}
