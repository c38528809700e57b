//! What an outbox promises of tenants.

use super::steps::{
    ANY, WORKS, assert_nothing_is_due, attempts, bearing, claim_one, count, end, enqueue, enqueue_all,
    message, message_ids, of_tenant, put, read, retry, settle, settling, with_key,
};
use crate::{
    Settlement,
    conformance::{Harness, LONG},
    outbox::{Endpoint, MessageFilter, NewMessage, OutboxStore, Page, Tenant, Verdict},
};

/// A tenant is there from its first endpoint or message on, with how many endpoints it has and when its newest message
/// was enqueued. No tenant is none.
pub async fn those_who_have_an_endpoint_or_a_message_are_the_tenants(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &bearing("of none", 1)).await;
    enqueue(&store, &message("order.paid")).await;
    assert_eq!(all(&store, 10).await, []);
    for (id, tenant) in [("a1", "a"), ("b1", "b"), ("a2", "a")] {
        put(&store, &endpoint_of(id, tenant)).await;
    }
    let mut enqueued_at = Vec::new();
    for tenant in ["b", "c", "b"] {
        let enqueued = enqueue(&store, &message_of(tenant)).await;
        enqueued_at.push(read(&store, &enqueued.id).await.created_at);
        harness.pass(harness.short()).await;
    }
    let tenants = all(&store, 10).await;
    let known = tenants.iter().map(|tenant| (&*tenant.name, tenant.endpoints, tenant.last_message_at));
    let expected = [("a", 2, None), ("b", 1, Some(enqueued_at[2])), ("c", 0, Some(enqueued_at[1]))];
    assert_eq!(known.collect::<Vec<_>>(), expected);
    for tenant in tenants {
        assert_eq!(store.tenant(&tenant.name).await.expect(WORKS), Some(tenant));
    }
    for other in ["", "B", "d", "of none"] {
        assert_eq!(store.tenant(other).await.expect(WORKS), None, "{other:?}");
    }
}

/// Tenants are listed by their names, byte by byte, page by page: those with endpoints and those with messages in one
/// order. The empty name is a name.
pub async fn tenants_are_listed_by_name_page_by_page(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let names = ["", "A", "B b", "a", "a'; --", "a%", "ab", "z", "é", "\u{10000}"];
    for (number, name) in names.into_iter().enumerate() {
        if number % 3 != 0 {
            put(&store, &endpoint_of(&number.to_string(), name)).await;
        }
        if number % 3 != 1 {
            enqueue(&store, &message_of(name)).await;
        }
    }
    let mut sorted = names;
    sorted.sort_unstable();
    for limit in [1, 2, 3, 9, 10, 100] {
        let listed = all(&store, limit).await;
        assert_eq!(listed.iter().map(|tenant| &*tenant.name).collect::<Vec<_>>(), sorted, "pages of {limit}");
    }
    let none = Page { after: None, limit: 0 };
    assert_eq!(store.tenants(&none).await.expect(WORKS), []);
}

/// Of a tenant that is forgotten no endpoint, message, delivery, attempt or idempotency key is left, whatever waited
/// or was under way; what is another's, or nobody's, stays as it was.
pub async fn of_a_tenant_that_is_forgotten_nothing_is_left_and_of_others_everything(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    let tenants = [Some("a"), Some("b"), None];
    for (number, tenant) in tenants.into_iter().enumerate() {
        let endpoint = bearing(&format!("ep_{number}"), 10);
        put(&store, &Endpoint { tenant: tenant.map(String::from), ..endpoint }).await;
        for key in ["settled", "leased", "waiting"] {
            let keyed = NewMessage { id: Some(format!("{key}_{number}")), ..with_key(key) };
            enqueue(&store, &of_tenant(tenant, keyed)).await;
        }
    }
    let mut under_way = Vec::new();
    let mut recorded = Vec::new();
    for claimed in store.claim(10, LONG).await.expect(WORKS) {
        match claimed.message.id.split('_').next() {
            Some("settled") => {
                end(&store, &claimed, Verdict::Dead).await;
                recorded.push(claimed);
            }
            Some("leased") => under_way.push(claimed),
            _ => end(&store, &claimed, retry(LONG)).await,
        }
    }
    assert_eq!(forget(&store, "a").await, 4, "an endpoint and three messages");

    assert_eq!(store.tenant("a").await.expect(WORKS), None);
    assert_eq!(store.endpoint("ep_0").await.expect(WORKS), None);
    let left = message_ids(&store, &MessageFilter::default(), &Page::default()).await;
    let expected = ["waiting_2", "leased_2", "settled_2", "waiting_1", "leased_1", "settled_1"];
    assert_eq!(left, expected);
    assert_eq!(count(&store, &ANY).await, 6);
    for claimed in &recorded {
        let is_left = usize::from(claimed.endpoint.id != "ep_0");
        assert_eq!(attempts(&store, claimed.id).await.len(), is_left, "{}", claimed.endpoint.id);
    }
    for claimed in &under_way {
        let settled = settle(&store, &settling(claimed, Verdict::Delivered)).await;
        let is_left = claimed.endpoint.id != "ep_0";
        assert_eq!(settled == Settlement::Settled, is_left, "{}", claimed.endpoint.id);
    }
    let anew = enqueue(&store, &of_tenant(Some("a"), with_key("settled"))).await;
    assert!(!anew.duplicate && anew.deliveries == 0, "{anew:?}");
    assert_eq!(forget(&store, "a").await, 1);
    assert_eq!(forget(&store, "nobody").await, 0);
}

/// However many messages a tenant has, forgetting it comes to an end, and from the first step on nothing more is sent
/// to it.
pub async fn while_a_tenant_is_forgotten_it_is_sent_nothing(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint_of("ep", "a")).await;
    let many = vec![message_of("a"); 1_000];
    for _ in 0..3 {
        enqueue_all(&store, &many).await;
    }
    end(&store, &claim_one(&store).await, Verdict::Delivered).await;
    let mut forgotten = 0;
    while store.tenant("a").await.expect(WORKS).is_some() {
        let step = store.forget_tenant("a").await.expect(WORKS);
        assert_ne!(step, 0, "each step forgets something");
        forgotten += step;
        assert_nothing_is_due(&store).await;
    }
    assert_eq!((forgotten, count(&store, &ANY).await), (3_001, 0));
}

fn endpoint_of(id: &str, tenant: &str) -> Endpoint {
    Endpoint { tenant: Some(tenant.to_owned()), ..bearing(id, 10) }
}

fn message_of(tenant: &str) -> NewMessage {
    of_tenant(Some(tenant), message("order.paid"))
}

/// All tenants, asked for in pages.
async fn all(store: &impl OutboxStore, limit: u32) -> Vec<Tenant> {
    let mut all: Vec<Tenant> = Vec::new();
    loop {
        let after = all.last().map(|last| last.name.clone());
        let page = store.tenants(&Page { after, limit }).await.expect(WORKS);
        assert!(page.len() <= limit as usize);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
        assert!(all.len() < 100, "the pages come to an end");
    }
}

/// Forgets a tenant, step by step, and says how many messages and endpoints these were.
async fn forget(store: &impl OutboxStore, name: &str) -> u64 {
    let mut forgotten = 0;
    while store.tenant(name).await.expect(WORKS).is_some() {
        forgotten += store.forget_tenant(name).await.expect(WORKS);
        assert!(forgotten < 100, "it comes to an end");
    }
    forgotten
}
