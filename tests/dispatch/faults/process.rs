//! A payload that makes its worker panic.

use std::error::Error;

use bytes::Bytes;
use countersign_dispatch::{Outbox, PayloadSource};
use countersign_store::outbox::{Endpoint, MemoryOutbox, Message, NewMessage, OutboxStore, Payload};

use super::table::Line;
use crate::{
    receiver::Receiver,
    running::{Running, deliveries, dispatcher, until_settled},
    support::{endpoint, transport},
};

/// Panics at the first so many attempts, as the reference says.
struct Panics;

impl PayloadSource for Panics {
    async fn render(
        &self,
        message: &Message,
        times: &str,
        _: &Endpoint,
        attempt: u32,
    ) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        assert!(attempt > times.parse()?, "a payload that panics, as this test wants");
        Ok(Some(format!(r#"{{"id":"{}"}}"#, message.id).into()))
    }
}

pub(super) async fn run() -> Vec<Line> {
    let receiver = Receiver::start(Default::default()).await;
    let outbox = Outbox::new(MemoryOutbox::new());
    outbox.store().put_endpoint(&endpoint("ep", receiver.url())).await.unwrap();
    let source = dispatcher(&outbox, transport().build().unwrap()).payload_source(Panics);
    let running = Running::start(source);
    let message = |times: &str| NewMessage::new("invoice.paid", Payload::Reference(times.to_owned()));
    outbox.enqueue(&[message("1000"), message("1"), message("0")]).await.unwrap();
    until_settled(outbox.store()).await;
    running.stop().await;

    let deliveries = deliveries(outbox.store()).await;
    let reason = "the attempt ended in a panic";
    let failures = outbox.store().endpoint("ep").await.unwrap().unwrap().health.failures;
    let read = |name, place: usize| Line::read(name, outbox.store(), &deliveries[place]);
    vec![
        read("worker panic", 0)
            .await
            .dead_after(&[reason; 2])
            .expect(failures == 0, "the endpoint is blamed"),
        read("worker panic, once", 1).await.delivered_after(&[reason]),
        read("worker panic at another delivery", 2).await.delivered_after(&[]),
    ]
}
