//! What an outbox promises of how endpoints fare.

use super::steps::{
    DAY, FAILED, WORKS, assert_nothing_is_due, bearing, claim, claim_one, delivery, endpoint, enqueue_all,
    fare, faring, messages, now, put, put_with_deliveries, settle, settle_as, stored,
};
use crate::{
    Settlement,
    conformance::{Harness, LONG},
    outbox::{
        Claimed, DeliveryState, DisabledBecause, Effect, Endpoint, EndpointState, Health, OutboxStore,
        SettleDelivery, Verdict,
    },
};

/// Attempts that fail are counted, and the clock runs from the first of them; one that goes well sets all
/// of that back.
pub async fn failures_are_counted_until_an_attempt_goes_well(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 8).await;
    let start = now(&store).await;
    let first = fare(&store, FAILED).await;
    let since = first.failing_since.expect("it is failing");
    assert!((start..=now(&store).await).contains(&since));
    assert_eq!(
        first,
        Health { failures: 1, failing_since: Some(since), attempted_at: Some(since), ..Health::default() }
    );

    harness.pass(harness.short()).await;
    let second = fare(&store, FAILED).await;
    assert_eq!(second, Health { failures: 2, attempted_at: second.attempted_at, ..first });
    assert!(second.attempted_at >= Some(since + harness.short().as_micros() as i64));

    let well = fare(&store, Effect::Well).await;
    assert_eq!(
        well,
        Health { succeeded_at: well.attempted_at, attempted_at: well.attempted_at, ..Health::default() }
    );
    assert!(well.attempted_at >= second.attempted_at);

    let again = fare(&store, FAILED).await;
    assert_eq!((again.failures, again.succeeded_at), (1, well.succeeded_at));
    assert!(again.failing_since >= well.succeeded_at && again.failing_since == again.attempted_at);
}

/// An attempt that says nothing about the endpoint changes no more than when one was last made, and where
/// none was made nothing is changed, whatever is said of it.
pub async fn what_says_nothing_about_an_endpoint_changes_nothing(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 8).await;
    let failing = fare(&store, FAILED).await;
    harness.pass(harness.short()).await;
    let after = fare(&store, Effect::None).await;
    assert_eq!(after, Health { attempted_at: after.attempted_at, ..failing });
    assert!(after.attempted_at > failing.attempted_at);
    for effect in [Effect::Well, FAILED, Effect::Gone, Effect::None] {
        let claimed = claim_one(&store).await;
        let returned = SettleDelivery { attempt: None, ..faring(&claimed, effect) };
        assert_eq!(settle(&store, &returned).await, Settlement::Settled);
        let stored = stored(&store, "ep").await;
        assert_eq!((stored.health, stored.state), (after, EndpointState::Enabled), "{effect:?}");
    }
}

/// An endpoint that is gone is disabled for that, and its deliveries are kept.
pub async fn an_endpoint_that_is_gone_is_disabled(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 2).await;
    let claimed = claim_one(&store).await;
    let gone = SettleDelivery { verdict: Verdict::Cancelled, ..faring(&claimed, Effect::Gone) };
    assert_eq!(settle(&store, &gone).await, Settlement::Settled);
    assert_eq!(delivery(&store, claimed.id).await.state, DeliveryState::Cancelled);
    assert_nothing_is_due(&store).await;
    let stored = stored(&store, "ep").await;
    assert_eq!(stored.state, EndpointState::Disabled(DisabledBecause::Gone));
    assert_eq!((stored.health.failures, stored.health.failing_since), (0, None));
    assert!(store.set_state("ep", EndpointState::Enabled).await.expect(WORKS));
    assert_ne!(claim_one(&store).await.id, claimed.id);
}

/// An endpoint that an operator has disabled stays as it is where an attempt that was under way finds it gone.
pub async fn what_an_operator_has_disabled_is_not_gone_as_well(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 1).await;
    let under_way = claim_one(&store).await;
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("ep", disabled).await.expect(WORKS));
    let before = stored(&store, "ep").await;
    settle_as(&store, &under_way, Effect::Gone).await;
    let after = stored(&store, "ep").await;
    assert_eq!((after.state, after.revision), (disabled, before.revision));
}

