//! What these databases promise of the inbox beyond the suite in `conformance.rs`.

use std::time::Duration;

use countersign_store::{InboxStore, Outcome, Settlement, StoreErrorKind};

use crate::support::{Database, HOUR, SECOND, TestClock, accept, event, keys, lease, ordered, retry, settle};

on_each_database!(
    rows_are_forgotten_a_bounded_number_at_a_time,
    an_event_that_can_not_be_kept_is_refused,
    another_tenant_or_source_has_orders_of_its_own,
    the_text_of_an_order_can_be_long,
    adv_91_a_clock_that_steps_loses_nothing,
);

async fn rows_are_forgotten_a_bounded_number_at_a_time<D: Database>(database: &D) {
    let store = database.store();
    for n in 0..1_100 {
        accept(&store, &[&format!("evt_{n}")]).await;
    }
    let outcomes: Vec<_> =
        lease(&store, 2_000).await.iter().map(|leased| settle(leased, Outcome::Done)).collect();
    let _ = store.settle(&outcomes).await.unwrap();
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 1_000);
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 100);
}

async fn an_event_that_can_not_be_kept_is_refused<D: Database>(database: &D) {
    let store = database.store();
    let mut nul = event("key");
    nul.event_type = Some("a\0b".to_owned());
    for event in [event(""), event(&"x".repeat(1_025)), event("a\0b"), nul] {
        assert_eq!(store.accept(&event).await.unwrap_err().kind(), StoreErrorKind::Invalid);
    }
    assert_eq!(store.depth().await.unwrap(), 0);
}

async fn another_tenant_or_source_has_orders_of_its_own<D: Database>(database: &D) {
    let store = database.store();
    let mut tenant = ordered("tenant", "a");
    tenant.tenant = Some("acme".to_owned());
    let mut source = ordered("source", "a");
    source.source = "github".to_owned();
    for event in [ordered("plain", "a"), tenant, source] {
        store.accept(&event).await.unwrap();
    }
    assert_eq!(keys(&lease(&store, 10).await), ["plain", "tenant", "source"]);
}

async fn the_text_of_an_order_can_be_long<D: Database>(database: &D) {
    let store = database.store();
    let long: String = ('\u{4e00}'..'\u{7000}').collect();
    for key in ["a1", "a2"] {
        store.accept(&ordered(key, &long)).await.unwrap();
    }
    let leased = lease(&store, 10).await;
    assert_eq!(keys(&leased), ["a1"]);
    assert_eq!(leased[0].received.order.as_deref(), Some(&*long));
}

async fn adv_91_a_clock_that_steps_loses_nothing<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &["pending", "leased"]).await;
    let leased = lease(&store, 1).await;
    clock.back(HOUR);
    assert_eq!(lease(&store, 10).await, [], "nothing is due before it was accepted");
    assert_eq!(store.settle(&[settle(&leased[0], retry(SECOND))]).await.unwrap(), [Settlement::Settled]);
    clock.ahead(10 * 365 * 24 * HOUR);
    assert_eq!(lease(&store, 10).await.len(), 2);
}
