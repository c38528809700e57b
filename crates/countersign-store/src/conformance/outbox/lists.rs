//! What an outbox promises of its lists of messages and deliveries.

use std::time::Duration;

use super::steps::{
    ANY, WORKS, bearing, claim, count, end, enqueue, enqueue_all, matching, message, message_ids, messages,
    of_tenant, put, retry, with_id,
};
use crate::{
    StoreErrorKind,
    conformance::Harness,
    outbox::{
        Claimed, Delivery, DeliveryFilter, DeliveryState, Endpoint, Message, MessageFilter, OutboxStore,
        Page, TenantFilter, Verdict,
    },
};

/// Deliveries are listed by their ids, the greatest first, page by page; a delivery that was enqueued later
/// has a greater one.
pub async fn deliveries_are_listed_newest_first_page_by_page(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("a", 100)).await;
    put(&store, &bearing("b", 100)).await;
    for number in 0..7 {
        enqueue_all(&store, &messages(&format!("kind_{number}"), 1 + number % 2)).await;
    }
    let all = matching(&store, &ANY).await;
    assert_eq!(all.len(), 20);
    assert!(all.is_sorted_by(|newer, older| newer.id > older.id && newer.event_type >= older.event_type));
    for limit in [1, 6, 20, 100] {
        assert_eq!(paged(&store, &ANY, limit).await, all, "pages of {limit}");
    }
    let filter = DeliveryFilter { endpoint_id: Some(String::from("b")), ..ANY };
    assert_eq!(paged(&store, &filter, 3).await, matching(&store, &filter).await);
    let none = Page { after: None, limit: 0 };
    assert_eq!(store.deliveries(&ANY, &none).await.expect(WORKS), []);
}

/// All deliveries that match, asked for in pages.
async fn paged(store: &impl OutboxStore, filter: &DeliveryFilter, limit: u32) -> Vec<Delivery> {
    let mut all: Vec<Delivery> = Vec::new();
    loop {
        let after = all.last().map(|last| last.id.to_string());
        let page = store.deliveries(filter, &Page { after, limit }).await.expect(WORKS);
        assert!(page.len() <= limit as usize);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
        assert!(all.len() < 100, "the pages come to an end");
    }
}

/// A page of deliveries begins behind a number. What isn't one is refused.
pub async fn a_page_behind_what_is_no_delivery_is_refused(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    for after in ["", "a", "1; --", "99999999999999999999"] {
        let page = Page { after: Some(String::from(after)), ..Page::default() };
        let refused = store.deliveries(&ANY, &page).await.expect_err("it is no number");
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{after:?}");
    }
}

/// No page has more rows than a page can have, however many are asked for.
pub async fn a_page_has_no_more_rows_than_a_page_can_have(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 1)).await;
    let most = Page::MAX as usize;
    enqueue_all(&store, &messages("order.paid", most + 1)).await;
    let all = Page { after: None, limit: u32::MAX };
    assert_eq!(store.deliveries(&ANY, &all).await.expect(WORKS).len(), most);
    assert_eq!(message_ids(&store, &MessageFilter::default(), &all).await.len(), most);
    assert_eq!(count(&store, &ANY).await, most as u64 + 1);
}

/// Deliveries match where every field of the filter does, and are counted so.
pub async fn deliveries_match_every_field_of_a_filter(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    make_all_sorts(harness, &store).await;
    let all = matching(&store, &ANY).await;
    let states: Vec<DeliveryState> = all.iter().map(|delivery| delivery.state).collect();
    for state in STATES {
        assert!(states.contains(&state), "there is one that is {state:?}");
    }
    for of in all.iter().step_by(3) {
        for filter in filters(of) {
            let expected: Vec<&Delivery> =
                all.iter().filter(|delivery| is_meant(&filter, delivery)).collect();
            let found = matching(&store, &filter).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
            assert_eq!(count(&store, &filter).await, expected.len() as u64, "{filter:?}");
        }
    }
}

/// Enqueues messages of two tenants and of none, at three times, and lets their deliveries come to every
/// state.
async fn make_all_sorts<H: Harness<Store: OutboxStore>>(harness: &H, store: &H::Store) {
    for (number, tenant) in TENANTS.into_iter().enumerate() {
        for half in ["a", "b"] {
            let tenant = tenant.map(String::from);
            put(store, &Endpoint { tenant, ..bearing(&format!("ep_{number}{half}"), 100) }).await;
        }
    }
    for _ in 0..3 {
        for tenant in TENANTS {
            enqueue(store, &of_tenant(tenant, message("order.paid"))).await;
            enqueue(store, &of_tenant(tenant, message("user.created"))).await;
        }
        harness.pass(harness.short()).await;
    }
    for (number, claimed) in claim(store, 30).await.iter().enumerate() {
        end_as(store, claimed, STATES[number % 5]).await;
    }
}

async fn end_as(store: &impl OutboxStore, claimed: &Claimed, state: DeliveryState) {
    match state {
        DeliveryState::Leased => {}
        DeliveryState::Pending => end(store, claimed, retry(Duration::ZERO)).await,
        DeliveryState::Delivered => end(store, claimed, Verdict::Delivered).await,
        DeliveryState::Dead => end(store, claimed, Verdict::Dead).await,
        DeliveryState::Cancelled => end(store, claimed, Verdict::Cancelled).await,
    }
}

