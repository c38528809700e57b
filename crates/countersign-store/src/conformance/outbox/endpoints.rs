//! What an outbox promises of endpoints.

use std::{slice, time::Duration};

use super::steps::{
    ANY, FAILED, WORKERS, WORKS, assert_is_stored, assert_nothing_is_due, attempts, claim, claim_one, count,
    end, endpoint, enqueue, matching, message, now, put, put_with_deliveries, read, settle, settling, stored,
};
use crate::{
    Settlement, StoreErrorKind,
    conformance::{Harness, LONG, race},
    outbox::{
        DisabledBecause, Effect, Endpoint, EndpointKey, EndpointState, Health, Limits, OutboxStore, Page,
        SettleDelivery, TenantFilter, Verdict,
    },
};

/// Every field of an endpoint survives, whether it is asked for or listed: what is missing stays missing,
/// and what is empty stays empty.
pub async fn an_endpoint_comes_back_as_it_was_put(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    for endpoint in all_sorts() {
        put(&store, &endpoint).await;
        let endpoint = Endpoint { revision: 1, ..endpoint };
        assert_eq!(stored(&store, &endpoint.id).await, endpoint);
        let of = TenantFilter::exactly(endpoint.tenant.as_deref());
        assert_eq!(store.endpoints(&of, &Page::default()).await.expect(WORKS), slice::from_ref(&endpoint));
        assert!(store.delete_endpoint(&endpoint.id).await.expect(WORKS));
    }
    assert_eq!(store.endpoint("unknown").await.expect(WORKS), None);
}

/// Endpoints of every sort.
fn all_sorts() -> Vec<Endpoint> {
    let text = |text: &str| String::from(text);
    let key = |label: &str, secret: &str| EndpointKey::new(text(label), text(secret));
    let full = Endpoint {
        name: text("Zoë’s endpoint 🦀"),
        tenant: Some(text("acmé")),
        keys: vec![
            EndpointKey {
                valid_from: Some(-1),
                valid_until: Some(i64::MAX),
                ..key("2026-01", "whsec_ sealed ")
            },
            key("2026-01", ""),
            key("", "whsec_é\"\\\n"),
        ],
        events: ["order.*", "user.created", "ü", "order.*"].map(text).to_vec(),
        channels: ["north", "", "Süd 🦀", "north"].map(text).to_vec(),
        headers: [("x-b", "1"), ("X-A", ""), ("x-b", "é \"\\ 2")]
            .map(|(name, of)| (text(name), text(of)))
            .to_vec(),
        limits: Limits { in_flight: u32::MAX, per_second: Some(u32::MAX) },
        until_delivered: true,
        sends_trace: true,
        state: EndpointState::Disabled(DisabledBecause::Gone),
        created_at: 1_700_000_000_123_456,
        ..Endpoint::new("ep_é🦀", "https://例え.example/ü?a=%20&b='\"#c", "name = \"ours\"\n[signature]\n")
    };
    let empty = Endpoint {
        name: String::new(),
        tenant: Some(String::new()),
        events: Vec::new(),
        limits: Limits { in_flight: 1, per_second: Some(0) },
        state: EndpointState::Disabled(DisabledBecause::Operator),
        created_at: 1,
        ..Endpoint::new("ep_empty", "", "")
    };
    let state = EndpointState::Disabled(DisabledBecause::Failing);
    let failing = Endpoint { state, created_at: -1, ..endpoint("ep_failing") };
    vec![Endpoint { created_at: 2, ..endpoint("ep_bare") }, full, empty, failing]
}

