//! What is done when the store is full.

use std::{collections::HashSet, sync::Arc};

use countersign_store::{Claim, IdempotencyStore, MemoryStore, Settlement, StoreErrorKind, WhenFull};
use tokio::task::JoinSet;

use crate::support::{HOUR, MINUTE, OK, SECOND, TestClock, claim, claimed, complete, done};

async fn assert_full(store: &MemoryStore, key: &str) {
    assert_eq!(store.claim(key, MINUTE).await.unwrap_err().kind(), StoreErrorKind::Full, "{key}");
}

#[tokio::test]
async fn a_full_store_refuses_new_keys_and_knows_those_that_it_has() {
    let store = MemoryStore::new().capacity(3);
    done(&store, "done", HOUR).await;
    let settled = claimed(&store, "settled").await;
    claimed(&store, "claimed").await;
    assert_full(&store, "new").await;
    assert_eq!(claim(&store, "done").await, Claim::Done(OK));
    assert!(matches!(claim(&store, "claimed").await, Claim::InFlight { .. }));
    assert_eq!(complete(&store, &settled, HOUR).await, Settlement::Settled);
    assert_full(&store, "new").await;
    assert_eq!((store.len(), store.evicted()), (3, 0));
}

#[tokio::test]
async fn a_store_without_capacity_takes_nothing() {
    for when_full in [WhenFull::Refuse, WhenFull::EvictOldest] {
        let store = MemoryStore::new().capacity(0).when_full(when_full);
        assert_full(&store, "key").await;
        assert!(store.is_empty());
    }
}

#[tokio::test]
async fn a_key_that_is_released_makes_room() {
    let store = MemoryStore::new().capacity(1);
    let token = claimed(&store, "one").await;
    assert_full(&store, "other").await;
    assert_eq!(store.release(&token).await.unwrap(), Settlement::Settled);
    assert!(store.is_empty());
    claimed(&store, "other").await;
    assert_eq!((store.len(), store.is_empty()), (1, false));
}

#[tokio::test]
async fn what_has_expired_makes_room() {
    let clock = TestClock::default();
    let store = clock.store().capacity(3).when_full(WhenFull::EvictOldest);
    done(&store, "done", MINUTE).await;
    done(&store, "done for long", HOUR).await;
    let late = claimed(&store, "claimed").await;
    clock.ahead(MINUTE);
    for new in ["new 1", "new 2"] {
        claimed(&store, new).await;
    }
    assert_eq!(claim(&store, "done for long").await, Claim::Done(OK));
    assert_eq!(complete(&store, &late, HOUR).await, Settlement::Superseded, "its key made room");
    assert_eq!((store.len(), store.evicted()), (3, 0));
}

#[tokio::test]
async fn a_key_whose_lease_has_ended_is_claimed_again_in_a_full_store() {
    let clock = TestClock::default();
    let store = clock.store().capacity(1);
    claimed(&store, "key").await;
    clock.ahead(MINUTE);
    claimed(&store, "key").await;
    assert_full(&store, "other").await;
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn what_ends_first_of_what_is_done_is_evicted_and_counted() {
    let store = TestClock::default().store().capacity(4).when_full(WhenFull::EvictOldest);
    done(&store, "third", 3 * HOUR).await;
    done(&store, "first", HOUR).await;
    done(&store, "second", 2 * HOUR).await;
    claimed(&store, "claimed").await;
    for (new, evicted) in [("new 1", "first"), ("new 2", "second"), ("new 3", "third")] {
        assert_eq!(claim(&store, evicted).await, Claim::Done(OK), "it is there until {new} comes");
        claimed(&store, new).await;
    }
    assert_eq!((store.len(), store.evicted()), (4, 3));
    for key in ["claimed", "new 1", "new 2", "new 3"] {
        assert!(matches!(claim(&store, key).await, Claim::InFlight { .. }));
    }
    assert_full(&store, "first").await;
    assert_eq!((store.len(), store.evicted()), (4, 3));
}

#[tokio::test]
async fn adv_64_distinct_keys_neither_grow_the_store_nor_drop_what_has_not_expired() {
    // One key a second, each of which is done for that many seconds.
    const TTL: u32 = 9_000;
    let clock = TestClock::default();
    let store = clock.store().capacity(10_000);
    for number in 0..200_000u32 {
        done(&store, &format!("evt_{number}"), TTL * SECOND).await;
        clock.ahead(SECOND);
        if let Some(oldest) = (number + 2).checked_sub(TTL) {
            assert_eq!(claim(&store, &format!("evt_{oldest}")).await, Claim::Done(OK));
        }
        assert!(store.len() <= 10_000);
    }
    assert_eq!(store.evicted(), 0);
}

#[tokio::test]
async fn adv_64_a_flood_is_refused_and_drops_nothing() {
    let store = TestClock::default().store().capacity(1_000);
    for number in 0..200_000 {
        let flood = store.claim(&format!("evt_{number}"), MINUTE).await;
        assert_eq!(flood.is_ok(), number < 1_000);
    }
    for number in 0..1_000 {
        assert!(matches!(claim(&store, &format!("evt_{number}")).await, Claim::InFlight { .. }));
    }
    assert_eq!((store.len(), store.evicted()), (1_000, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_count_the_keys_as_one_would() {
    const TASKS: usize = 8;
    let store = Arc::new(TestClock::default().store().capacity(300));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            for step in 0..5_000 {
                let key = format!("evt_{}", (step * 7 + task * 61) % 500);
                let Ok(Claim::Claimed(token)) = store.claim(&key, MINUTE).await else { continue };
                if step % 10 == 0 {
                    let _ = complete(&store, &token, HOUR).await;
                } else {
                    let _ = store.release(&token).await.unwrap();
                }
                assert!(store.len() <= 300);
            }
        });
    }
    tasks.join_all().await;
    // Were the count too high, less than 300 keys would have room; were it too low, more.
    let mut held = HashSet::new();
    for number in 0..500 {
        held.extend(store.claim(&format!("evt_{number}"), MINUTE).await.is_ok().then_some(number));
    }
    assert_eq!((held.len(), store.len()), (300, 300));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_evict_as_much_as_has_to_go() {
    let store = Arc::new(TestClock::default().store().capacity(500).when_full(WhenFull::EvictOldest));
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            for number in 0..2_000 {
                done(&store, &format!("evt_{task}_{number}"), HOUR).await;
                assert!(store.len() <= 500);
            }
        });
    }
    tasks.join_all().await;
    assert_eq!((store.len(), store.evicted()), (500, 8 * 2_000 - 500));
}
