//! Workers that have old events to forget.

use std::{sync::atomic::Ordering, time::Duration};

use countersign_inbox::{InboxEvent, InboxWorker};
use tokio::time::sleep;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn as_many_events_are_forgotten_as_are_old_while_others_are_handled() {
    let (inbox, rows) = inbox();
    rows.old().store(20_000, Ordering::SeqCst);
    accept(&inbox, 20).await;
    let worker = start(InboxWorker::new(inbox, |_: InboxEvent| async { Ok(()) }));
    sleep(Duration::from_secs(10)).await;
    assert_eq!((rows.old().load(Ordering::SeqCst), rows.done()), (0, 20));
    worker.stop().await;
}
