//! One endpoint for many tenants, each with its own secret, which is looked up at each request.
//!
//! ```text
//! cargo run -p countersign-examples --bin multi_tenant
//! SECRET=secret-of-acme-0001 post panel http://127.0.0.1:3000/hooks/acme
//! ```

use std::{collections::HashMap, convert::Infallible, env, error::Error, sync::Arc};

use axum::{
    RequestPartsExt, Router,
    extract::Path,
    http::{StatusCode, request::Parts},
    routing::post,
};
use countersign::{Key, Keyring, Verifier, catalog};
use countersign_axum::{VerifiedBody, WebhookLayer};
use tokio::{net::TcpListener, sync::RwLock};

/// Stands for the application's database.
type Tenants = Arc<RwLock<HashMap<String, Arc<Keyring>>>>;

async fn handler(verified: VerifiedBody) -> StatusCode {
    // The tenant is the one whose key matched. Nothing of it comes from the body.
    println!("{}: event {}", verified.tenant().unwrap_or("?"), verified.idempotency_key().as_str());
    StatusCode::OK
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let tenants = Tenants::default();
    for (tenant, secret) in [("acme", "secret-of-acme-0001"), ("globex", "secret-of-globex-0001")] {
        tenants.write().await.insert(tenant.to_owned(), Arc::new(keys(tenant, secret)?));
    }

    let verifier = Verifier::builder(catalog::PANEL).keys(Keyring::by_request(&catalog::PANEL)?).build()?;
    let layer =
        WebhookLayer::new(verifier).resolve_keys(move |request: &Parts| find(tenants.clone(), request));
    let app = Router::new().route("/hooks/{tenant}", post(handler)).route_layer(layer);

    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

fn keys(tenant: &str, secret: &str) -> Result<Keyring, countersign::KeyError> {
    Keyring::builder(&catalog::PANEL).key(Key::new("current", secret)).tenant(tenant).build()
}

/// The keys of the tenant in the path; `None` where there is no such tenant.
fn find(
    tenants: Tenants,
    request: &Parts,
) -> impl Future<Output = Result<Option<Arc<Keyring>>, Infallible>> + Send + use<> {
    let mut request = request.clone();
    async move {
        let Ok(Path(tenant)) = request.extract::<Path<String>>().await else { return Ok(None) };
        Ok(tenants.read().await.get(&tenant).cloned())
    }
}
