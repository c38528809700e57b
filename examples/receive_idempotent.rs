//! Handles each event once, within the request: the booking and the record of the event are one
//! transaction of the application's own database.
//!
//! ```text
//! SECRET=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD cargo run -p countersign-examples --bin receive_idempotent
//! ```
//!
//! It listens on 127.0.0.1:3000, or where `LISTEN` says, and keeps everything in `webhooks.db`, or where
//! `DATABASE` says. `post standard-webhooks http://…` sends it something; sent again, it changes nothing.

use std::{env, error::Error, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use countersign::{Keyring, Verifier, catalog};
use countersign_axum::{VerifiedBody, WebhookLayer};
use countersign_sql::{Occurrence, SqliteStore};
use sqlx::SqlitePool;
use tokio::net::TcpListener;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

#[derive(Clone)]
struct App {
    store: SqliteStore,
    pool: SqlitePool,
}

async fn handler(State(app): State<App>, verified: VerifiedBody) -> StatusCode {
    match book(&app, &verified).await {
        Ok(Occurrence::First) => StatusCode::CREATED,
        Ok(Occurrence::Repeated(_)) => StatusCode::OK,
        Err(error) => {
            tracing::error!(%error, "the event could not be booked");
            StatusCode::INTERNAL_SERVER_ERROR // the provider sends it again
        }
    }
}

async fn book(app: &App, verified: &VerifiedBody) -> Result<Occurrence, Box<dyn Error + Send + Sync>> {
    let key = verified.idempotency_key();
    let mut transaction = app.pool.begin_with("BEGIN IMMEDIATE").await?;
    let occurrence = app.store.claim_in(&mut transaction, key.as_str(), WEEK).await?;
    if occurrence == Occurrence::First {
        let booking = sqlx::query("INSERT INTO bookings (event, type) VALUES (?, ?)");
        booking.bind(key.as_str()).bind(verified.event_type()?.as_deref()).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    println!("{occurrence:?}: {key}");
    Ok(occurrence)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let secret = env::var("SECRET").map_err(|_| "set SECRET to the endpoint's secret, whsec_…")?;
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, [secret])?;
    let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build()?;

    let file = env::var("DATABASE").unwrap_or_else(|_| "webhooks.db".to_owned());
    let store = SqliteStore::open(&file).await?;
    let pool = SqlitePool::connect(&format!("sqlite:{file}")).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS bookings (event TEXT, type TEXT)").execute(&pool).await?;

    let app = Router::new()
        .route("/hooks", post(handler).layer(WebhookLayer::new(verifier)))
        .with_state(App { store, pool });
    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
