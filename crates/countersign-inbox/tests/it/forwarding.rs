//! Events that go to a queue.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use countersign_inbox::InboxWorker;
use countersign_store::{Forward, Leased, StoreError};

use crate::support::*;

/// A queue that refuses for a while.
#[derive(Clone, Default)]
struct Queue {
    refusals: Arc<AtomicUsize>,
    held: Arc<Mutex<Vec<String>>>,
}

impl Forward for Queue {
    async fn forward(&self, event: &Leased) -> Result<(), StoreError> {
        let refuses =
            self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refuses.is_ok() {
            return Err(StoreError::unavailable("the queue is away"));
        }
        self.held.lock().unwrap().push(event.received.key.clone());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_done_once_the_queue_holds_it_however_long_that_takes() {
    let (inbox, rows) = inbox();
    accept(&inbox, 1).await;
    let queue = Queue::default();
    queue.refusals.store(20, Ordering::SeqCst);
    let worker = start(InboxWorker::forward(inbox, queue.clone()));
    until(|| queue.refusals.load(Ordering::SeqCst) <= 10).await;
    assert_eq!(rows.done(), 0);
    until_hours(&rows).await;
    assert_eq!(*queue.held.lock().unwrap(), ["evt_0"]);
    worker.stop().await;
}

/// Waits for the one event, in the test's own time.
async fn until_hours(rows: &Rows) {
    while rows.done() == 0 {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
}