/// Of two who have read an endpoint and write it, the second is told, and nothing of it is written. So is who
/// writes one that is there as a new one, or one that was deleted.
pub async fn of_two_who_change_an_endpoint_one_is_told_to_read_it_again(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    let new = Endpoint { name: String::from("new"), ..endpoint("ep") };
    store.put_endpoint_if_unchanged(&new).await.expect("there is none yet");
    assert_changed(&store, &Endpoint { name: String::from("new, too"), ..new }).await;
    let read = stored(&store, "ep").await;
    assert_eq!((&*read.name, read.revision), ("new", 1));
    let first = Endpoint { name: String::from("first"), ..read.clone() };
    store.put_endpoint_if_unchanged(&first).await.expect("nobody has changed it");
    assert_changed(&store, &Endpoint { name: String::from("second"), ..read.clone() }).await;
    assert_eq!(stored(&store, "ep").await, Endpoint { revision: 2, ..first });
    put(&store, &Endpoint { name: String::from("whatever it was"), ..read }).await;
    let read = stored(&store, "ep").await;
    assert_eq!((&*read.name, read.revision), ("whatever it was", 3));
    assert!(store.delete_endpoint("ep").await.expect(WORKS));
    assert_changed(&store, &read).await;
    assert_eq!(store.endpoint("ep").await.expect(WORKS), None);
}

async fn assert_changed(store: &impl OutboxStore, endpoint: &Endpoint) {
    let refused = store.put_endpoint_if_unchanged(endpoint).await.expect_err("it was changed");
    assert_eq!(refused.kind(), StoreErrorKind::Changed);
}

/// Of tasks that read, change and write an endpoint at one moment, each that writes has changed what the one
/// before has written: no change is lost.
pub async fn of_many_who_change_an_endpoint_at_once_each_change_is_made_to_the_one_before(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &Endpoint { name: String::new(), ..endpoint("ep") }).await;
    let rounds = harness.rounds().div_ceil(10);
    let written = race(harness, WORKERS, move |racer| async move {
        racer.ready().await;
        let mut written = 0;
        for _ in 0..rounds {
            let mut endpoint = stored(&racer.store, "ep").await;
            endpoint.name.push('x');
            match racer.store.put_endpoint_if_unchanged(&endpoint).await {
                Ok(()) => written += 1,
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Changed),
            }
        }
        written
    })
    .await;
    let written: usize = written.into_iter().sum();
    let last = stored(&store, "ep").await;
    assert_eq!((last.name.len(), last.revision), (written, 1 + written as i64));
}

/// Whatever is written but for its health changes an endpoint: its state, too, whoever has disabled it.
pub async fn what_changes_an_endpoint_raises_its_revision_and_health_does_not(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    for (effect, revision) in [(Effect::Well, 1), (FAILED, 1), (Effect::Gone, 2)] {
        enqueue(&store, &message("order.paid")).await;
        let settled = SettleDelivery { effect, ..settling(&claim_one(&store).await, Verdict::Dead) };
        assert_eq!(settle(&store, &settled).await, Settlement::Settled);
        assert_eq!(stored(&store, "ep").await.revision, revision, "{effect:?}");
    }
    assert!(store.set_state("ep", EndpointState::Enabled).await.expect(WORKS));
    assert_eq!(stored(&store, "ep").await.revision, 3);
    enqueue(&store, &message("order.paid")).await;
    let failed = SettleDelivery { effect: FAILED, ..settling(&claim_one(&store).await, Verdict::Dead) };
    assert_eq!(settle(&store, &failed).await, Settlement::Settled);
    for (disable_after, revision) in [(LONG, 3), (Duration::ZERO, 4)] {
        let turned = store.turn_failure_clocks(Duration::ZERO, disable_after).await.expect(WORKS);
        assert_eq!(turned.len(), 1, "{turned:?}");
        assert_eq!(stored(&store, "ep").await.revision, revision);
    }
}

/// An endpoint that says no time of creation was created when it was put first; one that is put again keeps
/// its time, and all else is as it was put last.
pub async fn an_endpoint_keeps_when_it_was_created(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let before = now(&store).await;
    put(&store, &endpoint("ep")).await;
    let after = now(&store).await;
    let created_at = stored(&store, "ep").await.created_at;
    assert!((before..=after).contains(&created_at), "{created_at} in {before} to {after}");
    harness.pass(harness.short()).await;
    for changed in all_sorts() {
        let changed = Endpoint { id: String::from("ep"), ..changed };
        put(&store, &changed).await;
        assert_is_stored(&store, &Endpoint { created_at, ..changed }).await;
    }
}

