//! Claims, on each database.

use std::{sync::Arc, time::Duration};

use countersign_store::{Answer, Claim, IdempotencyStore, MAX_KEY, Settlement, StoreErrorKind};
use tokio::sync::Barrier;

use crate::support::{Database, HOSTILE, HOUR, MINUTE, SECOND, TestClock, claimed};

on_each_database!(
    a_key_is_claimed_once_until_its_lease_ends,
    an_earlier_token_settles_until_somebody_else_claims,
    a_key_that_is_done_stays_done_until_its_time_to_live_ends,
    a_key_that_is_given_back_can_be_claimed_at_once,
    a_claim_is_settled_once,
    keys_are_compared_byte_by_byte,
    a_key_that_can_not_be_kept_is_refused,
    spans_can_be_as_long_as_they_like,
    expired_rows_are_removed_a_bounded_number_at_a_time,
    claiming_removes_expired_rows_now_and_then,
    a_claim_that_nobody_settled_is_kept_for_a_day,
    adv_61_of_many_tasks_one_claims_the_key,
    adv_91_a_clock_that_steps_loses_nothing,
    adv_92_a_key_is_never_read_as_sql,
);

async fn a_key_is_claimed_once_until_its_lease_ends<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    claimed(&store, "key", MINUTE).await;
    clock.ahead(20 * SECOND);
    assert_eq!(store.claim("key", MINUTE).await.unwrap(), Claim::InFlight { remaining: 40 * SECOND });
    clock.ahead(40 * SECOND - Duration::from_micros(1));
    assert!(matches!(store.claim("key", MINUTE).await.unwrap(), Claim::InFlight { .. }));
    clock.ahead(Duration::from_micros(1));
    claimed(&store, "key", MINUTE).await;
}

async fn an_earlier_token_settles_until_somebody_else_claims<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    let early = claimed(&store, "superseded", MINUTE).await;
    let late = claimed(&store, "late", MINUTE).await;
    clock.ahead(HOUR);
    let second = claimed(&store, "superseded", MINUTE).await;
    assert_eq!(store.complete(&early, Answer { status: 200 }, HOUR).await.unwrap(), Settlement::Superseded);
    assert_eq!(store.release(&early).await.unwrap(), Settlement::Superseded);
    assert_eq!(store.complete(&second, Answer { status: 201 }, HOUR).await.unwrap(), Settlement::Settled);
    assert_eq!(store.complete(&late, Answer { status: 202 }, HOUR).await.unwrap(), Settlement::Settled);
    assert_eq!(store.claim("superseded", MINUTE).await.unwrap(), Claim::Done(Answer { status: 201 }));
    assert_eq!(store.claim("late", MINUTE).await.unwrap(), Claim::Done(Answer { status: 202 }));
}

async fn a_key_that_is_done_stays_done_until_its_time_to_live_ends<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    let token = claimed(&store, "key", MINUTE).await;
    clock.ahead(SECOND);
    assert_eq!(store.complete(&token, Answer { status: 204 }, HOUR).await.unwrap(), Settlement::Settled);
    clock.ahead(HOUR - SECOND);
    D::prune_claims(&store).await.unwrap();
    assert_eq!(store.claim("key", MINUTE).await.unwrap(), Claim::Done(Answer { status: 204 }));
    clock.ahead(SECOND);
    claimed(&store, "key", MINUTE).await;
}

async fn a_key_that_is_given_back_can_be_claimed_at_once<D: Database>(database: &D) {
    let store = database.store();
    let token = claimed(&store, "key", HOUR).await;
    assert_eq!(store.release(&token).await.unwrap(), Settlement::Settled);
    claimed(&store, "key", HOUR).await;
}

async fn a_claim_is_settled_once<D: Database>(database: &D) {
    let store = database.store();
    let token = claimed(&store, "key", HOUR).await;
    assert_eq!(store.complete(&token, Answer { status: 200 }, HOUR).await.unwrap(), Settlement::Settled);
    assert_eq!(store.complete(&token, Answer { status: 201 }, HOUR).await.unwrap(), Settlement::Superseded);
    assert_eq!(store.release(&token).await.unwrap(), Settlement::Superseded);
    assert_eq!(store.claim("key", HOUR).await.unwrap(), Claim::Done(Answer { status: 200 }));
}

async fn keys_are_compared_byte_by_byte<D: Database>(database: &D) {
    let store = database.store();
    for key in ["a", "A", "a ", " a", "ä", "a\u{308}", "ß", "ss", "1", "01", "1.0"] {
        claimed(&store, key, HOUR).await;
    }
}

