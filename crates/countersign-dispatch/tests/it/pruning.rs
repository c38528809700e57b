//! Dispatchers that have old messages to forget.

use std::{sync::atomic::Ordering, time::Duration};

use countersign_store::outbox::{DeliveryState, MemoryOutbox, MessageFilter, OutboxStore, Page, Retention};
use tokio::time::sleep;

use crate::{faulty::Faulty, support::*};

#[tokio::test(start_paused = true)]
async fn a_message_is_forgotten_when_it_is_older_than_it_is_kept() {
    let script = Script::new([Act::Answer(200)]);
    let keep = Retention { age: Duration::from_secs(300), messages: 1_000 };
    let running = start(&[endpoint("ep")], &script, |d| d.retention(keep)).await;
    running.enqueue("invoice.paid").await;
    for (seconds, left) in [(290, 1), (80, 0)] {
        sleep(Duration::from_secs(seconds)).await;
        let page = Page { after: None, limit: 1 };
        let kept = running.outbox.store().messages(&MessageFilter::default(), &page).await.unwrap();
        assert_eq!(kept.len(), left);
    }
    running.stop().await;
}

/// More than a minute's call forgets, from a store as slow as this: what is enqueued meanwhile is delivered.
#[tokio::test(start_paused = true)]
async fn as_many_messages_are_forgotten_as_are_old_while_others_are_delivered() {
    let clock = clock();
    let store = Faulty {
        inner: MemoryOutbox::new().clock_micros(clock.clone()),
        slow: Duration::from_millis(500),
        ..Faulty::default()
    };
    store.old.store(20_000, Ordering::SeqCst);
    let script = Script::new([Act::Answer(200)]);
    let running = start_over(store.clone(), &[endpoint("ep")], &script, |d| d.clock_micros(clock)).await;
    for _ in 0..4 {
        running.enqueue("invoice.paid").await;
        // A claim, a settlement, and what each of them may have to wait for.
        sleep(Duration::from_secs(4)).await;
        assert!(store.old.load(Ordering::SeqCst) > 0);
        assert!(running.states().await.iter().all(|state| *state == DeliveryState::Delivered));
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(store.old.load(Ordering::SeqCst), 0);
    running.stop().await;
}
