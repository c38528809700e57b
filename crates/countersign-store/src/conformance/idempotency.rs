//! What every [`IdempotencyStore`] promises.

#![allow(clippy::missing_panics_doc, reason = "a promise that is broken panics, as the module above says")]

use std::{future::Future, sync::Arc, time::Duration};

use super::{HOSTILE, Harness, LONG, Racer, assert_each_once, race};
use crate::{Answer, Claim, ClaimToken, Fence, IdempotencyStore, MAX_KEY, Settlement, StoreErrorKind};

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

/// Keys that look alike, or that some comparison takes for equal, are different keys.
pub async fn keys_are_compared_byte_by_byte(harness: &impl Harness<Store: IdempotencyStore>) {
    assert_all_differ(&harness.store().await, ALIKE).await;
}

/// Long keys that differ in their last byte are different keys, up to the longest.
pub async fn keys_are_compared_to_their_last_byte(harness: &impl Harness<Store: IdempotencyStore>) {
    let with_end = |end: &str| {
        // Characters of two bytes, all of them different, so that nothing makes the key shorter.
        let start: String = ('\u{80}'..).take(MAX_KEY / 2 - 1).collect();
        start + end
    };
    let keys = [with_end("aa"), with_end("ab"), with_end("a"), with_end("é")];
    assert_eq!(keys.each_ref().map(String::len), [MAX_KEY, MAX_KEY, MAX_KEY - 1, MAX_KEY]);
    assert_all_differ(&harness.store().await, &keys.each_ref().map(String::as_str)).await;
}

/// An empty key, one of more than [`MAX_KEY`] bytes, and one with a NUL are refused.
pub async fn a_key_that_no_store_keeps_is_refused(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    // 513 characters, but 1,026 bytes.
    for key in ["", "\0", "a\0b", "a\0", &"x".repeat(MAX_KEY + 1), &"é".repeat(513), &"'".repeat(1 << 20)] {
        let refused = store.claim(key, LONG).await.expect_err("the key is refused");
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{} bytes", key.len());
    }
}

/// No key does anything but name an event.
pub async fn adv_92_a_key_is_never_read_as_code(harness: &impl Harness<Store: IdempotencyStore>) {
    assert_all_differ(&harness.store().await, HOSTILE).await;
}

/// What happens to a key changes nothing for another, not for one that it begins or ends with either.
pub async fn keys_do_not_disturb_each_other(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    let done = claimed(&store, "stripe/evt_1", LONG).await;
    claimed(&store, "stripe/evt_10", LONG).await;
    let released = claimed(&store, "stripe", LONG).await;
    assert_eq!(complete(&store, &done, OK).await, Settlement::Settled);
    assert_eq!(release(&store, &released).await, Settlement::Settled);
    assert_in_flight(&store, "stripe/evt_10").await;
    assert_eq!(claim(&store, "stripe/evt_1", LONG).await, Claim::Done(OK));
    claimed(&store, "stripe", LONG).await;
    claimed(&store, "evt_1", LONG).await;
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

async fn claim(store: &impl IdempotencyStore, key: &str, lease: Duration) -> Claim {
    store.claim(key, lease).await.expect(WORKS)
}

/// Claims a key that can be claimed.
async fn claimed(store: &impl IdempotencyStore, key: &str, lease: Duration) -> ClaimToken {
    match claim(store, key, lease).await {
        Claim::Claimed(token) => {
            assert_eq!(token.key(), key);
            token
        }
        other => panic!("{key:?} can be claimed, but is {other:?}"),
    }
}

async fn complete(store: &impl IdempotencyStore, token: &ClaimToken, answer: Answer) -> Settlement {
    complete_for(store, token, answer, LONG).await
}

async fn complete_for(
    store: &impl IdempotencyStore,
    token: &ClaimToken,
    answer: Answer,
    ttl: Duration,
) -> Settlement {
    store.complete(token, answer, ttl).await.expect(WORKS)
}

async fn release(store: &impl IdempotencyStore, token: &ClaimToken) -> Settlement {
    store.release(token).await.expect(WORKS)
}

/// How long the lease of a key lasts that is in flight.
async fn remaining(store: &impl IdempotencyStore, key: &str) -> Duration {
    match claim(store, key, LONG).await {
        Claim::InFlight { remaining } => remaining,
        other => panic!("{key:?} is in flight, but is {other:?}"),
    }
}

async fn assert_in_flight(store: &impl IdempotencyStore, key: &str) {
    let remaining = remaining(store, key).await;
    assert!(remaining > Duration::ZERO && remaining <= LONG, "{remaining:?}");
}

/// Each of the keys can be claimed while the others are, and gives back what was recorded for it.
async fn assert_all_differ(store: &impl IdempotencyStore, keys: &[&str]) {
    let mut tokens = Vec::new();
    for key in keys {
        tokens.push(claimed(store, key, LONG).await);
    }
    for (number, token) in tokens.iter().enumerate() {
        assert_in_flight(store, token.key()).await;
        assert_eq!(complete(store, token, answer(number)).await, Settlement::Settled, "{:?}", token.key());
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(claim(store, key, LONG).await, Claim::Done(answer(number)), "{key:?}");
    }
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

/// A success that tells one event from the next.
fn answer(number: usize) -> Answer {
    Answer { status: 200 + (number % 100) as u16 }
}

const TASKS: usize = 64;
const OK: Answer = Answer { status: 200 };
const NO_CONTENT: Answer = Answer { status: 204 };
const WORKS: &str = "the store works";
/// Case, spaces, composed and decomposed letters, letters of one look, and numbers of one value.
const ALIKE: &[&str] = &[
    "a",
    "A",
    "ａ",
    "а",
    "a ",
    " a",
    "a\t",
    "a\n",
    "a\u{a0}",
    "a\u{200b}",
    "\u{feff}a",
    "ä",
    "a\u{308}",
    "Ä",
    "Å",
    "\u{212b}",
    "A\u{30a}",
    "ß",
    "ss",
    "ẞ",
    "ﬁ",
    "fi",
    "i",
    "I",
    "ı",
    "İ",
    "1",
    "01",
    "1.0",
    "1e0",
    "+1",
    "null",
    "NULL",
];
