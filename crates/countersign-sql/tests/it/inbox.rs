//! The inbox, on each database. What concerns the order of events is in `lanes.rs`.

use std::{collections::BTreeMap, time::Duration};

use countersign_store::{Accepted, InboxStore, Outcome, Received, Settlement, StoreErrorKind};

use crate::support::{
    Database, HOSTILE, HOUR, MINUTE, SECOND, TestClock, accept, dead, event, keys, lease, retry, settle,
};

on_each_database!(
    an_event_comes_back_as_it_was_accepted,
    a_copy_is_known_whatever_became_of_the_first,
    of_many_copies_at_once_one_is_new,
    the_longest_due_comes_first,
    a_lease_that_ends_goes_to_another_and_the_first_settles_nothing,
    settlements_are_answered_in_their_order,
    a_retry_is_due_after_its_delay,
    an_attempt_that_was_returned_does_not_count,
    a_dead_row_is_listed_until_it_is_put_back,
    dead_rows_are_listed_page_by_page,
    only_done_rows_are_forgotten,
    rows_are_forgotten_a_bounded_number_at_a_time,
    an_event_that_can_not_be_kept_is_refused,
    spans_can_be_as_long_as_they_like,
    adv_90_of_many_workers_one_has_each_row,
    adv_91_a_clock_that_steps_loses_nothing,
    adv_92_an_event_is_never_read_as_sql,
);

async fn an_event_comes_back_as_it_was_accepted<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    let mut full = Received::new("full", "stripe", &b"\0\xff{\"a\":1}\r\n"[..]);
    full.tenant = Some("acme".to_owned());
    full.event_id = Some("evt_1".to_owned());
    full.event_type = Some("invoice.paid".to_owned());
    full.order = Some("cus_1".to_owned());
    full.data_at = "/data/object".to_owned();
    let bare = Received::new("bare", "github", "");
    store.accept(&full).await.unwrap();
    store.accept(&bare).await.unwrap();
    assert_eq!(store.depth().await.unwrap(), 2);

    let leased = store.lease(10, MINUTE).await.unwrap();
    assert_eq!((&leased[0].received, &leased[1].received), (&full, &bare));
    assert_eq!((leased[0].attempt, leased[0].accepted_at), (1, clock.now()));
    assert_eq!(lease(&store, 10).await, []);
    let _ = store.settle(&[settle(&leased[0], dead())]).await.unwrap();
    assert_eq!(store.dead(0, 10).await.unwrap()[0].received, full);
    assert_eq!(store.depth().await.unwrap(), 1);
}

async fn a_copy_is_known_whatever_became_of_the_first<D: Database>(database: &D) {
    let store = database.store();
    for outcome in [Outcome::Done, dead(), retry(HOUR)] {
        let event = event(&format!("{outcome:?}"));
        assert_eq!(store.accept(&event).await.unwrap(), Accepted::New);
        assert_eq!(store.accept(&event).await.unwrap(), Accepted::Duplicate);
        let leased = lease(&store, 10).await;
        assert_eq!(store.accept(&event).await.unwrap(), Accepted::Duplicate);
        let _ = store.settle(&[settle(&leased[0], outcome)]).await.unwrap();
        assert_eq!(store.accept(&event).await.unwrap(), Accepted::Duplicate);
        assert_eq!(lease(&store, 10).await, []);
    }
}

async fn of_many_copies_at_once_one_is_new<D: Database>(database: &D) {
    for round in 0..50 {
        let event = event(&format!("evt_{round}"));
        let copies: Vec<_> = (0..16)
            .map(|_| {
                let (store, event) = (database.store(), event.clone());
                tokio::spawn(async move { store.accept(&event).await.unwrap() })
            })
            .collect();
        let mut new = 0;
        for copy in copies {
            new += usize::from(copy.await.unwrap() == Accepted::New);
        }
        assert_eq!(new, 1);
    }
    assert_eq!(database.store().depth().await.unwrap(), 50);
}

async fn the_longest_due_comes_first<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &["retried"]).await;
    let leased = lease(&store, 1).await;
    let _ = store.settle(&[settle(&leased[0], retry(2 * SECOND))]).await.unwrap();
    for key in ["second", "fourth"] {
        clock.ahead(SECOND);
        accept(&store, &[key]).await;
        clock.ahead(SECOND);
    }
    clock.back(4 * SECOND);
    accept(&store, &["first"]).await;
    clock.ahead(4 * SECOND);
    assert_eq!(keys(&lease(&store, 3).await), ["first", "second", "retried"]);
    assert_eq!(keys(&lease(&store, 3).await), ["fourth"]);
}

