//! Sends what is true when it is delivered: the message names an invoice, and its payload is made of the
//! invoice's row at each attempt.
//!
//! ```text
//! SECRET=whsec_… cargo run -p countersign-examples --bin late_payload http://127.0.0.1:3000/hooks
//! ```

use std::{env, error::Error, time::Duration};

use bytes::Bytes;
use countersign_dispatch::{Dispatcher, Outbox, PayloadSource};
use countersign_sql::SqliteStore;
use countersign_store::outbox::{Endpoint, EndpointKey, Message, NewMessage, OutboxStore, Page, Payload};
use countersign_transport::{Policy, Transport};
use sqlx::SqlitePool;
use tokio::time::sleep;

/// Makes payloads of the rows of `invoices`. Of a row that was deleted there is none: its delivery is cancelled.
struct Invoices(SqlitePool);

impl PayloadSource for Invoices {
    async fn render(
        &self,
        message: &Message,
        invoice: &str,
        _: &Endpoint,
        _: u32,
    ) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        let state: Option<String> = sqlx::query_scalar("SELECT state FROM invoices WHERE id = ?")
            .bind(invoice)
            .fetch_optional(&self.0)
            .await?;
        Ok(state.map(|state| {
            let data = serde_json::json!({"id": invoice, "state": state});
            serde_json::json!({"type": message.event_type, "data": data}).to_string().into()
        }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let url = env::args().nth(1).ok_or("usage: SECRET=… late_payload <url>")?;
    let file = env::var("DATABASE").unwrap_or_else(|_| "webhooks.db".to_owned());
    let outbox = Outbox::new(SqliteStore::open(&file).await?);
    let mut endpoint = Endpoint::new("ep_1", url, "standard-webhooks");
    let secret = env::var("SECRET").map_err(|_| "set SECRET to the endpoint's secret, whsec_…")?;
    endpoint.keys.push(EndpointKey::new("1", secret));
    outbox.store().put_endpoint(&endpoint).await?;

    let pool = SqlitePool::connect(&format!("sqlite:{file}")).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS invoices (id TEXT, state TEXT)").execute(&pool).await?;
    sqlx::query("INSERT INTO invoices VALUES ('in_1', 'open')").execute(&pool).await?;
    let updated = NewMessage::new("invoice.updated", Payload::Reference("in_1".to_owned()));
    outbox.enqueue(&[updated]).await?;
    // It changes once more before anything is delivered, and that is what arrives.
    sqlx::query("UPDATE invoices SET state = 'paid'").execute(&pool).await?;

    let policy = Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse()?);
    let transport = Transport::builder().policy(policy).build()?;
    let dispatcher = Dispatcher::new(outbox.clone(), transport).payload_source(Invoices(pool));
    dispatcher.run(all_settled(&outbox)).await;
    for attempt in outbox.store().attempts(1, &Page::default()).await?.into_iter().rev() {
        println!("sent {}", String::from_utf8_lossy(&attempt.payload.unwrap_or_default()));
    }
    Ok(())
}

/// Ready once nothing waits. An application gives its own signal to stop instead.
async fn all_settled(outbox: &Outbox<SqliteStore>) {
    while !matches!(outbox.store().next_due().await, Ok(None)) {
        sleep(Duration::from_millis(50)).await;
    }
}
