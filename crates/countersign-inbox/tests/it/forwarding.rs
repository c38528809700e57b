//! Events that go to a queue.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use countersign_inbox::InboxWorker;
use countersign_store::{Forward, InboxStore, Leased, StoreError};

use crate::support::*;

/// A queue that refuses for a while, and one event for ever.
#[derive(Clone, Default)]
struct Queue {
    refusals: Arc<AtomicUsize>,
    too_large: Option<&'static str>,
    held: Arc<Mutex<Vec<String>>>,
}

impl Forward for Queue {
    async fn forward(&self, event: &Leased) -> Result<(), StoreError> {
        let refuses =
            self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refuses.is_ok() {
            return Err(StoreError::unavailable("the queue is away"));
        }
        if self.too_large == Some(&event.received.key) {
            return Err(StoreError::invalid("a message has at most 1048576 bytes"));
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

#[tokio::test(start_paused = true)]
async fn an_event_that_the_queue_can_never_take_is_a_dead_letter_at_once() {
    let (inbox, rows) = inbox();
    accept(&inbox, 2).await;
    let queue = Queue { too_large: Some("evt_0"), ..Queue::default() };
    let worker = start(InboxWorker::forward(inbox, queue.clone()));
    until(|| rows.done() == 1).await;
    assert_eq!(*queue.held.lock().unwrap(), ["evt_1"]);
    let dead = rows.dead(0, 10).await.unwrap();
    assert_eq!((dead.len(), &*dead[0].received.key, dead[0].attempts), (1, "evt_0", 1));
    assert_eq!(dead[0].reason, "the queue can never take it: a message has at most 1048576 bytes");
    worker.stop().await;
}

/// Waits for the one event, in the test's own time.
async fn until_hours(rows: &Rows) {
    while rows.done() == 0 {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
}
