//! F3: a database that stops under load.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use countersign_dispatch::{Dispatcher, Outbox, Schedule};
use countersign_sql::PgStore;
use countersign_store::outbox::{DeliveryFilter, DeliveryState, OutboxStore};
use sqlx::PgPool;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    postgres::{Server, pool},
    receiver::Receiver,
    running::Running,
    sender::message,
    support::{all_settled, endpoint, times, transport},
};

#[tokio::test(flavor = "multi_thread")]
async fn f3_a_postgresql_that_stops_at_once_loses_nothing_and_is_found_again_within_5_seconds() {
    let Some(mut server) = Server::start().await else { return };
    let (restarts, receiver) = (times("RESTARTS", 3), Receiver::start(Duration::from_millis(3)).await);
    let pool = pool(&server.url(), 8);
    let outbox = Outbox::new(PgStore::new(pool.clone()));
    outbox.store().migrate().await.unwrap();
    outbox.store().put_endpoint(&endpoint("ep", receiver.url())).await.unwrap();
    sqlx::query("CREATE TABLE changes (id TEXT PRIMARY KEY)").execute(&pool).await.unwrap();

    let (enough, told) = watch::channel(false);
    let application = tokio::spawn(enqueue(outbox.clone(), pool.clone(), told));
    let dispatcher = dispatch(&outbox);
    let mut longest = Duration::ZERO;
    for _ in 0..restarts {
        sleep(Duration::from_millis(700)).await;
        server.stop_immediately();
        sleep(Duration::from_millis(300)).await;
        server.start_again().await;
        longest = longest.max(until_something_arrives(&receiver).await);
    }
    enough.send(true).unwrap();
    let acknowledged = application.await.unwrap();
    dispatcher.stop().await;
    drain(&outbox, &pool).await;

    let arrived = receiver.arrived();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !arrived.contains_key(*id)).collect();
    let committed: Vec<String> = sqlx::query_scalar("SELECT id FROM changes").fetch_all(&pool).await.unwrap();
    let phantoms = arrived.keys().filter(|id| !committed.contains(id)).count();
    let duplicates: usize = arrived.values().map(|times| times - 1).sum();
    println!(
        "F3: {restarts} immediate stops, {} messages acknowledged, {} committed, {} lost, {phantoms} phantom, \
         {duplicates} duplicates, deliveries went on {longest:.1?} after the server at the latest",
        acknowledged.len(),
        committed.len(),
        lost.len()
    );
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!((phantoms, arrived.len()), (0, committed.len()));
    let mut delivered = DeliveryFilter::default();
    delivered.state = Some(DeliveryState::Delivered);
    assert_eq!(outbox.store().count(&delivered).await.unwrap(), committed.len() as u64);
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    assert!(acknowledged.len() >= 10 * restarts, "too little was sent to say anything");
    timeout(Duration::from_secs(10), pool.close()).await.expect("no dispatcher keeps a connection");
}

fn dispatch(outbox: &Outbox<PgStore>) -> Running {
    let dispatcher = Dispatcher::new(outbox.clone(), transport().build().unwrap());
    Running::start(dispatcher.schedule(Schedule::new([Duration::from_millis(10); 1000])))
}

/// Enqueues until it is told that it is enough, each batch in a transaction with the changes that it tells of;
/// gives the ids of those that were committed for certain.
async fn enqueue(outbox: Outbox<PgStore>, pool: PgPool, enough: watch::Receiver<bool>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for batch in 0.. {
        if *enough.borrow() {
            break;
        }
        let ids: Vec<_> = (0..8).map(|place| format!("msg_{batch}_{place}")).collect();
        if commit(&outbox, &pool, &ids).await.is_ok() {
            acknowledged.extend(ids);
        }
        sleep(Duration::from_millis(5)).await;
    }
    acknowledged
}

async fn commit(
    outbox: &Outbox<PgStore>,
    pool: &PgPool,
    ids: &[String],
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut transaction = pool.begin().await?;
    let changes = sqlx::query("INSERT INTO changes SELECT unnest($1::text[])").bind(ids);
    changes.execute(&mut *transaction).await?;
    let messages: Vec<_> = ids.iter().map(|id| message(id)).collect();
    outbox.store().enqueue_in(&mut transaction, &messages).await?;
    transaction.commit().await?;
    outbox.wake();
    Ok(())
}

/// How long it is until another message arrives.
async fn until_something_arrives(receiver: &Receiver) -> Duration {
    let (since, last) = (Instant::now(), receiver.last());
    let arrives = async {
        while receiver.last() == last {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), arrives).await.expect("deliveries go on");
    since.elapsed()
}

/// Delivers the rest. Claims whose answers were lost wait until their leases end, some 65 seconds: the test
/// makes that shorter, now that nothing is under way.
async fn drain(outbox: &Outbox<PgStore>, pool: &PgPool) {
    let sooner = "UPDATE countersign_deliveries SET due_at = 0 WHERE state = 'leased'";
    sqlx::query(sooner).execute(pool).await.unwrap();
    let dispatcher = dispatch(outbox);
    let settled = timeout(Duration::from_secs(600), all_settled(outbox.store())).await;
    assert!(settled.is_ok(), "after ten minutes there are left: {:?}", outbox.store().depth().await);
    dispatcher.stop().await;
}
