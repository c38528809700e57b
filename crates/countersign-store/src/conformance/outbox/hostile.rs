//! What an outbox promises of texts that somebody else has chosen.

use std::{fmt, time::Duration};

use super::steps::{
    ANY, WORKS, assert_is_stored, attempt, attempts, claim, claim_one, count, endpoint, enqueue,
    enqueue_again, matching, message, message_ids, of_tenant, put, read, redeliver, settle, settling, stored,
    with_id,
};
use crate::{
    Settlement, StoreError, StoreErrorKind,
    conformance::{HOSTILE, Harness},
    outbox::{
        ActivityFilter, Attempt, Claimed, Delivery, DeliveryFilter, DisabledBecause, Endpoint, EndpointKey,
        EndpointState, Enqueued, Message, MessageFilter, NewMessage, OutboxStore, Page, Payload, Redelivered,
        SettleDelivery, TenantFilter, Verdict,
    },
};

/// No text of an endpoint, a message or an attempt does anything but name what it names, wherever it is
/// kept, and whatever is asked by it.
pub async fn adv_92_a_text_is_never_read_as_code(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    for text in HOSTILE {
        let (put, new) = (endpoint_of(text), message_of(text));
        store.put_endpoint(&put).await.expect(WORKS);
        assert_is_kept(&store, &put).await;
        assert_eq!(
            enqueue(&store, &new).await,
            Enqueued { id: text.to_string(), deliveries: 1, duplicate: false }
        );
        assert!(enqueue_again(&store, &new).await.duplicate);
        let claimed = claim_one(&store).await;
        assert_eq!(*claimed.endpoint, stored(&store, text).await);
        assert_eq!(*claimed.message, read(&store, text).await);
        assert_eq!(claimed.message.payload, Payload::Reference(text.to_string()));
        record(&store, &claimed, attempt_of(&claimed, text)).await;
        assert_is_found(&store, text, claimed.id).await;
    }
    for (number, text) in HOSTILE.iter().enumerate() {
        assert_eq!(count(&store, &ANY).await as usize, HOSTILE.len() - number);
        assert!(store.delete_endpoint(text).await.expect(WORKS));
    }
    let messages = message_ids(&store, &MessageFilter::default(), &Page::default()).await;
    assert!(messages.iter().rev().eq(HOSTILE), "{messages:?}");
}

/// An endpoint with one text everywhere but among its patterns.
fn endpoint_of(text: &str) -> Endpoint {
    let own = || String::from(text);
    let key = EndpointKey::new(own(), own());
    Endpoint {
        name: own(),
        tenant: Some(own()),
        keys: vec![key],
        channels: vec![own()],
        headers: vec![(own(), own())],
        created_at: 1,
        ..Endpoint::new(text, text, text)
    }
}

/// A message with one text everywhere.
fn message_of(text: &str) -> NewMessage {
    let own = || Some(String::from(text));
    NewMessage {
        id: own(),
        content_type: String::from(text),
        tenant: own(),
        channels: vec![String::from(text)],
        idempotency_key: own(),
        traceparent: own(),
        ..NewMessage::new(text, Payload::Reference(String::from(text)))
    }
}

/// An attempt with one text everywhere.
fn attempt_of(claimed: &Claimed, text: &str) -> Attempt {
    let headers = vec![(String::from(text), String::from(text))];
    Attempt {
        request_headers: headers.clone(),
        response_headers: headers,
        response_body: String::from(text).into(),
        error: Some(String::from(text)),
        ..attempt(claimed, false)
    }
}

/// It is kept with its patterns, too, whatever text they are.
async fn assert_is_kept(store: &impl OutboxStore, expected: &Endpoint) {
    assert_is_stored(store, expected).await;
    let patterns = Endpoint { events: vec![expected.id.clone()], ..expected.clone() };
    put(store, &patterns).await;
    assert_is_stored(store, &patterns).await;
    put(store, expected).await;
}

async fn record(store: &impl OutboxStore, claimed: &Claimed, attempt: Attempt) {
    let settled = SettleDelivery { attempt: Some(attempt.clone()), ..settling(claimed, Verdict::Dead) };
    assert_eq!(settle(store, &settled).await, Settlement::Settled);
    assert!(attempts(store, claimed.id).await == [attempt]);
}

