//! Workers that stop, gracefully or not.

use std::{future::pending, time::Duration};

use countersign_inbox::{InboxEvent, InboxWorker};
use countersign_store::InboxStore;
use tokio::time::{Instant, sleep};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn handlers_that_run_are_waited_for() {
    let (inbox, rows) = inbox();
    accept(&inbox, 20).await;
    let worker = InboxWorker::new(inbox.clone(), |_: InboxEvent| async {
        sleep(Duration::from_secs(20)).await;
        Ok(())
    });
    let worker = start(worker.concurrency(5));
    sleep(Duration::from_secs(1)).await;
    worker.stop().await;
    assert_eq!((rows.done(), inbox.depth().await.unwrap()), (5, 15));
}

#[tokio::test(start_paused = true)]
async fn those_that_take_longer_than_the_grace_are_given_back_uncounted() {
    let (inbox, rows) = inbox();
    accept(&inbox, 1).await;
    let worker = InboxWorker::new(inbox.clone(), |_: InboxEvent| pending());
    let worker = start(worker.grace(Duration::from_secs(3)));
    sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    worker.stop().await;
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!((rows.attempts(1), inbox.lease(1, Duration::from_secs(1)).await.unwrap().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_worker_that_died_come_back_when_their_leases_end() {
    let (inbox, rows) = inbox();
    accept(&inbox, 3).await;
    let dying = start(InboxWorker::new(inbox.clone(), |_: InboxEvent| pending()));
    sleep(Duration::from_secs(1)).await;
    dying.task.abort();
    let next = start(InboxWorker::new(inbox, |_: InboxEvent| async { Ok(()) }));
    sleep(Duration::from_secs(80)).await;
    assert_eq!(rows.done(), 0);
    until(|| rows.done() == 3).await;
    next.stop().await;
}
