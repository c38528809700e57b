//! Answers at once, handles later: events are stored in SQLite, and a worker handles each once.
//!
//! ```text
//! SECRET=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD cargo run -p countersign-examples --bin inbox
//! ```
//!
//! It listens on 127.0.0.1:3000, or where `LISTEN` says, and keeps everything in `webhooks.db`, or where
//! `DATABASE` says. `post standard-webhooks http://…` sends it something. Kill it whenever you like.

use std::{env, error::Error, time::Duration};

use axum::{Router, routing::post};
use countersign::{Keyring, Verifier, catalog};
use countersign_axum::WebhookLayer;
use countersign_inbox::{HandlerError, Inbox, InboxEvent, InboxWorker};
use countersign_sql::{Occurrence, SqliteStore};
use sqlx::SqlitePool;
use tokio::{net::TcpListener, signal, sync::watch};

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Books the event. The booking and the record of the event are one transaction: if the process ends
/// here, neither is written, and the event is handled again; if it ends later, the record is found.
async fn book(event: InboxEvent, store: SqliteStore, pool: SqlitePool) -> Result<(), HandlerError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if let Occurrence::First = store.claim_in(&mut transaction, event.key(), WEEK).await? {
        let booking = sqlx::query("INSERT INTO bookings (event, type) VALUES (?, ?)");
        booking.bind(event.key()).bind(event.event_type()).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    println!("handled {} {}", event.event_type().unwrap_or_default(), event.key());
    Ok(())
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

    let inbox = Inbox::new(store.clone());
    let layer = WebhookLayer::new(verifier).inbox(inbox.clone());
    // Never called: the layer answers once the event is stored.
    let app = Router::new().route("/hooks", post(|| async {}).layer(layer));
    let worker = InboxWorker::new(inbox, move |event| book(event, store.clone(), pool.clone()));

    let (stop, stopped) = watch::channel(());
    let until = |mut stopped: watch::Receiver<()>| async move { stopped.changed().await.unwrap_or_default() };
    let worker = tokio::spawn(worker.run(until(stopped.clone())));
    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let server =
        tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(until(stopped)).into_future());

    signal::ctrl_c().await?;
    stop.send(())?;
    server.await??;
    Ok(worker.await?)
}
