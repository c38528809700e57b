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
use countersign_store::outbox::{DeliveryState, Endpoint, Message, NewMessage, Payload};

use crate::support::*;

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
    ) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Err("the database is away".into()),
            _ => Ok(format!("{} {reference} for {} at {attempt}", message.id, endpoint.id).into()),
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
