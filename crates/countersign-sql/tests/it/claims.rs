//! What these databases promise of claims beyond the suite in `conformance.rs`.

use countersign_store::{Answer, Claim, IdempotencyStore, Settlement};

use crate::support::{DAY, Database, HOUR, MINUTE, TestClock, claimed};

on_each_database!(
    expired_rows_are_removed_a_bounded_number_at_a_time,
    claiming_removes_expired_rows_now_and_then,
    a_claim_that_nobody_settled_is_kept_for_a_day,
    adv_91_a_clock_that_steps_loses_nothing,
    adv_91_a_clock_that_was_ahead_for_a_moment_holds_no_claim,
);

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

/// The process that claimed it has died meanwhile.
async fn adv_91_a_clock_that_was_ahead_for_a_moment_holds_no_claim<D: Database>(database: &D) {
    let (clock, years) = (TestClock::new(), 10 * 365 * DAY);
    let store = database.at(&clock);
    clock.ahead(years);
    let late = claimed(&store, "claimed", MINUTE).await;
    let done = claimed(&store, "done", MINUTE).await;
    let _ = store.complete(&done, Answer { status: 200 }, HOUR).await.unwrap();
    clock.back(DAY);
    assert!(
        matches!(store.claim("claimed", MINUTE).await.unwrap(), Claim::InFlight { .. }),
        "clocks do step"
    );
    clock.back(years - DAY);
    let token = claimed(&store, "claimed", MINUTE).await;
    assert_eq!(store.complete(&late, Answer { status: 200 }, HOUR).await.unwrap(), Settlement::Superseded);
    assert!(matches!(store.claim("claimed", MINUTE).await.unwrap(), Claim::InFlight { .. }));
    assert_eq!(store.complete(&token, Answer { status: 200 }, HOUR).await.unwrap(), Settlement::Settled);
    assert_eq!(store.claim("done", MINUTE).await.unwrap(), Claim::Done(Answer { status: 200 }));
}
