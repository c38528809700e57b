//! Events that are handled one after the other, on each database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign_store::{InboxStore, Outcome, Settlement};

use crate::support::{Database, HOUR, MINUTE, TestClock, dead, keys, lease, ordered, retry, settle};

on_each_database!(
    events_of_one_order_come_one_at_a_time_and_in_order,
    a_retry_holds_up_its_order_and_no_other,
    a_dead_row_does_not_hold_up_those_behind_it,
    a_row_that_was_put_back_waits_for_the_one_that_is_leased,
    a_lease_that_ends_does_not_free_the_next,
    another_tenant_or_source_has_orders_of_its_own,
    the_text_of_an_order_can_be_long,
    of_many_workers_no_two_have_rows_of_one_order,
);

async fn accept<S: InboxStore>(store: &S, events: &[(&str, &str)]) {
    for (key, order) in events {
        store.accept(&ordered(key, order)).await.unwrap();
    }
}

async fn events_of_one_order_come_one_at_a_time_and_in_order<D: Database>(database: &D) {
    let store = database.store();
    accept(&store, &[("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a"), ("b2", "b")]).await;
    for expected in [&["a1", "b1"][..], &["a2", "b2"], &["a3"], &[]] {
        let leased = lease(&store, 10).await;
        assert_eq!(keys(&leased), expected);
        assert_eq!(lease(&store, 10).await, []);
        let outcomes: Vec<_> = leased.iter().map(|leased| settle(leased, Outcome::Done)).collect();
        let _ = store.settle(&outcomes).await.unwrap();
    }
}

async fn a_retry_holds_up_its_order_and_no_other<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &[("a1", "a"), ("a2", "a"), ("b1", "b")]).await;
    let leased = lease(&store, 1).await;
    let _ = store.settle(&[settle(&leased[0], retry(HOUR))]).await.unwrap();
    assert_eq!(keys(&lease(&store, 10).await), ["b1"]);
    clock.ahead(HOUR);
    assert_eq!(keys(&lease(&store, 10).await), ["b1", "a1"], "the lease of b1 has ended too");
}

async fn a_dead_row_does_not_hold_up_those_behind_it<D: Database>(database: &D) {
    let store = database.store();
    accept(&store, &[("a1", "a"), ("a2", "a")]).await;
    let leased = lease(&store, 10).await;
    let _ = store.settle(&[settle(&leased[0], dead())]).await.unwrap();
    assert_eq!(keys(&lease(&store, 10).await), ["a2"]);
}

async fn a_row_that_was_put_back_waits_for_the_one_that_is_leased<D: Database>(database: &D) {
    let store = database.store();
    accept(&store, &[("a1", "a"), ("a2", "a"), ("a3", "a")]).await;
    let first = lease(&store, 10).await;
    let _ = store.settle(&[settle(&first[0], dead())]).await.unwrap();
    let second = lease(&store, 10).await;
    assert_eq!(keys(&second), ["a2"]);
    assert!(store.requeue(first[0].id).await.unwrap());
    assert_eq!(lease(&store, 10).await, []);
    let _ = store.settle(&[settle(&second[0], Outcome::Done)]).await.unwrap();
    assert_eq!(keys(&lease(&store, 10).await), ["a1"]);
}

async fn a_lease_that_ends_does_not_free_the_next<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &[("a1", "a"), ("a2", "a")]).await;
    let early = lease(&store, 10).await;
    clock.ahead(MINUTE);
    assert_eq!(keys(&lease(&store, 10).await), ["a1"]);
    assert_eq!(store.settle(&[settle(&early[0], Outcome::Done)]).await.unwrap(), [Settlement::Superseded]);
    assert_eq!(lease(&store, 10).await, []);
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
    accept(&store, &[("a1", &long), ("a2", &long)]).await;
    let leased = lease(&store, 10).await;
    assert_eq!(keys(&leased), ["a1"]);
    assert_eq!(leased[0].received.order.as_deref(), Some(&*long));
}

/// Leases end, rows die and are put back while the workers work; what each has at a moment is written
/// down, and nobody may find another's entry.
async fn of_many_workers_no_two_have_rows_of_one_order<D: Database>(database: &D) {
    let store = database.store();
    let held: Arc<Mutex<HashMap<String, i64>>> = Arc::default();
    for n in 0..300 {
        accept(&store, &[(&format!("evt_{n}"), &format!("order_{}", n % 5))]).await;
    }
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (store, held) = (store.clone(), held.clone());
            tokio::spawn(async move {
                let mut turn = worker;
                while store.depth().await.unwrap() > 0 {
                    for leased in lease(&store, 3).await {
                        turn += 1;
                        let order = leased.received.order.clone().unwrap();
                        let before = held.lock().unwrap().insert(order.clone(), leased.id);
                        assert_eq!(before, None, "two rows of {order} are leased at once");
                        tokio::time::sleep(Duration::from_millis(turn % 3)).await;
                        held.lock().unwrap().remove(&order);
                        let outcome = match turn % 7 {
                            0 => retry(Duration::ZERO),
                            1 => dead(),
                            _ => Outcome::Done,
                        };
                        let dies = matches!(outcome, Outcome::Dead { .. });
                        let settled = store.settle(&[settle(&leased, outcome)]).await.unwrap();
                        assert_eq!(settled, [Settlement::Settled]);
                        if dies {
                            assert!(store.requeue(leased.id).await.unwrap());
                        }
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 300);
}
