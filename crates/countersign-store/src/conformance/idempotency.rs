//! What every [`IdempotencyStore`] promises.

#![allow(clippy::missing_panics_doc, reason = "a promise that is broken panics, as the module above says")]

use std::{future::Future, sync::Arc, time::Duration};

pub use self::keys::*;
use self::steps::{
    NO_CONTENT, OK, answer, assert_in_flight, claim, claimed, complete, complete_for, release, remaining,
};
use super::{Harness, LONG, Racer, assert_each_once, race};
use crate::{Claim, ClaimToken, Fence, IdempotencyStore, Settlement};

mod keys;
mod steps;

/// Makes a test of each promise of an [`IdempotencyStore`](crate::IdempotencyStore).
///
/// The expression gives the [`Harness`](crate::conformance::Harness), anew for each test. It stands in
/// an async function without a return value: it can await, and it can `return` where the store can't be
/// tested here.
///
/// ```no_run
/// # use std::{sync::Arc, time::Duration};
/// # use countersign_store::{MemoryStore, conformance::Harness};
/// # struct Fresh;
/// # impl Fresh { async fn new() -> Option<Self> { None } }
/// # impl Harness for Fresh {
/// #     type Store = MemoryStore;
/// #     async fn store(&self) -> MemoryStore { MemoryStore::new() }
/// #     async fn pass(&self, _: Duration) {}
/// # }
/// countersign_store::idempotency_conformance!(match Fresh::new().await {
///     Some(fresh) => fresh,
///     None => return,
/// });
/// ```
#[macro_export]
macro_rules! idempotency_conformance {
    ($harness:expr $(,)?) => {
        $crate::conformance_tests!(
            idempotency,
            $harness,
            adv_61_of_many_claims_at_once_one_wins,
            of_many_claims_after_a_lease_one_wins,
            a_late_token_and_a_new_claim_never_both_win,
            of_many_settlements_of_one_claim_one_counts,
            a_lease_that_ends_can_be_claimed_again_and_the_earlier_token_settles_nothing,
            until_somebody_else_claims_a_late_token_settles,
            adv_62_a_claim_whose_holder_is_gone_returns_when_its_lease_ends,
            what_is_done_stays_done_until_its_time_to_live_ends,
            what_is_released_can_be_claimed_at_once,
            a_claim_is_settled_once,
            a_token_that_was_never_given_settles_nothing,
            what_remains_of_a_lease_is_told,
            the_longest_spans_are_taken,
            keys_are_compared_byte_by_byte,
            keys_are_compared_to_their_last_byte,
            a_key_that_no_store_keeps_is_refused,
            adv_92_a_key_is_never_read_as_code,
            keys_do_not_disturb_each_other,
            two_handles_agree,
        );
    };
}

/// Of tasks that claim a key at one moment, one gets it and the others are told that it is in flight.
/// Once that one has completed it, everybody is told so.
pub async fn adv_61_of_many_claims_at_once_one_wins(harness: &impl Harness<Store: IdempotencyStore>) {
    let rounds = harness.rounds();
    let won = race(harness, TASKS, move |racer| async move {
        let mut won = Vec::new();
        for round in 0..rounds {
            racer.ready().await;
            let claim = claim(&racer.store, &numbered(round), LONG).await;
            // Nobody completes it before everybody has claimed it.
            racer.ready().await;
            match claim {
                Claim::Claimed(token) => {
                    assert_eq!(complete(&racer.store, &token, answer(round)).await, Settlement::Settled);
                    won.push(round);
                }
                other => assert!(matches!(other, Claim::InFlight { .. }), "{other:?}"),
            }
        }
        racer.ready().await;
        for round in (racer.number..rounds).step_by(TASKS) {
            assert_eq!(claim(&racer.store, &numbered(round), LONG).await, Claim::Done(answer(round)));
        }
        won
    })
    .await;
    assert_each_once(won, rounds);
}

/// A lease that has ended goes to one, too, of all who claim it at one moment.
pub async fn of_many_claims_after_a_lease_one_wins(harness: &impl Harness<Store: IdempotencyStore>) {
    let tokens = claim_each_round(harness, harness.short()).await;
    harness.pass(harness.short()).await;
    assert_one_wins(harness, TASKS, tokens, |racer, token| async move {
        matches!(claim(&racer.store, token.key(), LONG).await, Claim::Claimed(_))
    })
    .await;
}

/// Where a lease has ended, and its holder completes at the moment at which somebody else claims, one
/// of the two comes first: either the event is done, or the late token is superseded.
pub async fn a_late_token_and_a_new_claim_never_both_win(harness: &impl Harness<Store: IdempotencyStore>) {
    let tokens = claim_each_round(harness, harness.short()).await;
    harness.pass(harness.short()).await;
    assert_one_wins(harness, 2, tokens, |racer, token| async move {
        match racer.number {
            0 => complete(&racer.store, &token, OK).await == Settlement::Settled,
            _ => claim(&racer.store, token.key(), LONG).await != Claim::Done(OK),
        }
    })
    .await;
}