/// A store that can be written says so, and nothing in it is another than before.
pub async fn a_probe_leaves_everything_as_it_is(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    store.probe().await.expect("it can be written while it is empty");
    put_with_deliveries(&store, 1).await;
    let before = (stored(&store, "ep").await, store.depth().await.expect(WORKS).pending);
    for _ in 0..3 {
        store.probe().await.expect(WORKS);
    }
    assert_eq!((stored(&store, "ep").await, store.depth().await.expect(WORKS).pending), before);
    claim_one(&store).await;
}

/// Its health is the store's alone: an endpoint that is put again keeps it, and one that is new has none.
pub async fn an_endpoint_that_is_put_again_keeps_its_health(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let mut pretended = endpoint("ep");
    pretended.health =
        Health { failures: 9, failing_since: Some(1), open_until: Some(i64::MAX), ..Health::default() };
    put(&store, &pretended).await;
    assert_eq!(stored(&store, "ep").await.health, Health::default());
    enqueue(&store, &message("order.paid")).await;
    let claimed = claim_one(&store).await;
    let effect = Effect::Failed { open_for: Some(LONG) };
    let failed = SettleDelivery { effect, ..settling(&claimed, Verdict::Dead) };
    assert_eq!(settle(&store, &failed).await, Settlement::Settled);
    let health = stored(&store, "ep").await.health;
    assert_eq!(health.failures, 1);
    for state in [EndpointState::Disabled(DisabledBecause::Operator), EndpointState::Enabled] {
        put(&store, &Endpoint { state, ..endpoint("ep") }).await;
        let stored = stored(&store, "ep").await;
        assert_eq!((stored.state, stored.health), (state, health));
    }
}

/// Endpoints are listed by id, byte by byte, page by page: those of a tenant, those of none, or all.
pub async fn endpoints_are_listed_by_id_page_by_page(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let tenants = [None, Some(""), Some("acme"), Some("Acme")];
    let mut all = Vec::new();
    for (number, id) in
        ["b", "B", "é", "a", "_", "a ", "~", "aa", "Z", "0", "10", "2"].into_iter().enumerate()
    {
        let tenant = tenants[number % 4].map(String::from);
        put(&store, &Endpoint { tenant: tenant.clone(), ..endpoint(id) }).await;
        all.push((String::from(id), tenant));
    }
    all.sort();
    let of = |tenant: Option<&str>| {
        let own = all.iter().filter(|(_, of)| of.as_deref() == tenant);
        own.map(|(id, _)| id.clone()).collect::<Vec<_>>()
    };
    for limit in [1, 5, 12, 100] {
        assert_eq!(
            listed(&store, &TenantFilter::Any, limit).await,
            all.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>()
        );
        for tenant in tenants {
            let filter = TenantFilter::exactly(tenant);
            assert_eq!(listed(&store, &filter, limit).await, of(tenant), "{tenant:?} by {limit}");
        }
    }
    assert_eq!(listed(&store, &TenantFilter::Is(String::from("somebody")), 10).await, [""; 0]);
    let none = Page { after: None, limit: 0 };
    assert_eq!(store.endpoints(&TenantFilter::Any, &none).await.expect(WORKS), []);
}

/// Any key of any endpoint counts, by the beginning of its secret alone: not by its label, a header or the scheme.
pub async fn whether_secrets_begin_so_is_known_of_all_endpoints(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let key = |secret: &str| EndpointKey::new(String::from("sealed:label"), String::from(secret));
    let looks_like_it = String::from("\"secret\":\"sealed:");
    let plain = Endpoint {
        keys: vec![key("whsec_sealed:"), key("é\"\\%_")],
        headers: vec![(String::from("sealed:x"), looks_like_it.clone())],
        ..Endpoint::new("ep_plain", "https://example.com/", looks_like_it)
    };
    let bare = Endpoint { keys: Vec::new(), ..endpoint("ep_bare") };
    put(&store, &bare).await;
    assert!(!store.any_secret_begins("").await.expect(WORKS), "there is no secret");
    put(&store, &plain).await;
    for (beginning, holds) in
        [("", true), ("whsec_", true), ("é\"\\%_", true), ("sealed:", false), ("%", false)]
    {
        assert_eq!(store.any_secret_begins(beginning).await.expect(WORKS), holds, "{beginning}");
    }
    put(&store, &Endpoint { keys: vec![key("whsec_"), key("sealed:v1:")], ..endpoint("ep_sealed") }).await;
    assert!(store.any_secret_begins("sealed:").await.expect(WORKS));
    assert!(store.delete_endpoint("ep_sealed").await.expect(WORKS));
    assert!(!store.any_secret_begins("sealed:").await.expect(WORKS));
}

