//! What an inbox promises of events that were given up.

use std::time::Duration;

use super::steps::{accept, accept_all, dead, depth, event, lease, lease_one, page, requeue, retry, settle};
use crate::{InboxStore, Outcome, Settlement, conformance::Harness};

/// A dead row is leased no more, and listed with the reason of its last attempt.
pub async fn a_dead_row_is_kept_with_its_reason(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    let reason = "é".repeat(512);
    accept(&store, &event("key")).await;
    for attempt in 1..=2 {
        let leased = lease_one(&store).await;
        let outcome = if attempt == 1 { retry(Duration::ZERO) } else { dead(&reason) };
        assert_eq!(settle(&store, &leased, outcome).await, Settlement::Settled);
    }
    assert_eq!(lease(&store, 10).await, []);
    let letter = page(&store, 0, 10).await.remove(0);
    assert_eq!((letter.attempts, letter.reason, letter.received), (2, reason, event("key")));
}

/// Dead rows are listed by id, from the one after `after`, at most `limit`; others aren't listed.
pub async fn dead_rows_are_listed_by_id_page_by_page(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept_all(&store, &["a", "b", "c", "d", "e"].map(event)).await;
    let mut ids = Vec::new();
    // The last comes first, so that the order isn't the one in which they died.
    for leased in lease(&store, 5).await.iter().rev() {
        assert_eq!(settle(&store, leased, dead("")).await, Settlement::Settled);
        ids.push(leased.id);
    }
    ids.sort_unstable();
    accept_all(&store, &["pending", "leased", "done"].map(event)).await;
    assert_eq!(settle(&store, &lease_one(&store).await, Outcome::Done).await, Settlement::Settled);
    lease_one(&store).await;

    let (first, second) = (page(&store, 0, 3).await, page(&store, ids[2], 3).await);
    let listed: Vec<i64> = first.iter().chain(&second).map(|letter| letter.id).collect();
    assert_eq!((first.len(), listed), (3, ids.clone()));
    assert_eq!(page(&store, ids[4], 3).await, []);
    assert_eq!(page(&store, 0, 0).await, []);
}

/// A dead row that is put back is due at once, and its attempts are counted from 1. No other can be put
/// back.
pub async fn a_dead_row_that_is_put_back_starts_anew(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept(&store, &event("key")).await;
    let mut leased = lease_one(&store).await;
    assert!(!requeue(&store, leased.id).await, "it is leased");
    assert_eq!(settle(&store, &leased, retry(Duration::ZERO)).await, Settlement::Settled);
    assert!(!requeue(&store, leased.id).await, "it is pending");
    leased = lease_one(&store).await;
    assert_eq!(settle(&store, &leased, dead("")).await, Settlement::Settled);

    assert!(requeue(&store, leased.id).await);
    assert!(!requeue(&store, leased.id).await, "it was put back");
    assert!(!requeue(&store, i64::MAX).await, "there is no such row");
    assert_eq!((page(&store, 0, 10).await, depth(&store).await), (vec![], 1));
    let again = lease_one(&store).await;
    assert_eq!((again.id, again.attempt, &again.received), (leased.id, 1, &leased.received));
    assert_eq!(settle(&store, &leased, Outcome::Done).await, Settlement::Superseded);
    assert_eq!(settle(&store, &again, Outcome::Done).await, Settlement::Settled);
    assert!(!requeue(&store, leased.id).await, "it is done");
}
