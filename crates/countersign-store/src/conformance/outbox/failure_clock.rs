//! What an outbox promises of the clock that runs while an endpoint fails.

use std::time::Duration;

use super::steps::{
    FAILED, WORKS, claim, endpoint, enqueue_all, fare, messages, put, put_with_deliveries, settle_as, stored,
};
use crate::{
    conformance::{Harness, LONG, race},
    outbox::{DisabledBecause, Effect, Endpoint, EndpointState, Health, HealthChange, OutboxStore},
};

/// An endpoint that has been failing for long is warned of once, and disabled once, whoever asks; one that
/// is well, that fails for not so long, or that is disabled already is left alone.
pub async fn the_failure_clock_warns_once_and_disables_once(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let failing = ["failing_0", "failing_1", "failing_2"];
    for id in failing.into_iter().chain(["disabled", "well"]) {
        put(&store, &endpoint(id)).await;
    }
    enqueue_all(&store, &messages("order.paid", 1)).await;
    for claimed in claim(&store, 10).await {
        let effect = if claimed.endpoint.id == "well" { Effect::Well } else { FAILED };
        settle_as(&store, &claimed, effect).await;
    }
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("disabled", disabled).await.expect(WORKS));
    harness.pass(harness.short()).await;

    let short = harness.short();
    assert_eq!(turn(harness, LONG, LONG).await, []);
    for change in told_once(turn(harness, short, LONG).await, failing) {
        let HealthChange::Warned { endpoint, failing_for } = change else { panic!("{change:?}") };
        assert_eq!(
            (endpoint.state, &endpoint),
            (EndpointState::Enabled, &stored(&store, &endpoint.id).await)
        );
        assert!(endpoint.health.warned_at > endpoint.health.failing_since);
        assert!(failing_for >= short && failing_for < LONG);
    }
    assert_eq!(turn(harness, short, LONG).await, []);
    for change in told_once(turn(harness, short, short).await, failing) {
        let HealthChange::Disabled { endpoint, failing_for } = change else { panic!("{change:?}") };
        assert_eq!(endpoint.state, EndpointState::Disabled(DisabledBecause::Failing));
        assert_eq!(endpoint, stored(&store, &endpoint.id).await);
        assert!(failing_for >= short && failing_for < LONG);
    }
    assert_eq!(turn(harness, short, short).await, []);
    assert_eq!(stored(&store, "disabled").await.state, disabled);
    assert_eq!(stored(&store, "well").await.state, EndpointState::Enabled);
}

/// An endpoint that is to be disabled is not warned of as well.
pub async fn what_is_disabled_is_not_warned_of(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 1).await;
    fare(&store, FAILED).await;
    harness.pass(harness.short()).await;
    let changes = turn(harness, harness.short(), harness.short()).await;
    assert!(matches!(changes[..], [HealthChange::Disabled { .. }]), "{changes:?}");
    assert_eq!(stored(&store, "ep").await.health.warned_at, None);
}

/// Enabling an endpoint sets its failure clock back and closes its circuit; what else is known of its
/// health stays.
pub async fn enabling_sets_the_failure_clock_back(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 4).await;
    let well = fare(&store, Effect::Well).await;
    let failing = fare(&store, Effect::Failed { open_for: Some(LONG) }).await;
    assert!(failing.open_until.is_some());
    harness.pass(harness.short()).await;
    assert_eq!(turn(harness, harness.short(), LONG).await.len(), 1);
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("ep", disabled).await.expect(WORKS));
    let kept = stored(&store, "ep").await.health;
    assert_eq!((kept.failures, kept.open_until), (1, failing.open_until), "disabling changes nothing");
    assert!(kept.warned_at.is_some());
    assert!(store.set_state("ep", EndpointState::Enabled).await.expect(WORKS));
    let (succeeded_at, attempted_at) = (well.succeeded_at, failing.attempted_at);
    assert_eq!(stored(&store, "ep").await.health, Health { succeeded_at, attempted_at, ..Health::default() });
    assert_eq!(turn(harness, Duration::ZERO, Duration::ZERO).await, []);
}

/// After an attempt that went well an endpoint that fails again is warned of again.
pub async fn each_time_of_failing_is_warned_of(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put_with_deliveries(&store, 8).await;
    for _ in 0..2 {
        fare(&store, FAILED).await;
        harness.pass(harness.short()).await;
        let changes = turn(harness, harness.short(), LONG).await;
        assert!(matches!(changes[..], [HealthChange::Warned { .. }]), "{changes:?}");
        assert_eq!(fare(&store, Effect::Well).await.warned_at, None);
        assert_eq!(turn(harness, Duration::ZERO, Duration::ZERO).await, []);
    }
}

/// Lets tasks turn the failure clocks at one moment, and gives back what all of them were told.
async fn turn<H: Harness<Store: OutboxStore>>(
    harness: &H,
    warn_after: Duration,
    disable_after: Duration,
) -> Vec<HealthChange> {
    let told = race(harness, 16, move |racer| async move {
        racer.ready().await;
        racer.store.turn_failure_clocks(warn_after, disable_after).await.expect(WORKS)
    });
    told.await.concat()
}

/// The changes, of which each endpoint has one.
fn told_once(changes: Vec<HealthChange>, endpoints: [&str; 3]) -> Vec<HealthChange> {
    let mut ids: Vec<&str> = changes.iter().map(|change| &*changed(change).id).collect();
    ids.sort_unstable();
    assert_eq!(ids, endpoints);
    changes
}

fn changed(change: &HealthChange) -> &Endpoint {
    match change {
        HealthChange::Warned { endpoint, .. } | HealthChange::Disabled { endpoint, .. } => endpoint,
    }
}
