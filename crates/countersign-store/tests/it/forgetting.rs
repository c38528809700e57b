//! When a key is forgotten of which nobody asks, and by which clock.

use std::time::Duration;

use countersign_store::{Claim, IdempotencyStore, MemoryStore, Settlement};

use crate::support::{HOUR, MINUTE, OK, SECOND, TestClock, claim, claimed, complete, done};

/// Claims so many other keys that each part of the store has seen several.
async fn claim_others(store: &MemoryStore, name: &str) {
    for number in 0..OTHERS {
        claimed(store, &format!("{name}_{number}")).await;
    }
}

#[tokio::test]
async fn claims_remove_what_was_done_and_has_expired() {
    let clock = TestClock::default();
    let store = clock.store();
    for number in 0..OTHERS {
        done(&store, &format!("done_{number}"), HOUR).await;
    }
    clock.ahead(HOUR);
    assert_eq!(store.len(), OTHERS);
    claim_others(&store, "other").await;
    assert_eq!((store.len(), store.evicted()), (OTHERS, 0));
}

#[tokio::test]
async fn a_claim_that_nobody_settles_is_kept_for_an_hour_after_its_lease() {
    let clock = TestClock::default();
    let store = clock.store();
    let kept = claimed(&store, "kept").await;
    clock.ahead(MINUTE + HOUR - SECOND);
    let forgotten = claimed(&store, "forgotten").await;
    claim_others(&store, "early").await;
    assert_eq!(complete(&store, &kept, 24 * HOUR).await, Settlement::Settled);
    assert_eq!(store.len(), 2 + OTHERS);

    clock.ahead(MINUTE + HOUR);
    claim_others(&store, "late").await;
    assert_eq!(complete(&store, &forgotten, HOUR).await, Settlement::Superseded);
    assert_eq!(claim(&store, "kept").await, Claim::Done(OK));
    assert_eq!(store.len(), 1 + OTHERS);
}

#[tokio::test]
async fn time_passes_by_itself() {
    let store = MemoryStore::new();
    let short = Duration::from_millis(20);
    assert!(matches!(store.claim("key", short).await.unwrap(), Claim::Claimed(_)));
    std::thread::sleep(short);
    let token = claimed(&store, "key").await;
    assert_eq!(complete(&store, &token, short).await, Settlement::Settled);
    std::thread::sleep(short);
    claimed(&store, "key").await;
}

#[tokio::test]
async fn what_is_shown_of_a_store_holds_no_key() {
    let store = MemoryStore::new();
    claimed(&store, "stripe/evt_1").await;
    let shown = format!("{store:?}");
    assert!(shown.contains("len: 1") && !shown.contains("evt_1"), "{shown}");
}

const OTHERS: usize = 10_000;