async fn a_key_that_can_not_be_kept_is_refused<D: Database>(database: &D) {
    let store = database.store();
    for key in ["", "a\0b", &"x".repeat(MAX_KEY + 1)] {
        assert_eq!(store.claim(key, HOUR).await.unwrap_err().kind(), StoreErrorKind::Invalid);
    }
    // The longest, and of bytes that no compression makes shorter.
    let longest: String = ('\u{80}'..'\u{280}').collect();
    assert_eq!(longest.len(), MAX_KEY);
    claimed(&store, &longest, HOUR).await;
}

async fn spans_can_be_as_long_as_they_like<D: Database>(database: &D) {
    let store = database.store();
    let token = claimed(&store, "key", Duration::MAX).await;
    assert!(matches!(store.claim("key", Duration::MAX).await.unwrap(), Claim::InFlight { .. }));
    let answer = Answer { status: 200 };
    assert_eq!(store.complete(&token, answer, Duration::MAX).await.unwrap(), Settlement::Settled);
    assert_eq!(store.claim("key", Duration::MAX).await.unwrap(), Claim::Done(answer));
}

/// Completes `count` keys, for a minute.
async fn complete<S: IdempotencyStore>(store: &S, count: usize) {
    for n in 0..count {
        let token = claimed(store, &format!("key_{n}"), MINUTE).await;
        let _ = store.complete(&token, Answer { status: 200 }, MINUTE).await.unwrap();
    }
}

async fn expired_rows_are_removed_a_bounded_number_at_a_time<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    complete(&store, 1_100).await;
    assert_eq!(D::prune_claims(&store).await.unwrap(), 0);
    clock.ahead(MINUTE);
    assert_eq!(D::prune_claims(&store).await.unwrap(), 1_000);
    assert_eq!(D::prune_claims(&store).await.unwrap(), 100);
    assert_eq!(D::prune_claims(&store).await.unwrap(), 0);
}

async fn claiming_removes_expired_rows_now_and_then<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    complete(&store, 100).await;
    clock.ahead(MINUTE);
    for n in 0..256 {
        claimed(&store, &format!("another_{n}"), MINUTE).await;
    }
    assert_eq!(D::prune_claims(&store).await.unwrap(), 0);
}

async fn a_claim_that_nobody_settled_is_kept_for_a_day<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    let token = claimed(&store, "settled late", MINUTE).await;
    claimed(&store, "never settled", MINUTE).await;
    clock.ahead(24 * HOUR);
    assert_eq!(D::prune_claims(&store).await.unwrap(), 0);
    assert_eq!(store.complete(&token, Answer { status: 200 }, HOUR).await.unwrap(), Settlement::Settled);
    clock.ahead(MINUTE);
    assert_eq!(D::prune_claims(&store).await.unwrap(), 1);
}

async fn adv_61_of_many_tasks_one_claims_the_key<D: Database>(database: &D) {
    const TASKS: usize = 64;
    const ROUNDS: usize = 1_000;
    let store = database.store();
    let barrier = Arc::new(Barrier::new(TASKS));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (store, barrier) = (store.clone(), barrier.clone());
            tokio::spawn(async move {
                let mut won = Vec::new();
                for round in 0..ROUNDS {
                    barrier.wait().await;
                    if let Claim::Claimed(_) = store.claim(&format!("round_{round}"), HOUR).await.unwrap() {
                        won.push(round);
                    }
                }
                won
            })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        won.extend(task.await.unwrap());
    }
    won.sort_unstable();
    assert_eq!(won, (0..ROUNDS).collect::<Vec<_>>());
}

async fn adv_91_a_clock_that_steps_loses_nothing<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    let token = claimed(&store, "claimed", MINUTE).await;
    let done = claimed(&store, "done", MINUTE).await;
    let _ = store.complete(&done, Answer { status: 200 }, HOUR).await.unwrap();
    clock.back(HOUR);
    assert!(matches!(store.claim("claimed", MINUTE).await.unwrap(), Claim::InFlight { .. }));
    assert_eq!(store.claim("done", MINUTE).await.unwrap(), Claim::Done(Answer { status: 200 }));
    assert_eq!(store.complete(&token, Answer { status: 200 }, HOUR).await.unwrap(), Settlement::Settled);
    clock.ahead(10 * 365 * 24 * HOUR);
    claimed(&store, "claimed", MINUTE).await;
    claimed(&store, "done", MINUTE).await;
}

async fn adv_92_a_key_is_never_read_as_sql<D: Database>(database: &D) {
    let store = database.store();
    for key in HOSTILE {
        let token = claimed(&store, key, HOUR).await;
        let _ = store.complete(&token, Answer { status: 200 }, HOUR).await.unwrap();
    }
    for key in HOSTILE {
        assert_eq!(store.claim(key, HOUR).await.unwrap(), Claim::Done(Answer { status: 200 }), "{key:?}");
    }
    let megabyte = "'".repeat(1 << 20);
    assert_eq!(store.claim(&megabyte, HOUR).await.unwrap_err().kind(), StoreErrorKind::Invalid);
}
