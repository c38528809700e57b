//! What an outbox promises of idempotency keys.

use super::steps::{
    ANY, WORKS, claim_one, count, end, endpoint, enqueue, enqueue_again, enqueue_all, message, of_message,
    of_tenant, put, with_id, with_key,
};
use crate::{
    MAX_KEY, StoreErrorKind,
    conformance::{Harness, assert_each_once, race},
    outbox::{Endpoint, Enqueued, NewMessage, OutboxStore, Verdict},
};

/// Who enqueues a message again under its key is given the first one, with the number of its deliveries,
/// and nothing more is sent: whatever the second holds, and whatever became of the first.
pub async fn a_message_with_a_known_key_is_the_first_one(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("a")).await;
    put(&store, &endpoint("b")).await;
    let first = enqueue(&store, &with_key("key")).await;
    let known = Enqueued { duplicate: true, ..first.clone() };
    put(&store, &endpoint("c")).await;
    let other =
        NewMessage { id: Some(String::from("other")), event_type: String::from("other"), ..with_key("key") };
    for _ in 0..2 {
        assert_eq!(enqueue_again(&store, &with_key("key")).await, known);
        assert_eq!(enqueue_again(&store, &other).await, known);
        end(&store, &claim_one(&store).await, Verdict::Delivered).await;
    }
    assert_eq!((first.deliveries, count(&store, &ANY).await), (2, 2));
    assert_eq!(store.message("other").await.expect(WORKS), None);
}

/// A message that has an id of the application's and a key can be enqueued again as it is.
pub async fn a_message_with_an_id_and_a_known_key_is_no_mistake(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    let new = NewMessage { id: Some(String::from("ours")), ..with_key("key") };
    let first = enqueue(&store, &new).await;
    assert_eq!(first, Enqueued { id: String::from("ours"), deliveries: 1, duplicate: false });
    assert_eq!(enqueue_again(&store, &new).await, Enqueued { duplicate: true, ..first });
    let twice = NewMessage { id: Some(String::from("twice")), ..with_key("another key") };
    let known = NewMessage { id: Some(String::from("twice")), ..with_key("key") };
    let enqueued = enqueue_all(&store, &[known, twice.clone(), twice]).await;
    let of = |id: &str, duplicate| Enqueued { id: String::from(id), deliveries: 1, duplicate };
    assert_eq!(enqueued, [of("ours", true), of("twice", false), of("twice", true)]);
    assert_eq!(count(&store, &ANY).await, 2);
}

/// A key is a tenant's own; no tenant, and one without a name, are tenants too. Messages without a key are
/// never taken for each other.
pub async fn a_key_is_of_one_tenant(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let tenants = [None, Some(""), Some("acme"), Some("Acme"), Some("acme ")];
    let mut first = Vec::new();
    for tenant in tenants {
        first.push(enqueue(&store, &of_tenant(tenant, with_key("key"))).await.id);
        enqueue(&store, &of_tenant(tenant, message("without"))).await;
        enqueue(&store, &of_tenant(tenant, message("without"))).await;
    }
    for (tenant, first) in tenants.into_iter().zip(first) {
        let known = enqueue_again(&store, &of_tenant(tenant, with_key("key"))).await;
        assert_eq!((known.id, known.duplicate), (first, true), "{tenant:?}");
    }
}

/// Keys that look alike, and long keys that differ in their last byte, are different keys.
pub async fn keys_are_compared_byte_by_byte(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let longest = |end: char| "é".repeat(MAX_KEY / 2 - 1) + "x" + &String::from(end);
    let (one, other) = (longest('a'), longest('b'));
    for key in ["a", "A", "a ", " a", "ä", "a\u{308}", "ß", "ss", "1", "01", "1.0", &one, &other] {
        let first = enqueue(&store, &with_key(key)).await;
        let known = enqueue_again(&store, &with_key(key)).await;
        assert_eq!(known, Enqueued { duplicate: true, ..first }, "{key:?}");
    }
}

/// A message with an empty key, one of more than [`MAX_KEY`] bytes, or one with a NUL is refused, and its
/// batch with it.
pub async fn a_message_whose_key_no_store_keeps_is_refused(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    for key in ["", "a\0b", &"x".repeat(MAX_KEY + 1), &"é".repeat(513)] {
        let batch = [with_id("before"), with_key(key)];
        let refused = store.enqueue(&batch).await.expect_err("the key is refused");
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{} bytes", key.len());
        assert_eq!(store.message("before").await.expect(WORKS), None);
    }
}

/// A key that stands twice in a batch is of one message; those around it are enqueued.
pub async fn a_key_that_is_twice_in_a_batch_is_of_one_message(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &Endpoint { tenant: Some(String::from("acme")), ..endpoint("ep") }).await;
    let acme = |message| of_tenant(Some("acme"), message);
    let known = enqueue(&store, &acme(with_key("known"))).await;
    let batch = [
        acme(with_key("new")),
        acme(message("between")),
        acme(with_key("new")),
        with_key("new"),
        acme(with_key("known")),
        acme(with_key("new")),
    ];
    let enqueued = enqueue_all(&store, &batch).await;
    let duplicates: Vec<bool> = enqueued.iter().map(|enqueued| enqueued.duplicate).collect();
    let deliveries: Vec<u32> = enqueued.iter().map(|enqueued| enqueued.deliveries).collect();
    assert_eq!(duplicates, [false, false, true, false, true, true]);
    assert_eq!(deliveries, [1, 1, 1, 0, 1, 1]);
    assert_eq!([&enqueued[2].id, &enqueued[5].id], [&enqueued[0].id; 2]);
    assert_eq!(enqueued[4].id, known.id);
    assert_eq!(count(&store, &ANY).await, 3);
}

/// Of tasks that enqueue under one key at one moment, one makes the message and the others are given it.
pub async fn of_many_messages_with_one_key_at_once_one_is_new(harness: &impl Harness<Store: OutboxStore>) {
    assert_one_is_new(harness, with_key).await;
}

/// The same where the application has given the message its id too.
pub async fn of_many_messages_with_one_id_and_key_at_once_one_is_new(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let named = |key: &str| NewMessage { id: Some(format!("id of {key}")), ..with_key(key) };
    assert_one_is_new(harness, named).await;
}

async fn assert_one_is_new(
    harness: &impl Harness<Store: OutboxStore>,
    new: impl Fn(&str) -> NewMessage + Copy + Send + 'static,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    let rounds = harness.rounds().div_ceil(5);
    let won = race(harness, 32, move |racer| async move {
        let mut won = Vec::new();
        for round in 0..rounds {
            racer.ready().await;
            let enqueued = enqueue_again(&racer.store, &new(&format!("key_{round}"))).await;
            assert_eq!(enqueued.deliveries, 1);
            assert_eq!(count(&racer.store, &of_message(&enqueued.id)).await, 1);
            won.extend((!enqueued.duplicate).then_some(round));
        }
        won
    })
    .await;
    assert_each_once(won, rounds);
    assert_eq!(count(&store, &ANY).await, rounds as u64);
}
