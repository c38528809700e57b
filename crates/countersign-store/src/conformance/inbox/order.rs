//! What an inbox promises of rows that are handled one after the other.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::steps::{
    WORKERS, WORKS, accept, accept_all, assert_all_settled, dead, depth, event, keys, lease, lease_briefly,
    lease_one, ordered, requeue, retry, settle, settling,
};
use crate::{
    InboxStore, Leased, Outcome, Settle, Settlement,
    conformance::{Harness, LONG, race},
};

/// Rows of one order are leased one at a time, in the order in which they were accepted; rows of other
/// orders, and rows without one, don't wait for them.
pub async fn rows_of_one_order_are_leased_one_at_a_time_as_accepted(
    harness: &impl Harness<Store: InboxStore>,
) {
    let store = harness.store().await;
    accept_all(&store, &[ordered("a1", "a"), ordered("a2", "a"), ordered("b1", "b")]).await;
    accept_all(&store, &[event("free1"), event("free2"), ordered("a3", "a"), ordered("b2", "b")]).await;
    // An order that is an empty text is one, too.
    accept_all(&store, &[ordered("empty1", ""), ordered("empty2", "")]).await;
    for expected in [&["a1", "b1", "empty1", "free1", "free2"][..], &["a2", "b2", "empty2"], &["a3"], &[]] {
        let leased = lease(&store, 10).await;
        assert_eq!(BTreeSet::from_iter(keys(&leased)), BTreeSet::from_iter(expected.iter().copied()));
        assert_eq!(lease(&store, 10).await, []);
        assert_all_settled(&store, &leased, Outcome::Done).await;
    }
}

/// A row that waits to be tried again holds up those behind it, and no other order.
pub async fn a_retry_holds_up_its_order_and_no_other(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept_all(&store, &[ordered("a1", "a"), ordered("a2", "a")]).await;
    let leased = lease_one(&store).await;
    assert_eq!(settle(&store, &leased, retry(harness.short())).await, Settlement::Settled);
    accept_all(&store, &[ordered("a3", "a"), ordered("b1", "b")]).await;
    harness.pass(harness.short()).await;
    let leased = lease(&store, 10).await;
    assert_eq!(BTreeSet::from_iter(keys(&leased)), BTreeSet::from(["a1", "b1"]));
    assert_all_settled(&store, &leased, retry(LONG)).await;
    assert_eq!(lease(&store, 10).await, []);
}

/// A row whose lease has ended is leased again before those behind it.
pub async fn a_lease_that_ends_does_not_free_the_next_of_its_order(
    harness: &impl Harness<Store: InboxStore>,
) {
    let store = harness.store().await;
    accept_all(&store, &[ordered("a1", "a"), ordered("a2", "a")]).await;
    let early = lease_briefly(harness, &store).await;
    let late = lease_one(&store).await;
    assert_eq!((&*late.received.key, late.id), ("a1", early.id));
    assert_eq!(settle(&store, &early, Outcome::Done).await, Settlement::Superseded);
    assert_eq!(lease(&store, 10).await, []);
    assert_eq!(settle(&store, &late, Outcome::Done).await, Settlement::Settled);
    assert_eq!(lease_one(&store).await.received.key, "a2");
}

/// A row that was given up doesn't hold up those behind it.
pub async fn a_dead_row_does_not_hold_up_those_behind_it(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept_all(&store, &[ordered("a1", "a"), ordered("a2", "a")]).await;
    assert_eq!(settle(&store, &lease_one(&store).await, dead("")).await, Settlement::Settled);
    assert_eq!(lease_one(&store).await.received.key, "a2");
}

/// A dead row that is put back isn't leased beside another of its order, and comes before those that
/// were accepted after it.
pub async fn a_row_that_was_put_back_waits_for_its_order(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept_all(&store, &[ordered("a1", "a"), ordered("a2", "a"), ordered("a3", "a")]).await;
    let first = lease_one(&store).await;
    assert_eq!(settle(&store, &first, dead("")).await, Settlement::Settled);
    let second = lease_one(&store).await;
    assert!(requeue(&store, first.id).await);
    assert_eq!(lease(&store, 10).await, [], "a2 is leased");
    assert_eq!(settle(&store, &second, Outcome::Done).await, Settlement::Settled);
    assert_eq!(keys(&lease(&store, 10).await), ["a1"]);
}