async fn a_lease_that_ends_goes_to_another_and_the_first_settles_nothing<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &["evt_1"]).await;
    let early = lease(&store, 1).await;
    clock.ahead(MINUTE - Duration::from_micros(1));
    assert_eq!(lease(&store, 1).await, []);
    clock.ahead(Duration::from_micros(1));
    let late = lease(&store, 1).await;
    assert_eq!((late[0].id, late[0].attempt), (early[0].id, 2));
    assert_ne!(late[0].fence, early[0].fence);
    for outcome in [Outcome::Done, dead(), retry(HOUR), Outcome::Returned] {
        assert_eq!(store.settle(&[settle(&early[0], outcome)]).await.unwrap(), [Settlement::Superseded]);
    }
    assert_eq!(store.settle(&[settle(&late[0], Outcome::Done)]).await.unwrap(), [Settlement::Settled]);
    assert_eq!(store.depth().await.unwrap(), 0);
}

async fn settlements_are_answered_in_their_order<D: Database>(database: &D) {
    use Settlement::{Settled, Superseded};
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &["a", "b", "c"]).await;
    let early = lease(&store, 1).await;
    clock.ahead(MINUTE);
    let leased = lease(&store, 3).await;
    let a = leased.iter().position(|leased| leased.id == early[0].id).unwrap();
    let [b, c] = [(a + 1) % 3, (a + 2) % 3];
    let batch = [
        settle(&leased[b], dead()),
        settle(&early[0], Outcome::Done),
        settle(&leased[a], retry(HOUR)),
        settle(&leased[b], Outcome::Done),
        settle(&leased[c], Outcome::Done),
    ];
    assert_eq!(store.settle(&batch).await.unwrap(), [Settled, Superseded, Settled, Superseded, Settled]);
    assert_eq!(store.settle(&[]).await.unwrap(), []);
    assert_eq!(store.dead(0, 10).await.unwrap()[0].id, leased[b].id, "of two outcomes the first counts");
    assert_eq!(store.depth().await.unwrap(), 1);
}

async fn a_retry_is_due_after_its_delay<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &["evt_1"]).await;
    for attempt in 1..=3 {
        let leased = lease(&store, 1).await;
        assert_eq!(leased[0].attempt, attempt);
        let _ = store.settle(&[settle(&leased[0], retry(HOUR))]).await.unwrap();
        clock.ahead(HOUR - SECOND);
        assert_eq!(lease(&store, 1).await, []);
        clock.ahead(SECOND);
    }
}

async fn an_attempt_that_was_returned_does_not_count<D: Database>(database: &D) {
    let store = database.store();
    accept(&store, &["evt_1"]).await;
    for _ in 0..3 {
        let leased = lease(&store, 1).await;
        assert_eq!(leased[0].attempt, 1);
        let _ = store.settle(&[settle(&leased[0], Outcome::Returned)]).await.unwrap();
    }
}

async fn a_dead_row_is_listed_until_it_is_put_back<D: Database>(database: &D) {
    let store = database.store();
    accept(&store, &["evt_1"]).await;
    let leased = lease(&store, 1).await;
    assert!(!store.requeue(leased[0].id).await.unwrap(), "it isn't dead");
    let outcome = Outcome::Dead { reason: format!("nul \0 and {}", "é".repeat(2_000)) };
    let _ = store.settle(&[settle(&leased[0], outcome)]).await.unwrap();
    assert_eq!(lease(&store, 1).await, []);
    assert_eq!(store.depth().await.unwrap(), 0);

    let letters = store.dead(0, 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].id, letters[0].attempts), (1, leased[0].id, 1));
    assert!(letters[0].reason.starts_with("nul  and é") && letters[0].reason.len() <= 1_024);
    assert!(store.requeue(leased[0].id).await.unwrap());
    assert!(!store.requeue(leased[0].id).await.unwrap());
    assert!(!store.requeue(i64::MAX).await.unwrap());
    assert_eq!(store.dead(0, 10).await.unwrap(), []);
    let again = lease(&store, 1).await;
    assert_eq!((again[0].attempt, &again[0].received), (1, &event("evt_1")));
}

