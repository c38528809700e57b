//! How endpoints fare: what a batch of attempts does to them, and what their failure clocks do.

use std::collections::BTreeMap;

use countersign_store::{
    StoreError,
    outbox::{Effect, HealthChange},
};

use super::endpoint::{self, endpoint};
use crate::clock;

/// What the attempts of one batch do to an endpoint, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Whether one succeeded: what had failed before counts no more.
    pub(crate) well: bool,
    /// How many failed since.
    pub(crate) failures: i64,
    /// Until when nothing is sent, for what failed since.
    pub(crate) open_until: Option<i64>,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

impl Change {
    fn add(&mut self, effect: Effect) {
        match effect {
            Effect::Well => *self = Change { well: true, gone: self.gone, ..Change::default() },
            Effect::Failed { open_until } => {
                self.failures += 1;
                self.open_until = self.open_until.max(open_until);
            }
            Effect::Gone => self.gone = true,
            Effect::None => {}
        }
    }
}

/// The changes, by endpoint.
pub(crate) fn changes<'a>(effects: impl IntoIterator<Item = (&'a str, Effect)>) -> BTreeMap<&'a str, Change> {
    let mut changes: BTreeMap<&str, Change> = BTreeMap::new();
    for (endpoint, effect) in effects {
        changes.entry(endpoint).or_default().add(effect);
    }
    changes
}

/// An endpoint that was disabled for having failed for so long.
pub(crate) fn disabled(row: endpoint::Row, now: i64) -> Result<HealthChange, StoreError> {
    let endpoint = endpoint(row)?;
    let failing_for = clock::remaining(now - endpoint.health.failing_since.unwrap_or(now));
    Ok(HealthChange::Disabled { endpoint, failing_for })
}

/// An endpoint that was warned of.
pub(crate) fn warned(row: endpoint::Row, now: i64) -> Result<HealthChange, StoreError> {
    let endpoint = endpoint(row)?;
    let failing_for = clock::remaining(now - endpoint.health.failing_since.unwrap_or(now));
    Ok(HealthChange::Warned { endpoint, failing_for })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_before_a_success_counts_no_more() {
        let failed = |open_until| ("ep", Effect::Failed { open_until });
        let changes =
            changes([failed(Some(9)), ("ep", Effect::Well), failed(None), failed(Some(3)), failed(Some(2))]);
        assert_eq!(changes["ep"], Change { well: true, failures: 3, open_until: Some(3), gone: false });
    }
}
