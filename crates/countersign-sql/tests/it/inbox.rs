//! What these databases promise of the inbox beyond the suite in `conformance.rs`.

use std::{future::poll_fn, task::Poll, time::Duration};

use countersign_store::{InboxStore, Leased, Outcome, Settlement, StoreErrorKind};

use crate::support::{
    DAY, Database, HOUR, MINUTE, SECOND, TestClock, accept, event, keys, lease, ordered, retry, settle,
};

on_each_database!(
    rows_are_forgotten_a_bounded_number_at_a_time,
    an_event_that_can_not_be_kept_is_refused,
    another_tenant_or_source_has_orders_of_its_own,
    the_text_of_an_order_can_be_long,
    a_lease_that_nobody_has_heard_of_takes_no_attempt,
    a_row_that_can_not_be_read_takes_nothing_from_the_others,
    adv_91_a_clock_that_steps_loses_nothing,
    adv_91_what_a_clock_far_ahead_has_put_off_is_due_once_it_is_right,
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

async fn adv_91_what_a_clock_far_ahead_has_put_off_is_due_once_it_is_right<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &["retried"]).await;
    let retried = settle(&lease(&store, 1).await[0], retry(400 * DAY));
    assert_eq!(store.settle(&[retried]).await.unwrap(), [Settlement::Settled]);
    clock.ahead(365 * DAY);
    accept(&store, &["leased", "pending"]).await;
    store.accept(&ordered("ordered", "a")).await.unwrap();
    assert_eq!(lease(&store, 1).await.len(), 1);
    clock.back(365 * DAY);
    store.accept(&ordered("behind", "a")).await.unwrap();
    assert_eq!(lease(&store, 10).await, []);
    assert_eq!(store.prune(HOUR).await.unwrap(), 0);
    let mut due = lease(&store, 10).await;
    due.sort_by_key(|leased| leased.id);
    assert_eq!(
        keys(&due),
        ["leased", "pending", "ordered"],
        "a retry waits for as long as its handler has said"
    );
}

async fn a_lease_that_nobody_has_heard_of_takes_no_attempt<D: Database>(database: &D) {
    let store = database.store();
    accept(&store, &["a", "b"]).await;
    while let Some(leased) = leased_unheard(database, &store).await {
        let back: Vec<_> = leased.iter().map(|leased| settle(leased, Outcome::Returned)).collect();
        assert_eq!(store.settle(&back).await.unwrap(), [Settlement::Settled; 2]);
    }
    let leased = lease(&store, 10).await;
    assert_eq!(keys(&leased), ["a", "b"]);
    assert!(leased.iter().all(|leased| leased.attempt == 1), "{leased:?}");
}

/// Leases what is due, and goes once the rows are leased, before it is told of them: step by step, as it may be told all
/// in one. Then they are given.
async fn leased_unheard<D: Database>(database: &D, store: &D::Store) -> Option<Vec<Leased>> {
    let mut leasing = Box::pin(store.lease(10, HOUR));
    while database.count("SELECT count(*) FROM countersign_inbox WHERE state = 'leased'").await == 0 {
        if let Poll::Ready(told) = poll_fn(|context| Poll::Ready(leasing.as_mut().poll(context))).await {
            return Some(told.unwrap());
        }
    }
    None
}

async fn a_row_that_can_not_be_read_takes_nothing_from_the_others<D: Database>(database: &D) {
    spoil_and_mend(
        database,
        "UPDATE countersign_inbox SET headers = '{' WHERE key = 'bad'",
        "UPDATE countersign_inbox SET headers = '[]' WHERE key = 'bad'",
    )
    .await;
}

/// PostgreSQL has no such text.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_text_that_is_no_text_takes_nothing_from_the_other_rows() {
    spoil_and_mend(
        &crate::sqlite::Fresh::new().await,
        "UPDATE countersign_inbox SET source = CAST(x'ff' AS TEXT) WHERE key = 'bad'",
        "UPDATE countersign_inbox SET source = 'mended' WHERE key = 'bad'",
    )
    .await;
}

/// Of three rows one is spoilt. It waits until it can be read, and counts from then on.
async fn spoil_and_mend<D: Database>(database: &D, spoil: &'static str, mend: &'static str) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &["a", "bad", "b"]).await;
    database.execute(spoil).await;
    let leased = lease(&store, 10).await;
    assert_eq!(keys(&leased), ["a", "b"]);
    let done: Vec<_> = leased.iter().map(|leased| settle(leased, Outcome::Done)).collect();
    assert_eq!(store.settle(&done).await.unwrap(), [Settlement::Settled; 2]);
    for _ in 0..20 {
        assert_eq!(lease(&store, 10).await, []);
        clock.ahead(MINUTE);
    }
    database.execute(mend).await;
    let leased = lease(&store, 10).await;
    assert_eq!((keys(&leased), leased[0].attempt), (vec!["bad"], 1));
}