/// What is asked by a text finds what has it, and nothing else.
async fn assert_is_found(store: &impl OutboxStore, text: &str, id: i64) {
    let own = || Some(String::from(text));
    for filter in [
        DeliveryFilter { message_id: own(), ..ANY },
        DeliveryFilter { endpoint_id: own(), ..ANY },
        DeliveryFilter { tenant: TenantFilter::exactly(Some(text)), ..ANY },
        DeliveryFilter { event_type: own(), ..ANY },
    ] {
        let found = matching(store, &filter).await;
        assert!(matches!(&found[..], [Delivery { last_error, .. }] if *last_error == own()), "{found:?}");
        assert_eq!((found[0].id, count(store, &filter).await), (id, 1));
        assert_eq!(redeliver(store, &filter, 10).await.last, Some(id));
        let claimed = claim_one(store).await;
        assert_eq!(settle(store, &settling_as(&claimed, text)).await, Settlement::Settled);
    }
    for filter in [
        MessageFilter { tenant: TenantFilter::exactly(Some(text)), ..MessageFilter::default() },
        MessageFilter { event_type: own(), ..MessageFilter::default() },
    ] {
        assert_eq!(message_ids(store, &filter, &Page::default()).await, [text]);
    }
    let behind = Page { after: own(), ..Page::default() };
    assert_eq!(store.endpoints(&TenantFilter::exactly(Some(text)), &behind).await.expect(WORKS), []);
    assert_eq!(
        store.endpoints(&TenantFilter::exactly(Some(text)), &Page::default()).await.expect(WORKS).len(),
        1
    );
    let of = MessageFilter { tenant: TenantFilter::exactly(Some(text)), ..MessageFilter::default() };
    assert_eq!(message_ids(store, &of, &behind).await, [""; 0]);
    assert_is_counted(store, text, id).await;
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state(text, disabled).await.expect(WORKS));
    assert!(store.set_state(text, EndpointState::Enabled).await.expect(WORKS));
}

fn settling_as(claimed: &Claimed, text: &str) -> SettleDelivery {
    SettleDelivery { attempt: Some(attempt_of(claimed, text)), ..settling(claimed, Verdict::Dead) }
}

async fn assert_is_counted(store: &impl OutboxStore, text: &str, id: i64) {
    let made = attempts(store, id).await;
    let all = ActivityFilter::new(0, i64::MAX, Duration::MAX);
    for filter in [
        ActivityFilter { endpoint_id: Some(String::from(text)), ..all.clone() },
        ActivityFilter { tenant: TenantFilter::exactly(Some(text)), ..all.clone() },
    ] {
        let activity = store.activity(&filter).await.expect(WORKS);
        assert_eq!(activity.iter().map(|step| step.failed).sum::<u64>(), made.len() as u64);
    }
}

/// A message or an endpoint with a NUL in some text is kept as it is, or refused as what the store can't
/// keep, and all that came with it too.
pub async fn a_text_with_a_nul_is_kept_or_refused(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    for (number, new) in messages_with_a_nul().iter().enumerate() {
        let before = format!("before_{number}");
        match store.enqueue(&[with_id(&before), new.clone()]).await {
            Ok(enqueued) => {
                let kept = read(&store, &enqueued[1].id).await;
                let stored = Message::stored(new, &*enqueued[1].id, kept.created_at);
                assert_eq!(kept, stored);
                assert!(new.id.as_ref().is_none_or(|id| *id == kept.id));
            }
            Err(refused) => {
                assert_eq!(refused.kind(), StoreErrorKind::Invalid, "message {number}: {refused}");
                assert_eq!(store.message(&before).await.expect(WORKS), None);
            }
        }
    }
    for (number, new) in endpoints_with_a_nul().iter().enumerate() {
        match store.put_endpoint(new).await {
            Ok(()) => assert_is_stored(&store, new).await,
            Err(refused) => {
                assert_eq!(refused.kind(), StoreErrorKind::Invalid, "endpoint {number}: {refused}")
            }
        }
    }
}

