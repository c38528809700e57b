//! The store fails for a while.

use std::{sync::Arc, time::Duration};

use countersign_inbox::{HandlerError, InboxEvent, InboxWorker};
use countersign_store::{InboxStore, Outcome};
use tokio::time::sleep;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_asked_is_asked_again() {
    let (inbox, rows) = inbox();
    accept(&inbox, 10).await;
    rows.fail_leases(5);
    let worker = start(InboxWorker::new(inbox, |_: InboxEvent| async { Ok(()) }));
    until(|| rows.done() == 10).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_settled_is_settled_later_and_not_handled_twice() {
    let (inbox, rows) = inbox();
    accept(&inbox, 10).await;
    rows.fail_settles(5);
    let seen = Seen::default();
    let noting = seen.clone();
    let worker = start(InboxWorker::new(inbox, move |event: InboxEvent| {
        noting.note(&event);
        async { Ok(()) }
    }));
    until(|| rows.done() == 10).await;
    assert_eq!(seen.counts(), [1; 10]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_reason_that_the_store_refuses_is_not_recorded_and_keeps_no_other_event_from_its_end() {
    let (inbox, rows) =
        refusing(|outcome| matches!(outcome, Outcome::Dead { reason } if reason.contains('李')));
    accept(&inbox, 20).await;
    let worker = start(failing_one(&inbox, || HandlerError::dead("no customer 李")));
    until(|| rows.done() == 19).await;
    worker.stop().await;
    let dead = inbox.dead(0, 10).await.unwrap();
    assert_eq!((dead.len(), &*dead[0].reason), (1, "why it failed could not be recorded"));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_the_store_refuses_is_let_go_and_keeps_no_other_event_from_its_own() {
    let (inbox, rows) = refusing(|outcome| matches!(outcome, Outcome::Retry { .. }));
    accept(&inbox, 20).await;
    let worker = start(failing_one(&inbox, || HandlerError::retry("later")));
    until(|| rows.done() == 19).await;
    assert_eq!(rows.attempts(1), 1);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(rows.attempts(1), 2, "it is handled again when its lease ends");
    worker.stop().await;
}

/// A worker whose handler fails with the first event.
fn failing_one(inbox: &TestInbox, error: fn() -> HandlerError) -> InboxWorker<Arc<Rows>> {
    InboxWorker::new(inbox.clone(), move |event: InboxEvent| async move {
        match event.key() {
            "evt_0" => Err(error()),
            _ => Ok(()),
        }
    })
}