/// What an attempt means counts for the receiver that it was made at: not where the endpoint was given another URL
/// since, but where anything else of it was changed.
pub async fn an_attempt_at_another_url_says_nothing_about_the_endpoint(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put_with_deliveries(&store, 12).await;
    let mut at_old = claim(&store, 5).await.into_iter();
    let renamed = Endpoint { name: String::from("renamed"), ..stored(&store, "ep").await };
    put(&store, &renamed).await;
    settle_as(&store, &at_old.next().expect("a claim"), FAILED).await;
    assert_eq!(stored(&store, "ep").await.health.failures, 1, "it is the same receiver");

    put(&store, &Endpoint { url: String::from("https://example.com/new"), ..renamed }).await;
    let before = stored(&store, "ep").await;
    assert_eq!((before.health.failures, before.health.failing_since), (0, None), "it hasn't failed there");
    harness.pass(harness.short()).await;
    for (late, effect) in at_old.by_ref().take(3).zip([Effect::Well, FAILED, Effect::Gone]) {
        settle_as(&store, &late, effect).await;
        assert_eq!(stored(&store, "ep").await, before, "{effect:?}");
    }
    let (late, at_new) = (at_old.next().expect("a claim"), claim_one(&store).await);
    assert_eq!(at_new.endpoint.url, before.url);
    let batch = [faring(&late, Effect::Gone), faring(&at_new, FAILED)];
    assert_eq!(store.settle(&batch).await.expect(WORKS), [Settlement::Settled; 2]);
    let after = stored(&store, "ep").await;
    assert_eq!((after.health.failures, after.state), (1, EndpointState::Enabled), "one of two counts");
    settle_as(&store, &claim_one(&store).await, Effect::Gone).await;
    assert_eq!(stored(&store, "ep").await.state, EndpointState::Disabled(DisabledBecause::Gone));
}

/// A lease or an open circuit that lasts for longer than any can was made by a clock that was ahead, and ends when the
/// failure clocks are turned. One that lasts for a day doesn't.
pub async fn what_a_clock_that_was_ahead_has_made_ends(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let turn = async || {
        let turned = store.turn_failure_clocks(300 * DAY, 300 * DAY).await.expect(WORKS);
        assert!(turned.is_empty(), "{turned:?}");
    };
    put_with_deliveries(&store, 2).await;
    let ahead = store.claim(1, 30 * DAY).await.expect(WORKS).remove(0);
    assert_eq!(store.claim(1, DAY).await.expect(WORKS).len(), 1);
    assert_nothing_is_due(&store).await;
    turn().await;
    let again = claim_one(&store).await;
    assert_eq!((again.id, again.attempt), (ahead.id, 2));
    assert_nothing_is_due(&store).await;

    for (open_for, stays) in [(30 * DAY, false), (DAY, true)] {
        put_with_deliveries(&store, 1).await;
        store.set_state("ep", EndpointState::Enabled).await.expect(WORKS);
        fare(&store, Effect::Failed { open_for: Some(open_for) }).await;
        turn().await;
        assert_eq!(stored(&store, "ep").await.health.open_until.is_some(), stays, "{open_for:?}");
    }
}

/// While its circuit is open an endpoint is given nothing, and others are: for the longest time that was
/// said, or until an attempt goes well.
pub async fn an_open_circuit_withholds_deliveries(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 8).await;
    let open = |span| Effect::Failed { open_for: Some(span) };
    fare(&store, open(harness.short())).await;
    harness.pass(harness.short()).await;

    let under_way = claim(&store, 3).await;
    assert_eq!(under_way.len(), 3, "the circuit is closed");
    let before = now(&store).await;
    settle_as(&store, &under_way[0], open(LONG)).await;
    let open_until = stored(&store, "ep").await.health.open_until;
    let began = open_until.expect("it is open") - LONG.as_micros() as i64;
    assert!((before..=now(&store).await).contains(&began), "it is counted by the store's clock");
    settle_as(&store, &under_way[1], open(harness.short())).await;
    assert_eq!(stored(&store, "ep").await.health.open_until, open_until);
    harness.pass(harness.short()).await;
    assert_nothing_is_due(&store).await;
    put(&store, &endpoint("other")).await;
    enqueue_all(&store, &messages("order.paid", 1)).await;
    assert_eq!(claim_one(&store).await.endpoint.id, "other");
    assert_nothing_is_due(&store).await;

    settle_as(&store, &under_way[2], Effect::Well).await;
    assert_eq!(stored(&store, "ep").await.health.open_until, None);
    assert_eq!(claim_one(&store).await.endpoint.id, "ep");
}

/// The circuit opens at so many failures in a row. When it closes one request at a time tries the endpoint, and each that
/// fails opens it for longer, until one goes well.
pub async fn a_failing_endpoint_is_tried_with_one_request_at_a_time(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put_with_deliveries(&store, 20).await;
    for failures in 1..Endpoint::HALF_OPEN_AFTER {
        let health = fare(&store, FAILED).await;
        assert_eq!((health.failures, health.open_until), (failures, None));
    }
    let mut trial = claim_one(&store).await;
    for (failures, opening) in (Endpoint::HALF_OPEN_AFTER..).zip(Health::OPENINGS) {
        settle_as(&store, &trial, FAILED).await;
        let health = stored(&store, "ep").await.health;
        let open_for = health.open_until.zip(health.attempted_at).map(|(until, at)| until - at);
        assert_eq!((health.failures, open_for), (failures, Some(opening.as_micros() as i64)));
        assert_nothing_is_due(&store).await;
        harness.pass(opening).await;
        let mut one = claim(&store, 100).await;
        assert_eq!(one.len(), 1);
        assert_nothing_is_due(&store).await;
        trial = one.remove(0);
    }
    settle_as(&store, &trial, Effect::Well).await;
    assert_eq!(claim(&store, 100).await.len(), 10);
}

