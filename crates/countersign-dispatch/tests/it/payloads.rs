//! Payloads that are made when they are delivered.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use countersign_dispatch::{PayloadSource, Schedule};
use countersign_store::outbox::{
    DeliveryFilter, DeliveryState, Endpoint, MemoryOutbox, Message, NewMessage, OutboxStore, Payload,
};
use tokio::time::sleep;

use crate::{faulty::Faulty, support::*};

/// Tells how often it was asked; fails the first time.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicU32>);

impl PayloadSource for Counter {
    async fn render(
        &self,
        message: &Message,
        reference: &str,
        endpoint: &Endpoint,
        attempt: u32,
    ) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Err("the database is away".into()),
            _ => Ok(Some(format!("{} {reference} for {} at {attempt}", message.id, endpoint.id).into())),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_payload_is_made_at_each_attempt_and_kept_as_it_was_sent() {
    let script = Script::new([Act::Fail, Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        dispatcher.payload_source(Counter::default()).schedule(Schedule::new([Duration::from_secs(1); 5]))
    })
    .await;
    let message = NewMessage::new("/invoice/update/state", Payload::Reference("invoice:7".to_owned()));
    let id = running.outbox.enqueue(&[message]).await.unwrap().remove(0).id;
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Delivered]);
    let attempts = running.attempts(1).await;
    let made: Vec<_> = attempts.iter().map(|attempt| attempt.payload.clone()).collect();
    let bytes = |attempt: u32| Some(Bytes::from(format!("{id} invoice:7 for ep at {attempt}")));
    assert_eq!(made, [None, bytes(2), bytes(3)]);
    assert!(attempts[0].error.as_deref().unwrap().contains("the database is away"));
    assert_ne!(attempts[1].payload_digest, attempts[2].payload_digest);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_source_such_a_message_fails_with_its_reason() {
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |d| d.schedule(Schedule::new([]))).await;
    let message = NewMessage::new("late", Payload::Reference("invoice:7".to_owned()));
    running.outbox.enqueue(&[message]).await.unwrap();
    running.settled().await;
    assert!(running.attempts(1).await[0].error.as_deref().unwrap().contains("payload_source"));
    assert_eq!(script.sent().len(), 0);
    running.stop().await;
}

/// An invoice that is deleted after so many attempts.
struct DeletedAfter(u32);

impl PayloadSource for DeletedAfter {
    async fn render(
        &self,
        _: &Message,
        reference: &str,
        _: &Endpoint,
        attempt: u32,
    ) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        Ok((attempt <= self.0).then(|| reference.to_owned().into()))
    }
}

/// Also by an endpoint that is tried until it answers 2xx, which would be for ever.
#[tokio::test(start_paused = true)]
async fn a_delivery_of_what_there_is_no_more_is_cancelled() {
    let script = Script::new([Act::Answer(500)]);
    let mut endpoint = endpoint("ep");
    endpoint.until_delivered = true;
    let running = start(&[endpoint], &script, |dispatcher| dispatcher.payload_source(DeletedAfter(2))).await;
    running.outbox.enqueue(&[late()]).await.unwrap();
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Cancelled]);
    assert_eq!(bodies(&script, "ep"), ["invoice:7"; 2]);
    let attempts = running.attempts(1).await;
    assert_eq!(attempts.len(), 3);
    assert!(attempts[2].error.as_deref().unwrap().contains("nothing to send"), "{attempts:?}");
    assert_eq!(running.endpoint("ep").await.health.failures, 2);
    running.stop().await;
}

/// Takes this long.
struct Slow(Duration);

impl PayloadSource for Slow {
    async fn render(
        &self,
        _: &Message,
        _: &str,
        _: &Endpoint,
        _: u32,
    ) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        sleep(self.0).await;
        Ok(Some(Bytes::new()))
    }
}

/// Of 30 seconds. An endpoint that doesn't answer is too slow where it had most of them, and nothing is known about
/// it where the payload took them.
#[tokio::test(start_paused = true)]
async fn an_endpoint_pays_for_no_payload_that_takes_too_long() {
    for (seconds, sent, failures) in [(1, 1, 1), (14, 1, 1), (16, 1, 0), (31, 0, 0)] {
        let script = Script::new([Act::Hang]);
        let running = start(&[endpoint("ep")], &script, |dispatcher| {
            dispatcher.payload_source(Slow(Duration::from_secs(seconds))).schedule(Schedule::new([]))
        })
        .await;
        running.outbox.enqueue(&[late()]).await.unwrap();
        running.settled().await;
        let counted = running.endpoint("ep").await.health.failures;
        assert_eq!((script.sent().len(), counted), (sent, failures), "{seconds}");
        let attempt = running.attempts(1).await.remove(0);
        assert!(attempt.error.unwrap().starts_with("timeout: "), "{seconds}");
        assert_eq!(attempt.latency.as_secs(), 30, "{seconds}");
        running.stop().await;
    }
}

