//! Sends webhooks from many machines over one PostgreSQL: any of them enqueues, any of them delivers.
//!
//! ```text
//! DATABASE_URL=postgres://… SECRET=whsec_… cargo run -p countersign-examples --bin send_postgres http://127.0.0.1:3000/hooks
//! ```
//!
//! It enqueues three events, which two dispatchers share: here they are two tasks, with you two machines.

use std::{env, error::Error, time::Duration};

use countersign_dispatch::{Dispatcher, Outbox};
use countersign_sql::PgStore;
use countersign_store::outbox::{Endpoint, EndpointKey, NewMessage, OutboxStore};
use countersign_transport::{Policy, Transport};
use sqlx::PgPool;
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let url = env::args().nth(1).ok_or("usage: DATABASE_URL=… SECRET=… send_postgres <url>")?;
    let database = env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL to postgres://…")?;
    let pool = PgPool::connect(&database).await?;
    let store = PgStore::new(pool.clone());
    store.migrate().await?;

    let mut endpoint = Endpoint::new("ep_1", url, "standard-webhooks");
    let secret = env::var("SECRET").map_err(|_| "set SECRET to the endpoint's secret, whsec_…")?;
    endpoint.keys.push(EndpointKey::new("2026-11", secret));
    store.put_endpoint(&endpoint).await?;

    // Each has an outbox of its own, as on another machine. They hear of each other's messages.
    let nodes = [Outbox::new(store.clone()), Outbox::new(store.clone())];
    let node = |number: usize| {
        let outbox = nodes[number].clone();
        let policy =
            Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse()?);
        let transport = Transport::builder().policy(policy).build()?;
        Ok::<_, Box<dyn Error>>(Dispatcher::new(outbox.clone(), transport).run(all_settled(outbox)))
    };

    let mut transaction = pool.begin().await?;
    let messages =
        [1, 2, 3].map(|number| NewMessage::new("invoice.paid", format!(r#"{{"number":{number}}}"#)));
    let enqueued = store.enqueue_in(&mut transaction, &messages).await?;
    transaction.commit().await?;
    println!("enqueued {}", enqueued.len());

    tokio::join!(node(0)?, node(1)?);
    println!("nothing is left to deliver");
    Ok(())
}

/// Ready once nothing waits. An application gives its own signal to stop instead.
async fn all_settled(outbox: Outbox<PgStore>) {
    while !matches!(outbox.store().next_due().await, Ok(None)) {
        sleep(Duration::from_millis(50)).await;
    }
}