/// The ids of all endpoints of a tenant, asked for in pages.
async fn listed(store: &impl OutboxStore, tenant: &TenantFilter, limit: u32) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let page = Page { after: ids.last().cloned(), limit };
        let endpoints = store.endpoints(tenant, &page).await.expect(WORKS);
        assert!(endpoints.len() <= limit as usize);
        if endpoints.is_empty() {
            return ids;
        }
        ids.extend(endpoints.into_iter().map(|endpoint| endpoint.id));
        assert!(ids.len() < 100, "the pages come to an end");
    }
}

/// An endpoint that is deleted takes its deliveries and their attempts with it, also those that are under
/// way, and no other's; messages stay. It is given nothing more, and one of its id is a new one.
pub async fn a_deleted_endpoint_takes_its_deliveries_with_it(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("deleted")).await;
    put(&store, &endpoint("kept")).await;
    let enqueued = enqueue(&store, &message("first")).await;
    enqueue(&store, &message("second")).await;
    let claimed = claim(&store, 3).await;
    let gone = claimed.iter().filter(|claimed| claimed.endpoint.id == "deleted").collect::<Vec<_>>();
    end(&store, gone[0], Verdict::Dead).await;

    assert!(store.delete_endpoint("deleted").await.expect(WORKS));
    assert!(!store.delete_endpoint("deleted").await.expect(WORKS));
    assert_eq!(store.endpoint("deleted").await.expect(WORKS), None);
    let left = matching(&store, &ANY).await;
    assert_eq!(left.iter().map(|left| &*left.endpoint_id).collect::<Vec<_>>(), ["kept"; 2]);
    assert_eq!(attempts(&store, gone[0].id).await, []);
    for gone in gone {
        assert_eq!(settle(&store, &settling(gone, Verdict::Delivered)).await, Settlement::Superseded);
    }
    read(&store, &enqueued.id).await;
    assert_eq!(enqueue(&store, &message("third")).await.deliveries, 1);

    put(&store, &endpoint("deleted")).await;
    assert_eq!((stored(&store, "deleted").await.health, count(&store, &ANY).await), (Health::default(), 3));
}

/// What is enabled or disabled is listed so, with its reason, and stays as it was otherwise; of what isn't
/// there it is said.
pub async fn an_endpoint_is_enabled_and_disabled(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    put(&store, &endpoint("other")).await;
    let put = stored(&store, "ep").await;
    enqueue(&store, &message("order.paid")).await;
    for because in [DisabledBecause::Operator, DisabledBecause::Gone, DisabledBecause::Failing] {
        let state = EndpointState::Disabled(because);
        assert!(store.set_state("ep", state).await.expect(WORKS));
        assert_is_stored(&store, &Endpoint { state, ..put.clone() }).await;
    }
    assert_eq!(claim(&store, 10).await.len(), 1, "the other's");
    assert!(store.set_state("ep", EndpointState::Enabled).await.expect(WORKS));
    assert_is_stored(&store, &put).await;
    assert_eq!(claim_one(&store).await.endpoint.id, "ep");
    assert_nothing_is_due(&store).await;
    assert!(!store.set_state("unknown", EndpointState::Enabled).await.expect(WORKS));
}

/// What was claimed before its endpoint was disabled is settled; nothing more is claimed.
pub async fn adv_89_a_disabled_endpoint_is_given_nothing_more(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    enqueue(&store, &message("order.paid")).await;
    let under_way = claim_one(&store).await;
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("ep", disabled).await.expect(WORKS));
    assert_nothing_is_due(&store).await;
    end(&store, &under_way, Verdict::Delivered).await;
    harness.pass(harness.short()).await;
    assert_nothing_is_due(&store).await;
    assert_eq!(stored(&store, "ep").await.state, disabled);
}