/// Filters by each field of a delivery, by several, and by all of them.
fn filters(of: &Delivery) -> Vec<DeliveryFilter> {
    let all = DeliveryFilter {
        id: Some(of.id),
        after: Some(of.id - 1),
        message_id: Some(of.message_id.clone()),
        endpoint_id: Some(of.endpoint_id.clone()),
        tenant: TenantFilter::exactly(of.tenant.as_deref()),
        event_type: Some(of.event_type.clone()),
        state: Some(of.state),
        from: Some(of.created_at),
        until: Some(of.created_at + 1),
    };
    let DeliveryFilter { id, message_id, endpoint_id, tenant, event_type: kind, state, from, until, .. } =
        all.clone();
    vec![
        DeliveryFilter { id, ..ANY },
        DeliveryFilter { after: id, ..ANY },
        DeliveryFilter { message_id, ..ANY },
        DeliveryFilter { endpoint_id: endpoint_id.clone(), ..ANY },
        DeliveryFilter { tenant: tenant.clone(), ..ANY },
        DeliveryFilter { event_type: kind.clone(), ..ANY },
        DeliveryFilter { state, ..ANY },
        DeliveryFilter { from, ..ANY },
        DeliveryFilter { until: from, ..ANY },
        DeliveryFilter { from, until, ..ANY },
        DeliveryFilter { endpoint_id, state, ..ANY },
        DeliveryFilter { tenant, event_type: kind, from, after: id, ..ANY },
        DeliveryFilter { event_type: Some(String::from("order")), ..ANY },
        DeliveryFilter { tenant: TenantFilter::Is(String::from("somebody")), ..ANY },
        DeliveryFilter { after: id, ..all.clone() },
        all,
    ]
}

fn is_meant(filter: &DeliveryFilter, delivery: &Delivery) -> bool {
    filter.id.is_none_or(|id| delivery.id == id)
        && filter.after.is_none_or(|after| delivery.id > after)
        && filter.message_id.as_ref().is_none_or(|message| delivery.message_id == *message)
        && filter.endpoint_id.as_ref().is_none_or(|endpoint| delivery.endpoint_id == *endpoint)
        && filter.tenant.takes(delivery.tenant.as_deref())
        && filter.event_type.as_ref().is_none_or(|kind| delivery.event_type == *kind)
        && filter.state.is_none_or(|state| delivery.state == state)
        && filter.from.is_none_or(|from| delivery.created_at >= from)
        && filter.until.is_none_or(|until| delivery.created_at < until)
}

/// Messages are listed as they were enqueued, the last first, whatever their ids are, page by page.
pub async fn messages_are_listed_newest_first_page_by_page(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let mut expected = ["m", "z", "a", "Z", "10", "9"].map(String::from).to_vec();
    enqueue_all(&store, &[with_id("m"), with_id("z")]).await;
    for id in &expected[2..] {
        enqueue(&store, &with_id(id)).await;
    }
    expected.reverse();
    let any = MessageFilter::default();
    for limit in [1, 4, 6, 100] {
        let mut listed: Vec<String> = Vec::new();
        loop {
            let page = Page { after: listed.last().cloned(), limit };
            match message_ids(&store, &any, &page).await {
                page if page.is_empty() => break,
                page => listed.extend(page),
            }
            assert!(listed.len() < 100, "the pages come to an end");
        }
        assert_eq!(listed, expected, "pages of {limit}");
    }
    let page = Page { after: None, limit: 0 };
    assert_eq!(message_ids(&store, &any, &page).await, [""; 0]);
}

/// Messages match where every field of the filter does, those without a delivery too.
pub async fn messages_match_every_field_of_a_filter(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    make_all_sorts(harness, &store).await;
    enqueue(&store, &of_tenant(Some("nobody"), message("order.paid"))).await;
    let all = store.messages(&MessageFilter::default(), &Page::default()).await.expect(WORKS);
    assert_eq!(all.len(), 19);
    for of in &all {
        let (tenant, kind) = (TenantFilter::exactly(of.tenant.as_deref()), Some(of.event_type.clone()));
        let (from, until) = (Some(of.created_at), Some(of.created_at + 1));
        let any = MessageFilter::default;
        for filter in [
            MessageFilter { tenant: tenant.clone(), ..any() },
            MessageFilter { event_type: kind.clone(), ..any() },
            MessageFilter { from, ..any() },
            MessageFilter { until: from, ..any() },
            MessageFilter { tenant, event_type: kind, from, until },
            MessageFilter { event_type: Some(String::from("order.*")), ..any() },
        ] {
            let meant = all.iter().filter(|message| is_message_meant(&filter, message));
            let expected: Vec<&str> = meant.map(|message| &*message.id).collect();
            assert_eq!(message_ids(&store, &filter, &Page::default()).await, expected, "{filter:?}");
        }
    }
}

fn is_message_meant(filter: &MessageFilter, message: &Message) -> bool {
    filter.tenant.takes(message.tenant.as_deref())
        && filter.event_type.as_ref().is_none_or(|kind| message.event_type == *kind)
        && filter.from.is_none_or(|from| message.created_at >= from)
        && filter.until.is_none_or(|until| message.created_at < until)
}

const TENANTS: [Option<&str>; 3] = [None, Some(""), Some("acme")];
const STATES: [DeliveryState; 5] = [
    DeliveryState::Pending,
    DeliveryState::Leased,
    DeliveryState::Delivered,
    DeliveryState::Dead,
    DeliveryState::Cancelled,
];
