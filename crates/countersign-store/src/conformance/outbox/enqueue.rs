//! What an outbox promises of messages that are enqueued.

use std::collections::BTreeSet;

use super::steps::{
    ANY, WORKERS, WORKS, assert_nothing_is_due, claim, claim_one, count, endpoint, endpoints, enqueue,
    enqueue_all, kinds, matching, message, message_ids, messages, now, of_message, of_tenant, put, read,
    wanting, with_id, with_key,
};
use crate::{
    StoreErrorKind,
    conformance::{Harness, LONG, race},
    outbox::{
        DeliveryState, DisabledBecause, Endpoint, EndpointState, MessageFilter, NewMessage, OutboxStore,
        Page, Payload,
    },
};

/// Nobody sees a message without all of its deliveries, nor a delivery without its message, whenever
/// they look.
pub async fn a_message_and_its_deliveries_are_seen_together(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    for id in ["a", "b", "c"] {
        put(&store, &endpoint(id)).await;
    }
    let rounds = harness.rounds().div_ceil(10);
    race(harness, 4, move |racer| async move {
        racer.ready().await;
        for _ in 0..rounds {
            match racer.number {
                0 | 1 => drop(enqueue(&racer.store, &message("order.paid")).await),
                _ => assert_seen_together(&racer.store).await,
            }
        }
    })
    .await;
    assert_eq!(count(&store, &ANY).await, 2 * 3 * rounds as u64);
}

async fn assert_seen_together(store: &impl OutboxStore) {
    let newest = Page { after: None, limit: 2 };
    for id in message_ids(store, &MessageFilter::default(), &newest).await {
        assert_eq!(count(store, &of_message(&id)).await, 3, "the deliveries of {id}");
    }
    for delivery in store.deliveries(&ANY, &newest).await.expect(WORKS) {
        read(store, &delivery.message_id).await;
    }
}

/// Each delivery of a message is listed as the message and its endpoint are: pending, due at once, and
/// without an attempt.
pub async fn what_is_enqueued_is_listed_as_pending(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    for id in ["a", "b"] {
        put(&store, &Endpoint { tenant: Some(String::from("acme")), ..endpoint(id) }).await;
    }
    let enqueued = enqueue(&store, &of_tenant(Some("acme"), message("order.paid"))).await;
    assert_eq!(enqueued.deliveries, 2);
    let created_at = read(&store, &enqueued.id).await.created_at;
    let deliveries = matching(&store, &of_message(&enqueued.id)).await;
    let endpoints: BTreeSet<&str> = deliveries.iter().map(|delivery| &*delivery.endpoint_id).collect();
    assert_eq!(endpoints, BTreeSet::from(["a", "b"]));
    for delivery in &deliveries {
        assert_eq!((&*delivery.event_type, delivery.tenant.as_deref()), ("order.paid", Some("acme")));
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Pending, 0));
        assert_eq!((delivery.due_at, delivery.created_at), (Some(created_at), created_at));
        assert_eq!((delivery.last_status, &delivery.last_error), (None, &None));
    }
}

/// Every field of a message survives, byte for byte, whether it is asked for, listed, or claimed: what is
/// missing stays missing, what is empty stays empty, and a payload can be any bytes.
pub async fn a_message_comes_back_as_it_was_enqueued(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let tenants = [None, Some(""), Some("acmé 🦀")];
    for (number, tenant) in tenants.into_iter().enumerate() {
        let tenant = tenant.map(String::from);
        put(&store, &Endpoint { tenant, ..endpoint(&format!("ep_{number}")) }).await;
    }
    for (number, new) in all_sorts().into_iter().enumerate() {
        let enqueued = enqueue(&store, &new).await;
        assert_eq!(enqueued.deliveries, 1);
        let kept = read(&store, &enqueued.id).await;
        assert_eq!(kept.id, new.id.clone().unwrap_or(enqueued.id), "message {number}");
        assert_eq!((&kept.event_type, &kept.content_type), (&new.event_type, &new.content_type));
        assert_eq!((&kept.tenant, &kept.traceparent), (&new.tenant, &new.traceparent));
        assert!(kept.payload == new.payload, "the payload of message {number}");
        let newest = Page { after: None, limit: 1 };
        assert!(store.messages(&MessageFilter::default(), &newest).await.expect(WORKS) == [kept.clone()]);
        assert!(*claim_one(&store).await.message == kept);
    }
}