/// Requests that were under way when the circuit opened tell nothing new where they fail: an endpoint that was away for
/// a moment, with many requests under way, is left alone for no longer than one with few.
pub async fn what_was_under_way_when_a_circuit_opened_opens_it_for_no_longer(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    let expected = (Endpoint::HALF_OPEN_AFTER, Some(Health::OPENINGS[0].as_micros() as i64));
    for id in ["one by one", "at once"] {
        put(&store, &bearing(id, 100)).await;
        enqueue_all(&store, &messages("order.paid", 10)).await;
        let claimed = claim(&store, 100).await;
        assert_eq!(claimed.len(), 10);
        let settled: Vec<_> = claimed.iter().map(|claimed| faring(claimed, FAILED)).collect();
        for batch in settled.chunks(if id == "at once" { 10 } else { 1 }) {
            store.settle(batch).await.expect(WORKS);
        }
        let health = stored(&store, id).await.health;
        let open_for = health.open_until.zip(health.failing_since).map(|(until, since)| until - since);
        let slack = harness.short().as_micros() as i64;
        let open_for = open_for.map(|open_for| open_for - open_for % slack);
        assert_eq!((health.failures, open_for), expected, "{id}");
        // What is for it is put aside, for the other's turn.
        let disabled = EndpointState::Disabled(DisabledBecause::Operator);
        assert!(store.set_state(id, disabled).await.expect(WORKS));
        assert!(store.delete_endpoint(id).await.expect(WORKS));
    }
}

/// Who enables an endpoint whose circuit was open finds it as new: a request that was under way then is one failure.
pub async fn an_attempt_from_before_the_enabling_is_one_failure(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 20).await;
    for _ in 0..Endpoint::HALF_OPEN_AFTER {
        fare(&store, FAILED).await;
    }
    harness.pass(Health::OPENINGS[0]).await;
    let trial = claim_one(&store).await;
    assert!(store.set_state("ep", EndpointState::Enabled).await.expect(WORKS));
    settle_as(&store, &trial, FAILED).await;
    let health = stored(&store, "ep").await.health;
    assert_eq!((health.failures, health.open_until), (1, None));
    assert_eq!(claim(&store, 100).await.len(), 10);
}

/// What is settled at once counts as if it were settled one by one, each attempt for its own endpoint.
pub async fn a_batch_counts_its_attempts_in_their_order(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let open = |hours| Effect::Failed { open_for: Some(LONG * hours) };
    let (well, none) = (Effect::Well, Effect::None);
    // The effects, and what comes of them: failures in a row, and for how many hours the circuit is open.
    let batches = [
        (vec![FAILED, FAILED, FAILED], 3, None),
        (vec![open(5), open(9), FAILED, open(7)], 4, Some(9)),
        (vec![none, none], 4, Some(9)),
        (vec![open(3)], 4, Some(9)),
        (vec![open(20), well, open(2), none], 1, Some(2)),
        (vec![FAILED, FAILED, well], 0, None),
        (vec![FAILED, FAILED, FAILED, FAILED, open(4), FAILED], 5, Some(4)),
    ];
    for id in ["ep", "other"] {
        put(&store, &bearing(id, 100)).await;
    }
    enqueue_all(&store, &messages("order.paid", 30)).await;
    let claimed = claim(&store, 100).await;
    let (own, others): (Vec<_>, Vec<_>) = claimed.iter().partition(|claimed| claimed.endpoint.id == "ep");
    let mut claimed = own.into_iter().zip(others);
    let start = now(&store).await;
    for (effects, failures, open_for) in batches {
        let effects_of = |(effect, (own, other)): (&Effect, (&Claimed, &Claimed))| {
            [faring(own, *effect), faring(other, Effect::None)]
        };
        let settled: Vec<_> = effects.iter().zip(&mut claimed).flat_map(effects_of).collect();
        assert_eq!(store.settle(&settled).await.expect(WORKS), vec![Settlement::Settled; settled.len()]);
        let health = stored(&store, "ep").await.health;
        let hours = health.open_until.map(|until| (until - start) / LONG.as_micros() as i64);
        assert_eq!((health.failures, hours), (failures, open_for), "{effects:?}");
        assert_eq!(health.failing_since.is_some(), failures > 0);
        assert_eq!(stored(&store, "other").await.health.failures, 0);
    }
}