/// The state that a payload shows, which changes between attempts.
#[derive(Clone, Default)]
struct Invoice(Arc<AtomicU32>);

impl PayloadSource for Invoice {
    async fn render(
        &self,
        _: &Message,
        reference: &str,
        endpoint: &Endpoint,
        _: u32,
    ) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        let version = self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Some(format!("{reference} for {}, version {version}", endpoint.id).into()))
    }
}

fn late() -> NewMessage {
    NewMessage::new("late", Payload::Reference("invoice:7".to_owned()))
}

/// The bodies that were sent to endpoints whose URL holds this.
fn bodies(script: &Script, part: &str) -> Vec<Bytes> {
    script.sent().into_iter().filter(|sent| sent.url.contains(part)).map(|sent| sent.body).collect()
}

#[tokio::test(start_paused = true)]
async fn where_the_first_body_wins_the_same_bytes_arrive_at_each_attempt_and_redelivery() {
    let script = Script::new([Act::Fail, Act::Answer(500), Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        let dispatcher = dispatcher.payload_source(Invoice::default()).first_body_wins(true);
        dispatcher.schedule(Schedule::new([Duration::from_secs(1); 5]))
    })
    .await;
    running.outbox.enqueue(&[late()]).await.unwrap();
    running.settled().await;
    running.outbox.store().redeliver(&DeliveryFilter::default(), 10).await.unwrap();
    running.settled().await;
    assert_eq!(bodies(&script, "ep"), ["invoice:7 for ep, version 0"; 4]);
    let attempts = running.attempts(1).await;
    assert!(attempts.iter().all(|attempt| attempt.payload_digest == attempts[0].payload_digest));
    // Another message shows the state of today.
    running.outbox.enqueue(&[late()]).await.unwrap();
    running.settled().await;
    assert_eq!(bodies(&script, "ep")[4], "invoice:7 for ep, version 1");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_body_is_that_of_the_first_attempt_that_made_one() {
    let script = Script::new([Act::Fail, Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        let dispatcher = dispatcher.payload_source(Counter::default()).first_body_wins(true);
        dispatcher.schedule(Schedule::new([Duration::from_secs(1); 5]))
    })
    .await;
    let id = running.outbox.enqueue(&[late()]).await.unwrap().remove(0).id;
    running.settled().await;
    let made: Vec<_> = running.attempts(1).await.into_iter().map(|attempt| attempt.payload).collect();
    let second = Some(Bytes::from(format!("{id} invoice:7 for ep at 2")));
    assert_eq!(made, [None, second.clone(), second]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn each_endpoint_has_a_first_body_of_its_own() {
    let script = Script::new([Act::Answer(500), Act::Answer(500), Act::Answer(200)]);
    let running = start(&[endpoint("ep1"), endpoint("ep2")], &script, |dispatcher| {
        let dispatcher = dispatcher.payload_source(Invoice::default()).first_body_wins(true);
        dispatcher.schedule(Schedule::new([Duration::from_secs(1); 5]))
    })
    .await;
    running.outbox.enqueue(&[late()]).await.unwrap();
    running.settled().await;
    for id in ["ep1", "ep2"] {
        let sent = bodies(&script, id);
        assert!(sent.len() == 2 && sent[0] == sent[1], "{sent:?}");
        assert!(sent[0].starts_with(format!("invoice:7 for {id}").as_bytes()), "{sent:?}");
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_first_body_cannot_be_read_no_other_is_sent() {
    let clock = clock();
    let store = Faulty { inner: MemoryOutbox::new().clock_micros(clock.clone()), ..Faulty::default() };
    let script = Script::new([Act::Answer(500), Act::Answer(200)]);
    let running = start_over(store.clone(), &[endpoint("ep")], &script, |dispatcher| {
        let dispatcher =
            dispatcher.clock_micros(clock).payload_source(Invoice::default()).first_body_wins(true);
        dispatcher.schedule(Schedule::new([Duration::from_secs(1); 50]))
    })
    .await;
    store.no_attempts.store(true, Ordering::SeqCst);
    running.outbox.enqueue(&[late()]).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(bodies(&script, "ep").len(), 1);
    store.no_attempts.store(false, Ordering::SeqCst);
    running.settled().await;
    assert_eq!(bodies(&script, "ep"), ["invoice:7 for ep, version 0"; 2]);
    let reason = running.attempts(1).await[1].error.clone().unwrap();
    assert!(reason.contains("what was sent first can't be read"), "{reason}");
    assert_eq!(running.endpoint("ep").await.health.failures, 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_with_bytes_of_its_own_needs_no_first_body() {
    let store = Faulty::default();
    store.no_attempts.store(true, Ordering::SeqCst);
    let script = Script::new([Act::Answer(500), Act::Answer(200)]);
    let running = start_over(store, &[endpoint("ep")], &script, |dispatcher| {
        dispatcher.first_body_wins(true).schedule(Schedule::new([Duration::ZERO; 5]))
    })
    .await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!(bodies(&script, "ep"), [BODY; 2]);
    running.stop().await;
}
