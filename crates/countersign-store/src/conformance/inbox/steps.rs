//! The steps that the promises of an inbox are told in.

use std::time::Duration;

use crate::{
    Accepted, DeadLetter, InboxStore, Leased, Outcome, Received, Settle, Settlement,
    conformance::{Harness, LONG},
};

pub(super) fn event(key: &str) -> Received {
    Received::new(key, "stripe", format!("the body of {key}"))
}

pub(super) fn numbered(number: usize) -> Received {
    event(&format!("evt_{number}"))
}

pub(super) fn ordered(key: &str, order: &str) -> Received {
    Received { order: Some(String::from(order)), ..event(key) }
}

/// An event of which everything is known, with this body.
pub(super) fn full(key: &str, body: Vec<u8>) -> Received {
    Received {
        tenant: Some(String::from("acmé 🦀")),
        event_id: Some(String::from("evt_1")),
        event_type: Some(String::from("invoice.paid")),
        order: Some(String::from("cus_1 ")),
        data_at: String::from("/data/object~1x"),
        headers: [("x-shop", "acmé"), ("x-shop", "")].map(|(name, value)| (name.into(), value.into())).into(),
        ..Received::new(key, "stripe", body)
    }
}

/// An event with one text everywhere but in its key.
pub(super) fn with_all(key: &str, text: &str) -> Received {
    let some = || Some(String::from(text));
    Received {
        tenant: some(),
        event_id: some(),
        event_type: some(),
        order: some(),
        data_at: String::from(text),
        headers: vec![(String::from(text), String::from(text))],
        ..Received::new(key, text, String::from(text))
    }
}

/// Accepts an event that is new.
pub(super) async fn accept(store: &impl InboxStore, received: &Received) {
    let accepted = store.accept(received).await.expect(WORKS);
    assert_eq!(accepted, Accepted::New, "{:?}", received.key);
}

pub(super) async fn accept_all(store: &impl InboxStore, events: &[Received]) {
    for received in events {
        accept(store, received).await;
    }
}

pub(super) async fn lease(store: &impl InboxStore, limit: u32) -> Vec<Leased> {
    let leased = store.lease(limit, LONG).await.expect(WORKS);
    assert!(leased.len() <= limit as usize);
    leased
}

/// Leases a row where one is due.
pub(super) async fn lease_one(store: &impl InboxStore) -> Leased {
    lease(store, 1).await.pop().expect("a row is due")
}

/// Leases the row that is due, and lets the lease end.
pub(super) async fn lease_briefly<H: Harness<Store: InboxStore>>(harness: &H, store: &H::Store) -> Leased {
    let leased = store.lease(1, harness.short()).await.expect(WORKS).pop().expect("a row is due");
    harness.pass(harness.short()).await;
    leased
}

pub(super) async fn settle(store: &impl InboxStore, leased: &Leased, outcome: Outcome) -> Settlement {
    let settlements = store.settle(&[settling(leased, outcome)]).await.expect(WORKS);
    assert_eq!(settlements.len(), 1);
    settlements[0]
}

pub(super) async fn assert_all_settled(store: &impl InboxStore, leased: &[Leased], outcome: Outcome) {
    let batch: Vec<Settle> = leased.iter().map(|row| settling(row, outcome.clone())).collect();
    let settlements = store.settle(&batch).await.expect(WORKS);
    assert_eq!(settlements, vec![Settlement::Settled; batch.len()]);
}

pub(super) async fn requeue(store: &impl InboxStore, id: i64) -> bool {
    store.requeue(id).await.expect(WORKS)
}

pub(super) async fn page(store: &impl InboxStore, after: i64, limit: u32) -> Vec<DeadLetter> {
    store.dead(after, limit).await.expect(WORKS)
}

pub(super) async fn depth(store: &impl InboxStore) -> u64 {
    store.depth().await.expect(WORKS)
}

pub(super) fn settling(leased: &Leased, outcome: Outcome) -> Settle {
    Settle { id: leased.id, fence: leased.fence, outcome }
}

pub(super) fn retry(after: Duration) -> Outcome {
    Outcome::Retry { after, reason: String::from("busy") }
}

pub(super) fn dead(reason: &str) -> Outcome {
    Outcome::Dead { reason: String::from(reason) }
}

pub(super) fn keys(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|row| &*row.received.key).collect()
}

pub(super) const WORKERS: usize = 8;
pub(super) const WORKS: &str = "the store works";
