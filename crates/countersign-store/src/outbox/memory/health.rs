//! How an endpoint in memory fares.

use std::{sync::Arc, time::Duration};

use super::time::{later, span};
use crate::outbox::{DisabledBecause, Effect, Endpoint, EndpointState, Health, HealthChange, SettleDelivery};
use crate::{AHEAD, TOO_FAR};

/// What an attempt does to its endpoint: nothing, where it was made at another URL.
///
/// It is the URL that is compared, and not the revision, because that is what says who answered. A new name, key or
/// pattern leaves the receiver the same, and an application that writes its endpoints again and again would otherwise
/// never have one fail whose answers take longer.
pub(super) fn fare(endpoint: &mut Endpoint, settle: &SettleDelivery, now: i64) {
    if endpoint.url != settle.endpoint.url {
        return;
    }
    let health = &mut endpoint.health;
    health.attempted_at = Some(now);
    match settle.effect {
        Effect::Well => {
            set_back(health);
            health.succeeded_at = Some(now);
        }
        Effect::Failed { open_for } => {
            health.failing_since = health.failing_since.or(Some(now));
            let mut opens_for = open_for;
            if health.open_until.is_none_or(|until| until <= now) {
                health.failures += 1;
                opens_for = opens_for.max(Health::opens_for(health.failures));
            }
            health.open_until = health.open_until.max(opens_for.map(|open| later(now, open)));
        }
        Effect::Gone if endpoint.state == EndpointState::Enabled => {
            endpoint.state = EndpointState::Disabled(DisabledBecause::Gone);
            endpoint.revision += 1;
        }
        Effect::Gone | Effect::None => {}
    }
}

/// Sets the failure clock back, and closes the circuit.
pub(super) fn set_back(health: &mut Health) {
    (health.failing_since, health.failures, health.warned_at, health.open_until) = (None, 0, None, None);
}

/// Closes a circuit that is open until too far ahead, and lets have happened now what is yet to come.
pub(super) fn end_what_was_ahead(endpoint: &mut Arc<Endpoint>, now: i64) {
    let (ahead, too_far) = (later(now, AHEAD), later(now, TOO_FAR));
    let mut health = endpoint.health;
    health.open_until = health.open_until.filter(|until| *until <= too_far);
    let at_most = |at: Option<i64>, most| at.map(|at| if at > most { now } else { at });
    health.failing_since = at_most(health.failing_since, too_far);
    health.attempted_at = at_most(health.attempted_at, ahead);
    health.succeeded_at = at_most(health.succeeded_at, ahead);
    if health != endpoint.health {
        Arc::make_mut(endpoint).health = health;
    }
}

/// What the failure clock does to an endpoint at `now`.
pub(super) fn turn(
    endpoint: &mut Arc<Endpoint>,
    now: i64,
    warn_after: Duration,
    disable_after: Duration,
) -> Option<HealthChange> {
    let since = endpoint.health.failing_since.filter(|_| endpoint.state == EndpointState::Enabled)?;
    let failing_for = span(since, now);
    if failing_for >= disable_after {
        let endpoint = Arc::make_mut(endpoint);
        endpoint.state = EndpointState::Disabled(DisabledBecause::Failing);
        endpoint.revision += 1;
        return Some(HealthChange::Disabled { endpoint: endpoint.clone(), failing_for });
    }
    if failing_for >= warn_after && endpoint.health.warned_at.is_none() {
        let endpoint = Arc::make_mut(endpoint);
        endpoint.health.warned_at = Some(now);
        return Some(HealthChange::Warned { endpoint: endpoint.clone(), failing_for });
    }
    None
}
