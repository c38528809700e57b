//! The steps that the promises of an outbox are told in.

use std::{slice, time::Duration};

use crate::{
    Settlement,
    conformance::{Harness, LONG},
    outbox::{
        Attempt, Claimed, Delivery, DeliveryFilter, Effect, Endpoint, Enqueued, Health, Message,
        MessageFilter, NewMessage, OutboxStore, Page, Redelivered, SettleDelivery, TenantFilter, Verdict,
    },
};

/// An endpoint without a tenant that wants every event.
pub(super) fn endpoint(id: &str) -> Endpoint {
    Endpoint::new(id, "https://example.com/hooks", "standard-webhooks")
}

/// An endpoint that wants the events of one pattern.
pub(super) fn wanting(id: &str, pattern: &str) -> Endpoint {
    Endpoint { events: vec![String::from(pattern)], ..endpoint(id) }
}

/// An endpoint that can bear so many requests at once.
pub(super) fn bearing(id: &str, in_flight: u32) -> Endpoint {
    let mut endpoint = endpoint(id);
    endpoint.limits.in_flight = in_flight;
    endpoint
}

pub(super) fn message(kind: &str) -> NewMessage {
    NewMessage::new(kind, format!("the payload of {kind}"))
}

pub(super) fn with_id(id: &str) -> NewMessage {
    NewMessage { id: Some(String::from(id)), ..message("order.paid") }
}

pub(super) fn with_key(key: &str) -> NewMessage {
    NewMessage { idempotency_key: Some(String::from(key)), ..message("order.paid") }
}

pub(super) fn of_tenant(tenant: Option<&str>, message: NewMessage) -> NewMessage {
    NewMessage { tenant: tenant.map(String::from), ..message }
}

/// Messages of one event type.
pub(super) fn messages(kind: &str, number: usize) -> Vec<NewMessage> {
    vec![message(kind); number]
}

pub(super) async fn put(store: &impl OutboxStore, endpoint: &Endpoint) {
    store.put_endpoint(endpoint).await.expect(WORKS);
}

/// The endpoint as the store has it.
pub(super) async fn stored(store: &impl OutboxStore, id: &str) -> Endpoint {
    store.endpoint(id).await.expect(WORKS).expect("there is such an endpoint")
}

/// Checks that the store has the endpoint as it is here, but for its revision.
pub(super) async fn assert_is_stored(store: &impl OutboxStore, expected: &Endpoint) {
    let kept = stored(store, &expected.id).await;
    assert_eq!(kept, Endpoint { revision: kept.revision, ..expected.clone() });
}

/// Enqueues a message that was not enqueued before.
pub(super) async fn enqueue(store: &impl OutboxStore, message: &NewMessage) -> Enqueued {
    let enqueued = enqueue_again(store, message).await;
    assert!(!enqueued.duplicate, "{enqueued:?}");
    enqueued
}

pub(super) async fn enqueue_again(store: &impl OutboxStore, message: &NewMessage) -> Enqueued {
    enqueue_all(store, slice::from_ref(message)).await.remove(0)
}

pub(super) async fn enqueue_all(store: &impl OutboxStore, messages: &[NewMessage]) -> Vec<Enqueued> {
    let enqueued = store.enqueue(messages).await.expect(WORKS);
    assert_eq!(enqueued.len(), messages.len());
    enqueued
}

/// The time by the store's clock, as a message tells it that goes to nobody.
pub(super) async fn now(store: &impl OutboxStore) -> i64 {
    let asking = of_tenant(Some("somebody who asks for the time"), message("time"));
    let enqueued = enqueue(store, &asking).await;
    read(store, &enqueued.id).await.created_at
}

/// The message as the store has it.
pub(super) async fn read(store: &impl OutboxStore, id: &str) -> Message {
    store.message(id).await.expect(WORKS).expect("there is such a message")
}

/// The ids of the messages on a page.
pub(super) async fn message_ids(
    store: &impl OutboxStore,
    filter: &MessageFilter,
    page: &Page,
) -> Vec<String> {
    let messages = store.messages(filter, page).await.expect(WORKS);
    messages.into_iter().map(|message| message.id).collect()
}

pub(super) async fn claim(store: &impl OutboxStore, limit: u32) -> Vec<Claimed> {
    let claimed = store.claim(limit, LONG).await.expect(WORKS);
    assert!(claimed.len() <= limit as usize);
    claimed
}

/// Claims a delivery where one is due.
pub(super) async fn claim_one(store: &impl OutboxStore) -> Claimed {
    claim(store, 1).await.pop().expect("a delivery is due")
}

pub(super) async fn assert_nothing_is_due(store: &impl OutboxStore) {
    let due = claim(store, 100).await;
    assert!(due.is_empty(), "{due:?}");
}

/// Claims the delivery that is due, and lets the lease end.
pub(super) async fn claim_briefly<H: Harness<Store: OutboxStore>>(harness: &H, store: &H::Store) -> Claimed {
    let claimed = store.claim(1, harness.short()).await.expect(WORKS).pop().expect("a delivery is due");
    harness.pass(harness.short()).await;
    claimed
}

/// An attempt at what was claimed that went well, or else failed.
pub(super) fn attempt(claimed: &Claimed, went_well: bool) -> Attempt {
    let attempt = Attempt::new(claimed.attempt, claimed.message.created_at, claimed.trigger);
    match went_well {
        true => Attempt { status: Some(204), ..attempt },
        false => Attempt { status: Some(503), error: Some(String::from("busy")), ..attempt },
    }
}

