//! Workers that stop, gracefully or not.

use std::{
    future::pending,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use countersign_inbox::{InboxEvent, InboxWorker};
use countersign_store::InboxStore;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

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

/// What it has done is done, and told the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_handler_that_ends_while_it_is_broken_off_is_settled_by_its_result() {
    let (inbox, rows) = inbox();
    accept(&inbox, 1).await;
    let (worker, blocked) = start_blocking(&inbox);
    sleep(Duration::from_millis(200)).await;
    let stopping = tokio::spawn(worker.stop());
    sleep(Duration::from_millis(500)).await;
    assert!(!stopping.is_finished(), "the handler still runs");
    drop(blocked);
    stopping.await.unwrap();
    assert_eq!((rows.done(), rows.attempts(1)), (1, 1));
}

/// Given back, its event would be handled twice at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_handler_that_can_not_be_broken_off_keeps_its_event() {
    let (inbox, rows) = inbox();
    accept(&inbox, 1).await;
    let (worker, blocked) = start_blocking(&inbox);
    sleep(Duration::from_millis(200)).await;
    let started = Instant::now();
    worker.stop().await;
    assert!(started.elapsed() < Duration::from_secs(10), "no handler keeps a worker from stopping");
    assert_eq!((rows.attempts(1), inbox.lease(1, Duration::from_secs(1)).await.unwrap().len()), (1, 0));
    drop(blocked);
}

/// A worker with little patience, whose handler blocks its thread until what is returned beside it is dropped.
fn start_blocking(inbox: &TestInbox) -> (Started, mpsc::Sender<()>) {
    let (blocked, until) = mpsc::channel();
    let until = Arc::new(Mutex::new(until));
    let worker = InboxWorker::new(inbox.clone(), move |_: InboxEvent| {
        let until = until.clone();
        async move {
            block_in_place(|| until.lock().unwrap().recv().ok());
            Ok(())
        }
    });
    (start(worker.grace(Duration::from_millis(100))), blocked)
}

#[tokio::test(start_paused = true)]
async fn a_worker_stops_while_its_store_does_not_answer() {
    let (inbox, rows) = inbox();
    let worker =
        start(InboxWorker::new(inbox, |_: InboxEvent| async { Ok(()) }).grace(Duration::from_secs(1)));
    rows.hang();
    sleep(Duration::from_secs(60)).await;
    assert!(timeout(Duration::from_secs(15), worker.stop()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_grace_without_end_waits_for_every_handler() {
    let (inbox, rows) = inbox();
    accept(&inbox, 1).await;
    let worker = InboxWorker::new(inbox, |_: InboxEvent| async {
        sleep(Duration::from_secs(50)).await;
        Ok(())
    });
    let worker = start(worker.grace(Duration::MAX));
    sleep(Duration::from_secs(1)).await;
    worker.stop().await;
    assert_eq!(rows.done(), 1);
}

/// As over a connection that was lost without a word.
#[tokio::test(start_paused = true)]
async fn a_worker_goes_on_after_a_call_of_the_store_that_has_no_answer() {
    let (inbox, rows) = inbox();
    let worker = start(InboxWorker::new(inbox.clone(), |_: InboxEvent| async { Ok(()) }));
    rows.hang();
    sleep(Duration::from_secs(10)).await;
    rows.answer();
    accept(&inbox, 1).await;
    sleep(Duration::from_secs(70)).await;
    assert_eq!(rows.done(), 1);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_ends_while_a_worker_stops_is_settled_at_once_and_until_that_succeeds() {
    let (inbox, rows) = inbox();
    accept(&inbox, 2).await;
    let takes = Arc::new(Mutex::new(vec![25, 2]));
    let worker = start(InboxWorker::new(inbox, move |_: InboxEvent| {
        let seconds = takes.lock().unwrap().pop().unwrap();
        async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok(())
        }
    }));
    sleep(Duration::from_secs(1)).await;
    let stopping = tokio::spawn(worker.stop());
    sleep(Duration::from_secs(5)).await;
    assert_eq!((rows.done(), stopping.is_finished()), (1, false));
    rows.fail_settles(3);
    stopping.await.unwrap();
    assert_eq!(rows.done(), 2);
}
