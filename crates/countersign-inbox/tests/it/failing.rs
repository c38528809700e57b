//! The store fails for a while.

use countersign_inbox::{InboxEvent, InboxWorker};

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