/// A bare message, one of which everything is known, and payloads of every sort.
fn all_sorts() -> Vec<NewMessage> {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let mebibyte: Vec<u8> = all_bytes.iter().copied().cycle().take(1 << 20).collect();
    let with = |payload: Payload| NewMessage::new("order.paid", payload);
    let full = NewMessage {
        id: Some(String::from("msg_ours")),
        content_type: String::from("application/cloudevents+json; charset=utf-8"),
        tenant: Some(String::from("acmé 🦀")),
        channels: vec![String::from("a channel")],
        idempotency_key: Some(String::from("key")),
        traceparent: Some(String::from("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
        due_at: Some(1),
        ..with(Payload::Reference(String::from("order/1 é")))
    };
    let empty = NewMessage {
        content_type: String::new(),
        tenant: Some(String::new()),
        traceparent: Some(String::new()),
        ..with(Payload::Reference(String::new()))
    };
    vec![with("{}".into()), full, empty, with(all_bytes.into()), with(mebibyte.into()), with("".into())]
}

/// Where one message of a batch is refused, because its id is taken, none of them is stored, and no key
/// of theirs is taken.
pub async fn a_batch_is_stored_whole_or_not_at_all(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    let first = NewMessage { traceparent: Some(String::from("the first")), ..with_id("taken") };
    enqueue(&store, &first).await;
    let keyed = || NewMessage { id: Some(String::from("keyed")), ..with_key("key") };
    let batches = [
        vec![keyed(), with_id("taken"), message("after")],
        vec![with_id("taken"), keyed()],
        vec![keyed(), with_id("twice"), with_id("twice")],
        // Ids are of all tenants.
        vec![keyed(), of_tenant(Some("acme"), with_id("taken"))],
    ];
    for batch in batches {
        let refused = store.enqueue(&batch).await.expect_err("an id is taken");
        assert_eq!(refused.kind(), StoreErrorKind::Invalid);
        let stored = message_ids(&store, &MessageFilter::default(), &Page::default()).await;
        assert_eq!((stored, count(&store, &ANY).await), (vec![String::from("taken")], 1));
    }
    assert_eq!(read(&store, "taken").await.traceparent, first.traceparent);
    assert_eq!(enqueue(&store, &keyed()).await.id, "keyed");
    assert_eq!(enqueue_all(&store, &[]).await, []);
}

/// A message goes to the endpoints of its tenant whose patterns match its event type, and which want one
/// of its channels or any message; and no tenant is a tenant of its own.
pub async fn a_message_goes_to_the_endpoints_that_want_it(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let of = |tenant: &str, endpoint| Endpoint { tenant: Some(String::from(tenant)), ..endpoint };
    let on = |channels: &[&str], endpoint| Endpoint { channels: owned(channels), ..endpoint };
    let wanted = [
        endpoint("all"),
        wanting("exact", "order.paid"),
        wanting("prefix", "order.*"),
        Endpoint { events: owned(&["user.created", "order.paid"]), ..endpoint("several") },
        on(&["north", "south"], wanting("channels", "order.*")),
        of("acme", endpoint("acme")),
        of("", endpoint("empty")),
        wanting("unreadable", "order*"),
        Endpoint { events: Vec::new(), ..endpoint("nothing") },
    ];
    for endpoint in &wanted {
        put(&store, endpoint).await;
    }
    let through = |channels: &[&str]| NewMessage { channels: owned(channels), ..message("order.paid") };
    for (new, expected) in [
        (message("order.paid"), &["all", "exact", "prefix", "several"][..]),
        (message("order.paid.late"), &["all", "prefix"]),
        (message("order."), &["all"]),
        (message("Order.paid"), &["all"]),
        (message(""), &["all"]),
        (message("user.created"), &["all", "several"]),
        (through(&["west", "south"]), &["all", "channels", "exact", "prefix", "several"]),
        (through(&["South"]), &["all", "exact", "prefix", "several"]),
        (of_tenant(Some("acme"), message("order.paid")), &["acme"]),
        (of_tenant(Some(""), message("order.paid")), &["empty"]),
        (of_tenant(Some("Acme"), message("order.paid")), &[]),
    ] {
        let enqueued = enqueue(&store, &new).await;
        let deliveries = matching(&store, &of_message(&enqueued.id)).await;
        let given: BTreeSet<&str> = deliveries.iter().map(|delivery| &*delivery.endpoint_id).collect();
        assert_eq!(given, expected.iter().copied().collect(), "{new:?}");
        assert_eq!((enqueued.deliveries as usize, deliveries.len()), (expected.len(), expected.len()));
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().copied().map(String::from).collect()
}

/// An endpoint is given what is enqueued from when it is put, by what it wants at that time.
pub async fn an_endpoint_is_given_what_comes_after_it(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    enqueue(&store, &message("before")).await;
    put(&store, &wanting("ep", "first")).await;
    enqueue_all(&store, &[message("first"), message("second")]).await;
    put(&store, &wanting("ep", "second")).await;
    enqueue_all(&store, &[message("first"), message("second")]).await;
    assert_eq!(kinds(&claim(&store, 10).await), ["first", "second"]);
}

/// A disabled endpoint is given its deliveries, too. They are withheld until it is enabled.
pub async fn deliveries_of_a_disabled_endpoint_wait_until_it_is_enabled(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    let state = EndpointState::Disabled(DisabledBecause::Operator);
    put(&store, &Endpoint { state, ..endpoint("disabled") }).await;
    put(&store, &endpoint("enabled")).await;
    assert_eq!(enqueue(&store, &message("order.paid")).await.deliveries, 2);
    assert_eq!(endpoints(&claim(&store, 10).await), ["enabled"]);
    assert_nothing_is_due(&store).await;
    assert!(store.set_state("disabled", EndpointState::Enabled).await.expect(WORKS));
    assert_eq!(endpoints(&claim(&store, 10).await), ["disabled"]);
}

/// A message that is due later isn't claimed before, and is then.
pub async fn a_message_that_is_due_later_waits(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    let now = now(&store).await;
    for (kind, span) in [("long", LONG), ("short", harness.short())] {
        let due_at = Some(now + span.as_micros() as i64);
        let enqueued = enqueue(&store, &NewMessage { due_at, ..message(kind) }).await;
        assert_eq!(matching(&store, &of_message(&enqueued.id)).await[0].due_at, due_at);
    }
    enqueue_all(&store, &[message("now"), NewMessage { due_at: Some(1), ..message("past") }]).await;
    harness.pass(harness.short()).await;
    let due = claim(&store, 10).await;
    assert_eq!(BTreeSet::from_iter(kinds(&due)), BTreeSet::from(["past", "now", "short"]));
    assert_nothing_is_due(&store).await;
}

/// Ids that the store makes begin with `msg_` and sort as the messages were enqueued, in a batch too.
pub async fn ids_sort_as_messages_were_enqueued(harness: &impl Harness<Store: OutboxStore>) {
    let stores = [harness.store().await, harness.store().await];
    let mut made = Vec::new();
    for round in 0..20 {
        let enqueued = enqueue_all(&stores[round % 2], &messages("order.paid", 1 + round)).await;
        made.extend(enqueued.into_iter().map(|enqueued| enqueued.id));
    }
    assert!(made.iter().all(|id| id.starts_with("msg_")), "{made:?}");
    assert!(made.is_sorted_by(|one, next| one < next), "{made:?}");
}

/// No two messages are given one id, whichever handles make them at one moment.
pub async fn ids_are_unique(harness: &impl Harness<Store: OutboxStore>) {
    let rounds = harness.rounds().div_ceil(10);
    let made = race(harness, WORKERS, move |racer| async move {
        racer.ready().await;
        let mut made = Vec::new();
        for _ in 0..rounds {
            made.extend(enqueue_all(&racer.store, &messages("order.paid", 3)).await);
        }
        made
    })
    .await;
    let made: BTreeSet<String> = made.into_iter().flatten().map(|enqueued| enqueued.id).collect();
    assert_eq!(made.len(), WORKERS * rounds * 3);
}
