//! The receiver of `tests/interop`: verifies what official SDKs have signed.
//!
//! Its one argument is a JSON file, `{"<scheme>": "<secret>"}`. It listens on a free port of the
//! loopback, says which on its first line, and answers `POST /<scheme>` with 200 or 401.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    io::{Write, stdout},
};

use axum::{Router, http::StatusCode, routing::post};
use countersign::{Keyring, Verifier, catalog};
use countersign_axum::{VerifiedBody, WebhookLayer, original_uri};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let path = env::args().nth(1).ok_or("usage: interop_server <secrets.json>")?;
    let secrets: BTreeMap<String, String> = serde_json::from_slice(&fs::read(path)?)?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let mut app = Router::new();
    for (name, secret) in &secrets {
        let layer = layer(name, secret, &origin).map_err(|error| format!("{name}: {error}"))?;
        app = app.route(&format!("/{name}"), post(accept).layer(layer));
    }
    println!("listening on {origin}");
    stdout().flush()?;
    Ok(axum::serve(listener, app).await?)
}

async fn accept(_: VerifiedBody) -> StatusCode {
    StatusCode::OK
}

fn layer(name: &str, secret: &str, origin: &str) -> Result<WebhookLayer, Box<dyn Error>> {
    let scheme = catalog::find(name).ok_or("there is no such scheme")?.clone();
    let keys = Keyring::new(&scheme, [secret])?;
    let url = format!("{origin}/{name}");
    let verifier = Verifier::builder(scheme).keys(keys).public_url(url).build()?;
    Ok(WebhookLayer::new(verifier).original_uri(original_uri))
}
