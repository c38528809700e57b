//! Dispatchers that have more to deliver than they may at once.

use std::time::Duration;

use countersign_store::outbox::{Endpoint, MemoryOutbox, NewMessage};
use tokio::time::{Instant, sleep};

use crate::{faulty::Faulty, support::*};

const MESSAGES: usize = 100;
const AT_ONCE: usize = 10;

/// How long it takes until all messages are delivered to an endpoint that answers at once, over a store as slow as this.
async fn delivered_in(endpoint: Endpoint, at_once: usize, slow: Duration) -> Duration {
    let clock = clock();
    let store = Faulty { inner: MemoryOutbox::new().clock_micros(clock.clone()), slow, ..Faulty::default() };
    let script = Script::new([Act::Answer(200)]);
    let running =
        start_over(store, &[endpoint], &script, |d| d.clock_micros(clock).concurrency(at_once)).await;
    let messages: Vec<_> = (0..MESSAGES).map(|_| NewMessage::new("invoice.paid", BODY)).collect();
    let began = Instant::now();
    running.outbox.enqueue(&messages).await.unwrap();
    running.settled_looking_every(Duration::from_millis(100)).await;
    let took = began.elapsed();
    assert_eq!(script.sent().len(), MESSAGES);
    running.stop().await;
    took
}

#[tokio::test(start_paused = true)]
async fn while_more_is_due_a_claim_does_not_wait_for_what_is_settled() {
    let mut endpoint = endpoint("ep");
    endpoint.limits.in_flight = 10 * u32::try_from(AT_ONCE).unwrap();
    let took = delivered_in(endpoint, AT_ONCE, Duration::from_secs(1)).await;
    // Half of what is under way is settled at a time. One after the other, twenty claims and twenty settlements would take
    // 40 seconds.
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// The places of an endpoint are free when what took them is settled, which a claim beside it doesn't see: it is made again
/// at once, and not after the second in which the store is asked anyway.
#[tokio::test(start_paused = true)]
async fn an_endpoint_with_few_places_is_given_the_next_when_they_are_settled() {
    for (at_once, in_flight) in [(1, 1), (2, 2), (AT_ONCE, 3), (AT_ONCE, 10)] {
        let mut endpoint = endpoint("ep");
        endpoint.limits.in_flight = in_flight;
        let took = delivered_in(endpoint, at_once, Duration::from_millis(1)).await;
        assert!(took < Duration::from_secs(1), "{at_once} at once, {in_flight} of an endpoint: {took:?}");
    }
}

/// While the store settles nothing, nothing is claimed, but for what was asked for beside the first settlement that failed.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_settled_does_not_pile_up() {
    let store = Faulty::default();
    let mut endpoint = endpoint("ep");
    endpoint.limits.in_flight = 1_000;
    let script = Script::new([Act::Answer(200)]);
    let running = start_over(store.clone(), &[endpoint], &script, |d| d.concurrency(AT_ONCE)).await;
    let messages: Vec<_> = (0..MESSAGES).map(|_| NewMessage::new("invoice.paid", BODY)).collect();
    store.no_settle.store(true, std::sync::atomic::Ordering::SeqCst);
    running.outbox.enqueue(&messages).await.unwrap();
    sleep(Duration::from_secs(20)).await;
    // Those of the first claim, and of the one that was made beside the first settlement that failed.
    assert!(script.sent().len() <= 2 * AT_ONCE, "{} were sent", script.sent().len());
    store.no_settle.store(false, std::sync::atomic::Ordering::SeqCst);
    running.settled_looking_every(Duration::from_secs(1)).await;
    assert_eq!(script.sent().len(), MESSAGES);
    running.stop().await;
}