fn messages_with_a_nul() -> Vec<NewMessage> {
    let nul = || String::from(NUL);
    vec![
        NewMessage { id: Some(nul()), ..message("order.paid") },
        message(NUL),
        NewMessage { payload: Payload::Reference(nul()), ..message("order.paid") },
        NewMessage { content_type: nul(), ..message("order.paid") },
        of_tenant(Some(NUL), message("order.paid")),
        NewMessage { channels: vec![nul()], ..message("order.paid") },
        NewMessage { traceparent: Some(nul()), ..message("order.paid") },
    ]
}

fn endpoints_with_a_nul() -> Vec<Endpoint> {
    let nul = || String::from(NUL);
    let ep = || Endpoint { created_at: 1, ..endpoint("with_nul") };
    let key = EndpointKey::new(nul(), nul());
    vec![
        Endpoint { id: nul(), ..ep() },
        Endpoint { name: nul(), ..ep() },
        Endpoint { tenant: Some(nul()), ..ep() },
        Endpoint { url: nul(), ..ep() },
        Endpoint { scheme: nul(), ..ep() },
        Endpoint { keys: vec![key], ..ep() },
        Endpoint { events: vec![nul()], ..ep() },
        Endpoint { channels: vec![nul()], ..ep() },
        Endpoint { headers: vec![(nul(), nul())], ..ep() },
    ]
}

/// An attempt with a NUL in its texts settles its delivery, and those that are settled with it: what an
/// endpoint answers must not keep a delivery from its end.
pub async fn an_answer_with_a_nul_is_settled(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    enqueue(&store, &message("order.paid")).await;
    let claimed = claim(&store, 2).await;
    let batch = [settling(&claimed[0], Verdict::Delivered), settling_as(&claimed[1], NUL)];
    assert_eq!(store.settle(&batch).await.expect(WORKS), [Settlement::Settled; 2]);
    let recorded = attempts(&store, claimed[1].id).await.remove(0);
    assert_eq!(&*recorded.response_body, NUL.as_bytes());
    let without = recorded.error.expect("it failed").replace('\0', "");
    assert_eq!(without, NUL.replace('\0', ""), "but for the NUL it is kept");
}

/// Who asks by a text with a NUL finds nothing, or is told that there is no such text.
pub async fn what_is_asked_with_a_nul_is_not_found(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("a")).await;
    enqueue(&store, &with_id("a")).await;
    let own = || Some(String::from(NUL));
    let behind = Page { after: own(), ..Page::default() };
    let messages = MessageFilter { event_type: own(), ..MessageFilter::default() };
    let deliveries = DeliveryFilter { endpoint_id: own(), ..ANY };
    assert_not_found(store.endpoint(NUL).await, None);
    assert_not_found(store.endpoints(&TenantFilter::exactly(Some(NUL)), &Page::default()).await, vec![]);
    assert_not_found(store.delete_endpoint(NUL).await, false);
    assert_not_found(store.set_state(NUL, EndpointState::Enabled).await, false);
    assert_not_found(store.message(NUL).await, None);
    assert_not_found(store.messages(&messages, &Page::default()).await, vec![]);
    assert_not_found(store.messages(&MessageFilter::default(), &behind).await, vec![]);
    assert_not_found(store.count(&deliveries).await, 0);
    assert_not_found(store.tenants(&behind).await, vec![]);
    assert_not_found(store.tenant(NUL).await, None);
    assert_not_found(store.forget_tenant(NUL).await, 0);
    assert_not_found(store.redeliver(&deliveries, 1).await, Redelivered::default());
    assert_eq!(enqueue(&store, &with_id("b")).await.deliveries, 1, "the store goes on");
}

fn assert_not_found<T: PartialEq + fmt::Debug>(answer: Result<T, StoreError>, nothing: T) {
    match answer {
        Ok(found) => assert_eq!(found, nothing),
        Err(refused) => assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{refused}"),
    }
}

/// A text with a NUL in its middle.
const NUL: &str = "a\0b";