/// Of tasks that settle one claim at one moment, one settles it.
pub async fn of_many_settlements_of_one_claim_one_counts(harness: &impl Harness<Store: IdempotencyStore>) {
    let tokens = claim_each_round(harness, LONG).await;
    assert_one_wins(harness, 8, tokens, |racer, token| async move {
        let settlement = match racer.number % 2 {
            0 => complete(&racer.store, &token, OK).await,
            _ => release(&racer.store, &token).await,
        };
        settlement == Settlement::Settled
    })
    .await;
}

/// A claim whose lease has ended can be claimed again. From then on the earlier token neither completes
/// nor releases, and the later one does.
pub async fn a_lease_that_ends_can_be_claimed_again_and_the_earlier_token_settles_nothing(
    harness: &impl Harness<Store: IdempotencyStore>,
) {
    let store = harness.store().await;
    let early = claimed(&store, "key", harness.short()).await;
    harness.pass(harness.short()).await;
    let late = claimed(&store, "key", LONG).await;
    assert_eq!(complete(&store, &early, OK).await, Settlement::Superseded);
    assert_in_flight(&store, "key").await;
    assert_eq!(release(&store, &early).await, Settlement::Superseded);
    assert_in_flight(&store, "key").await;
    assert_eq!(complete(&store, &late, NO_CONTENT).await, Settlement::Settled);
    assert_eq!(complete(&store, &early, OK).await, Settlement::Superseded);
    assert_eq!(claim(&store, "key", LONG).await, Claim::Done(NO_CONTENT));
}

/// A token whose lease has ended completes and releases, as long as nobody else has claimed the event.
pub async fn until_somebody_else_claims_a_late_token_settles(
    harness: &impl Harness<Store: IdempotencyStore>,
) {
    let store = harness.store().await;
    let completed = claimed(&store, "completed", harness.short()).await;
    let released = claimed(&store, "released", harness.short()).await;
    harness.pass(harness.short()).await;
    assert_eq!(complete(&store, &completed, OK).await, Settlement::Settled);
    assert_eq!(claim(&store, "completed", LONG).await, Claim::Done(OK));
    assert_eq!(release(&store, &released).await, Settlement::Settled);
    claimed(&store, "released", LONG).await;
}

/// A claim whose holder is gone is in flight until its lease ends, and can be claimed from then on.
pub async fn adv_62_a_claim_whose_holder_is_gone_returns_when_its_lease_ends(
    harness: &impl Harness<Store: IdempotencyStore>,
) {
    let holder = harness.store().await;
    claimed(&holder, "long", LONG).await;
    claimed(&holder, "short", harness.short()).await;
    drop(holder);
    let store = harness.store().await;
    harness.pass(harness.short()).await;
    assert_in_flight(&store, "long").await;
    claimed(&store, "short", LONG).await;
}

/// A key that is done answers with what was recorded until its time to live ends, and can be claimed
/// from then on. The time to live has nothing to do with the lease.
pub async fn what_is_done_stays_done_until_its_time_to_live_ends(
    harness: &impl Harness<Store: IdempotencyStore>,
) {
    let store = harness.store().await;
    let long = claimed(&store, "long", harness.short()).await;
    let short = claimed(&store, "short", LONG).await;
    assert_eq!(complete(&store, &long, NO_CONTENT).await, Settlement::Settled);
    assert_eq!(complete_for(&store, &short, OK, harness.short()).await, Settlement::Settled);
    harness.pass(harness.short()).await;
    assert_eq!(claim(&store, "long", LONG).await, Claim::Done(NO_CONTENT));
    assert_eq!(claim(&store, "long", LONG).await, Claim::Done(NO_CONTENT), "asking changes nothing");
    claimed(&store, "short", LONG).await;
}

/// A claim that is given back can be claimed at once, and its earlier token settles nothing then.
pub async fn what_is_released_can_be_claimed_at_once(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    let early = claimed(&store, "key", LONG).await;
    assert_eq!(release(&store, &early).await, Settlement::Settled);
    let late = claimed(&store, "key", LONG).await;
    assert_eq!(complete(&store, &early, OK).await, Settlement::Superseded);
    assert_eq!(release(&store, &early).await, Settlement::Superseded);
    assert_eq!(release(&store, &late).await, Settlement::Settled);
}

