//! Sends a webhook that arrives: it is enqueued in the transaction of the change that it tells of, and a
//! dispatcher delivers it, again and again where that is needed.
//!
//! ```text
//! SECRET=whsec_… cargo run -p countersign-examples --bin send http://127.0.0.1:3000/hooks
//! ```
//!
//! Everything is kept in `webhooks.db`, or where `DATABASE` says. Start it before its receiver, or kill it:
//! what is committed is delivered when both run.

use std::{env, error::Error, time::Duration};

use countersign_dispatch::{Dispatcher, Outbox, Schedule};
use countersign_sql::SqliteStore;
use countersign_store::outbox::{Endpoint, EndpointKey, NewMessage, OutboxStore};
use countersign_transport::{Policy, Transport};
use sqlx::SqlitePool;
use tokio::time::sleep;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let url = env::args().nth(1).ok_or("usage: SECRET=… send <url>")?;
    let file = env::var("DATABASE").unwrap_or_else(|_| "webhooks.db".to_owned());
    let outbox = Outbox::new(SqliteStore::open(&file).await?);

    let mut endpoint = Endpoint::new("ep_1", url, "standard-webhooks");
    endpoint.events = vec!["invoice.*".to_owned()];
    let secret = env::var("SECRET").map_err(|_| "set SECRET to the endpoint's secret, whsec_…")?;
    endpoint.keys.push(EndpointKey::new("2026-11", secret));
    // In earnest once, where its owner adds it: written again, one that was disabled is enabled.
    outbox.store().put_endpoint(&endpoint).await?;
    pay(&outbox, &SqlitePool::connect(&format!("sqlite:{file}")).await?).await?;

    // A receiver on this machine: without this, no address is dialled that isn't public, nor plain http.
    let policy = Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse()?);
    let transport = Transport::builder().policy(policy).build()?;
    let dispatcher = Dispatcher::new(outbox.clone(), transport);
    // A short schedule, to be watched. The default is ten attempts over three days.
    dispatcher.schedule(Schedule::new([Duration::from_secs(1); 30])).run(all_settled(&outbox)).await;
    Ok(())
}

/// The change, and the message that tells of it: both are committed, or neither is.
async fn pay(outbox: &Outbox<SqliteStore>, pool: &SqlitePool) -> Result {
    sqlx::query("CREATE TABLE IF NOT EXISTS invoices (amount INTEGER)").execute(pool).await?;
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("INSERT INTO invoices VALUES (4200)").execute(&mut *transaction).await?;
    let message = NewMessage::new("invoice.paid", r#"{"type":"invoice.paid","data":{"amount":4200}}"#);
    let enqueued = outbox.store().enqueue_in(&mut transaction, &[message]).await?;
    transaction.commit().await?;
    println!("enqueued {}", enqueued[0].id);
    Ok(())
}

/// Ready once nothing waits. An application gives its own signal to stop instead.
async fn all_settled(outbox: &Outbox<SqliteStore>) {
    while !matches!(outbox.store().next_due().await, Ok(None)) {
        sleep(Duration::from_millis(50)).await;
    }
    println!("nothing is left to deliver");
}