/// What settles a claim after an attempt that says nothing about the endpoint.
pub(super) fn settling(claimed: &Claimed, verdict: Verdict) -> SettleDelivery {
    SettleDelivery {
        id: claimed.id,
        fence: claimed.fence,
        endpoint: claimed.endpoint.clone(),
        verdict,
        effect: Effect::None,
        attempt: Some(attempt(claimed, verdict == Verdict::Delivered)),
    }
}

pub(super) async fn settle(store: &impl OutboxStore, settled: &SettleDelivery) -> Settlement {
    let settlements = store.settle(slice::from_ref(settled)).await.expect(WORKS);
    assert_eq!(settlements.len(), 1);
    settlements[0]
}

/// Settles a claim that is held.
pub(super) async fn end(store: &impl OutboxStore, claimed: &Claimed, verdict: Verdict) {
    assert_eq!(settle(store, &settling(claimed, verdict)).await, Settlement::Settled, "{verdict:?}");
}

pub(super) async fn end_all(store: &impl OutboxStore, claimed: &[Claimed], verdict: Verdict) {
    let batch: Vec<SettleDelivery> = claimed.iter().map(|claimed| settling(claimed, verdict)).collect();
    let settlements = store.settle(&batch).await.expect(WORKS);
    assert_eq!(settlements, vec![Settlement::Settled; batch.len()]);
}

/// Gives back a claim of which no attempt was made.
pub(super) async fn return_it(store: &impl OutboxStore, claimed: &Claimed) {
    let returned = SettleDelivery { attempt: None, ..settling(claimed, retry(Duration::ZERO)) };
    assert_eq!(settle(store, &returned).await, Settlement::Settled);
}

pub(super) fn retry(after: Duration) -> Verdict {
    Verdict::Retry { after }
}

/// All deliveries that match, the newest first.
pub(super) async fn matching(store: &impl OutboxStore, filter: &DeliveryFilter) -> Vec<Delivery> {
    let page = Page { after: None, limit: Page::MAX };
    store.deliveries(filter, &page).await.expect(WORKS)
}

pub(super) async fn count(store: &impl OutboxStore, filter: &DeliveryFilter) -> u64 {
    store.count(filter).await.expect(WORKS)
}

/// The delivery as the store has it.
pub(super) async fn delivery(store: &impl OutboxStore, id: i64) -> Delivery {
    let filter = DeliveryFilter { id: Some(id), ..ANY };
    matching(store, &filter).await.pop().expect("there is such a delivery")
}

/// All attempts, the first first.
pub(super) async fn attempts(store: &impl OutboxStore, delivery: i64) -> Vec<Attempt> {
    let page = Page { after: None, limit: Page::MAX };
    let mut attempts = store.attempts(delivery, &page).await.expect(WORKS);
    attempts.reverse();
    attempts
}

pub(super) async fn redeliver(store: &impl OutboxStore, filter: &DeliveryFilter, limit: u32) -> Redelivered {
    store.redeliver(filter, limit).await.expect(WORKS)
}

pub(super) async fn cancel(store: &impl OutboxStore, filter: &DeliveryFilter, limit: u32) -> u64 {
    store.cancel(filter, limit).await.expect(WORKS)
}

pub(super) fn of_message(id: &str) -> DeliveryFilter {
    DeliveryFilter { message_id: Some(String::from(id)), ..ANY }
}

/// The event types of what was claimed.
pub(super) fn kinds(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| &*claimed.message.event_type).collect()
}

/// The endpoints of what was claimed.
pub(super) fn endpoints(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| &*claimed.endpoint.id).collect()
}

/// Puts an endpoint that so many deliveries wait for.
pub(super) async fn put_with_deliveries(store: &impl OutboxStore, number: usize) {
    put(store, &endpoint("ep")).await;
    enqueue_all(store, &messages("order.paid", number)).await;
}

/// What settles a claim after an attempt that means this for its endpoint.
pub(super) fn faring(claimed: &Claimed, effect: Effect) -> SettleDelivery {
    SettleDelivery { effect, ..settling(claimed, retry(Duration::ZERO)) }
}

pub(super) async fn settle_as(store: &impl OutboxStore, claimed: &Claimed, effect: Effect) {
    assert_eq!(settle(store, &faring(claimed, effect)).await, Settlement::Settled);
}

/// Makes an attempt that means this for its endpoint, and gives back the health that comes of it.
pub(super) async fn fare(store: &impl OutboxStore, effect: Effect) -> Health {
    let claimed = claim_one(store).await;
    settle_as(store, &claimed, effect).await;
    stored(store, &claimed.endpoint.id).await.health
}

pub(super) const ANY: DeliveryFilter = DeliveryFilter {
    id: None,
    after: None,
    message_id: None,
    endpoint_id: None,
    tenant: TenantFilter::Any,
    event_type: None,
    state: None,
    from: None,
    until: None,
};
/// What an attempt means that failed, where the circuit stays closed.
pub(super) const FAILED: Effect = Effect::Failed { open_for: None };
pub(super) const WORKERS: usize = 8;
pub(super) const WORKS: &str = "the store works";
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