/// However many rows of one order are due before them, the first of each other order is leased, and so are rows without
/// one: all of them the longest due first.
pub async fn many_rows_of_one_order_do_not_hold_up_those_of_others(
    harness: &impl Harness<Store: InboxStore>,
) {
    let store = harness.store().await;
    accept(&store, &ordered("b1", "b")).await;
    let retried = lease_one(&store).await;
    for number in 0..300 {
        accept(&store, &ordered(&format!("a{number}"), "a")).await;
    }
    harness.pass(harness.short()).await;
    accept_all(&store, &[ordered("c1", "c"), event("free1"), ordered("c2", "c"), ordered("d1", "d")]).await;
    harness.pass(harness.short()).await;
    assert_eq!(settle(&store, &retried, retry(Duration::ZERO)).await, Settlement::Settled);
    accept_all(&store, &[ordered("b2", "b"), event("free2")]).await;

    let mut first = lease(&store, 3).await;
    assert_eq!(keys(&first), ["a0", "c1", "free1"]);
    assert_all_settled(&store, &first.split_off(1), Outcome::Done).await;
    let second = lease(&store, 10).await;
    assert_eq!(BTreeSet::from_iter(keys(&second)), BTreeSet::from(["c2", "d1", "b1", "free2"]));
    assert_eq!(keys(&second)[..2], ["c2", "d1"]);
    assert_eq!(lease(&store, 10).await, [], "a0 and b1 are leased");
    assert_all_settled(&store, &first, dead("")).await;
    assert_eq!(keys(&lease(&store, 10).await), ["a1"]);
}

/// Workers that lease at the same time never have two rows of one order, and are given them in the
/// order in which they were accepted, though some are tried again and some are given up.
pub async fn of_many_workers_one_has_rows_of_an_order(harness: &impl Harness<Store: InboxStore>) {
    let rows = harness.rows().div_ceil(WORKERS);
    let orders = Arc::new(Orders::default());
    race(harness, WORKERS, |racer| {
        let orders = orders.clone();
        async move {
            // One task accepts the rows of one order, so that it is known in which order they are.
            for number in 0..rows {
                let order = format!("order_{}", racer.number);
                accept(&racer.store, &ordered(&format!("{order}/{number}"), &order)).await;
            }
            racer.ready().await;
            while depth(&racer.store).await > 0 {
                let leased = lease(&racer.store, 3).await;
                leased.iter().for_each(|row| orders.begin(row));
                tokio::task::yield_now().await;
                let batch: Vec<Settle> = leased.iter().map(|row| settling(row, orders.end(row))).collect();
                let settlements = racer.store.settle(&batch).await.expect(WORKS);
                assert_eq!(settlements, vec![Settlement::Settled; batch.len()]);
            }
        }
    })
    .await;
    assert_eq!(orders.handled(), vec![rows; WORKERS]);
}

/// What the workers have of each order at a moment.
#[derive(Default)]
struct Orders(Mutex<HashMap<String, Order>>);

#[derive(Default)]
struct Order {
    is_held: bool,
    /// The number of the row that is to come.
    next: usize,
}

impl Orders {
    fn begin(&self, row: &Leased) {
        self.change(row, |order| {
            assert!(!order.is_held, "two rows of an order are leased: {}", row.received.key);
            assert!(row.received.key.ends_with(&format!("/{}", order.next)), "it is another's turn");
            order.is_held = true;
        });
    }

    /// What becomes of the row. Of three, one is done, one is tried again before, and one is given up.
    fn end(&self, row: &Leased) -> Outcome {
        self.change(row, |order| {
            order.is_held = false;
            let third = order.next % 3;
            if third == 1 && row.attempt == 1 {
                return retry(Duration::ZERO);
            }
            order.next += 1;
            if third == 2 { dead("") } else { Outcome::Done }
        })
    }

    fn change<T>(&self, row: &Leased, change: impl FnOnce(&mut Order) -> T) -> T {
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(orders.entry(row.received.order.clone().expect("an order")).or_default())
    }

    /// How many rows of each order came to their end.
    fn handled(&self) -> Vec<usize> {
        let orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.values().map(|order| order.next).collect()
    }
}