/// A token that has settled settles nothing once more, and changes nothing.
pub async fn a_claim_is_settled_once(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    let completed = claimed(&store, "completed", LONG).await;
    assert_eq!(complete(&store, &completed, OK).await, Settlement::Settled);
    assert_eq!(complete(&store, &completed, NO_CONTENT).await, Settlement::Superseded);
    assert_eq!(release(&store, &completed).await, Settlement::Superseded);
    assert_eq!(claim(&store, "completed", LONG).await, Claim::Done(OK));

    let released = claimed(&store, "released", LONG).await;
    assert_eq!(release(&store, &released).await, Settlement::Settled);
    assert_eq!(release(&store, &released).await, Settlement::Superseded);
    assert_eq!(complete(&store, &released, OK).await, Settlement::Superseded);
    claimed(&store, "released", LONG).await;
}

/// A token with another fence or another key than the claim's settles nothing, whatever state its key
/// is in.
pub async fn a_token_that_was_never_given_settles_nothing(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    let token = claimed(&store, "claimed", LONG).await;
    let done = claimed(&store, "done", LONG).await;
    assert_eq!(complete(&store, &done, OK).await, Settlement::Settled);
    let forged = Fence::from_i64(token.fence().as_i64() ^ i64::MIN);
    for (key, fence) in [("claimed", forged), ("done", forged), ("unknown", token.fence())] {
        let token = ClaimToken::new(key, fence);
        assert_eq!(complete(&store, &token, NO_CONTENT).await, Settlement::Superseded, "{key}");
        assert_eq!(release(&store, &token).await, Settlement::Superseded, "{key}");
    }
    assert_in_flight(&store, "claimed").await;
    assert_eq!(claim(&store, "done", LONG).await, Claim::Done(OK));
    claimed(&store, "unknown", LONG).await;
}

/// Who claims what is in flight is told how long the lease lasts: more than nothing, no longer than it
/// was asked for, and less as time passes.
pub async fn what_remains_of_a_lease_is_told(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    claimed(&store, "key", LONG).await;
    let first = remaining(&store, "key").await;
    assert!(first > LONG / 2 && first <= LONG, "{first:?}");
    harness.pass(harness.short()).await;
    let second = remaining(&store, "key").await;
    assert!(second > LONG / 2 && second < first, "{second:?} after {first:?}");
}

/// A lease or a time to live is never too long: such a claim stays claimed, such an event done.
pub async fn the_longest_spans_are_taken(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    let token = claimed(&store, "key", Duration::MAX).await;
    harness.pass(harness.short()).await;
    assert!(remaining(&store, "key").await > LONG);
    assert_eq!(complete_for(&store, &token, OK, Duration::MAX).await, Settlement::Settled);
    harness.pass(harness.short()).await;
    assert_eq!(claim(&store, "key", LONG).await, Claim::Done(OK));
}

/// What one handle does, another sees, and a token settles by any of them.
pub async fn two_handles_agree(harness: &impl Harness<Store: IdempotencyStore>) {
    let (one, other) = (harness.store().await, harness.store().await);
    let token = claimed(&one, "done", LONG).await;
    assert_in_flight(&other, "done").await;
    assert_eq!(complete(&other, &token, OK).await, Settlement::Settled);
    assert_eq!(claim(&one, "done", LONG).await, Claim::Done(OK));
    assert_eq!(release(&one, &token).await, Settlement::Superseded);

    let token = claimed(&other, "released", LONG).await;
    assert_eq!(release(&one, &token).await, Settlement::Settled);
    claimed(&one, "released", LONG).await;
    assert_in_flight(&other, "released").await;
}

/// Claims a key for each round of a race.
async fn claim_each_round(
    harness: &impl Harness<Store: IdempotencyStore>,
    lease: Duration,
) -> Vec<ClaimToken> {
    let store = harness.store().await;
    let mut tokens = Vec::new();
    for round in 0..harness.rounds() {
        tokens.push(claimed(&store, &numbered(round), lease).await);
    }
    tokens
}

/// Lets so many tasks act on each token at one moment: for each of them, one of the tasks wins.
async fn assert_one_wins<H, F>(
    harness: &H,
    tasks: usize,
    tokens: Vec<ClaimToken>,
    wins: impl Fn(Arc<Racer<H::Store>>, ClaimToken) -> F + Clone + Send + 'static,
) where
    H: Harness,
    F: Future<Output = bool> + Send + 'static,
{
    let won = race(harness, tasks, |racer| {
        let (racer, tokens, wins) = (Arc::new(racer), tokens.clone(), wins.clone());
        async move {
            let mut won = Vec::new();
            for (round, token) in tokens.into_iter().enumerate() {
                racer.ready().await;
                won.extend(wins(racer.clone(), token).await.then_some(round));
            }
            won
        }
    })
    .await;
    assert_each_once(won, tokens.len());
}

fn numbered(round: usize) -> String {
    format!("evt_{round}")
}

const TASKS: usize = 64;