async fn dead_rows_are_listed_page_by_page<D: Database>(database: &D) {
    let store = database.store();
    accept(&store, &["a", "b", "c"]).await;
    let outcomes: Vec<_> = lease(&store, 3).await.iter().map(|leased| settle(leased, dead())).collect();
    let _ = store.settle(&outcomes).await.unwrap();
    let first = store.dead(0, 2).await.unwrap();
    let second = store.dead(first[1].id, 2).await.unwrap();
    let listed: Vec<_> = first.iter().chain(&second).map(|letter| letter.received.key.as_str()).collect();
    assert_eq!(listed, ["a", "b", "c"]);
    assert_eq!(store.dead(second[0].id, 2).await.unwrap(), []);
}

async fn only_done_rows_are_forgotten<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    accept(&store, &["done", "dead", "leased", "pending"]).await;
    let leased = lease(&store, 3).await;
    let outcomes = [settle(&leased[0], Outcome::Done), settle(&leased[1], dead())];
    let _ = store.settle(&outcomes).await.unwrap();
    clock.ahead(HOUR - SECOND);
    assert_eq!(store.prune(HOUR).await.unwrap(), 0);
    clock.ahead(SECOND);
    assert_eq!(store.prune(HOUR).await.unwrap(), 1);
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(store.accept(&event("done")).await.unwrap(), Accepted::New);
    for key in ["dead", "leased", "pending"] {
        assert_eq!(store.accept(&event(key)).await.unwrap(), Accepted::Duplicate);
    }
}

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

async fn spans_can_be_as_long_as_they_like<D: Database>(database: &D) {
    let store = database.store();
    accept(&store, &["evt_1", "evt_2"]).await;
    let leased = store.lease(1, Duration::MAX).await.unwrap();
    let other = store.lease(1, SECOND).await.unwrap();
    let batch = [settle(&leased[0], retry(Duration::MAX)), settle(&other[0], Outcome::Done)];
    assert_eq!(store.settle(&batch).await.unwrap(), [Settlement::Settled; 2]);
    assert_eq!(store.prune(Duration::MAX).await.unwrap(), 0);
    assert_eq!(store.lease(0, SECOND).await.unwrap(), []);
    assert_eq!(store.lease(u32::MAX, SECOND).await.unwrap(), []);
}

async fn adv_90_of_many_workers_one_has_each_row<D: Database>(database: &D) {
    const ROWS: usize = 1_000;
    let store = database.store();
    for n in 0..ROWS {
        accept(&store, &[&format!("evt_{n}")]).await;
    }
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut handled = Vec::new();
                while store.depth().await.unwrap() > 0 {
                    let leased = lease(&store, 7).await;
                    let outcomes: Vec<_> = leased.iter().map(|row| settle(row, Outcome::Done)).collect();
                    let settled = store.settle(&outcomes).await.unwrap();
                    assert!(settled.iter().all(|settled| *settled == Settlement::Settled));
                    handled.extend(leased.into_iter().map(|row| row.received.key));
                }
                handled
            })
        })
        .collect();
    let mut counts = BTreeMap::new();
    for worker in workers {
        worker.await.unwrap().into_iter().for_each(|key| *counts.entry(key).or_insert(0) += 1);
    }
    assert_eq!(counts.len(), ROWS);
    assert!(counts.values().all(|count| *count == 1));
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

async fn adv_92_an_event_is_never_read_as_sql<D: Database>(database: &D) {
    let store = database.store();
    for text in HOSTILE {
        let mut received = Received::new(*text, *text, *text);
        received.tenant = Some((*text).to_owned());
        received.event_id = Some((*text).to_owned());
        received.event_type = Some((*text).to_owned());
        received.order = Some((*text).to_owned());
        received.data_at = (*text).to_owned();
        assert_eq!(store.accept(&received).await.unwrap(), Accepted::New);
        let leased = lease(&store, 10).await;
        assert_eq!(leased[0].received, received);
        let outcome = Outcome::Dead { reason: (*text).to_owned() };
        let _ = store.settle(&[settle(&leased[0], outcome)]).await.unwrap();
        assert_eq!(store.dead(leased[0].id - 1, 1).await.unwrap()[0].reason, *text);
    }
    assert_eq!(store.dead(0, 100).await.unwrap().len(), HOSTILE.len());
}
