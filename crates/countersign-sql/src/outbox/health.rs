//! How endpoints fare: what a batch of attempts does to them, and what their failure clocks do.

use std::{collections::BTreeMap, time::Duration};

use countersign_store::outbox::{Effect, Endpoint, HealthChange};

use super::endpoint::{self, endpoint};
use crate::clock;

/// What the attempts of one batch do to an endpoint, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Whether one succeeded: what had failed before counts no more.
    pub(crate) well: bool,
    /// How many failed since, up to the first that asked to be left alone: those behind it tell nothing new.
    pub(crate) failures: i64,
    /// For how long the endpoint asked to be left alone since.
    pub(crate) open_for: Option<i64>,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

impl Change {
    fn add(&mut self, effect: Effect) {
        match effect {
            Effect::Well => *self = Change { well: true, gone: self.gone, ..Change::default() },
            Effect::Failed { open_for } => {
                self.failures += i64::from(self.open_for.is_none());
                self.open_for = self.open_for.max(open_for.map(clock::span));
            }
            Effect::Gone => self.gone = true,
            Effect::None => {}
        }
    }
}

/// An endpoint's id, and a URL: where attempts were made. They count where that is still the endpoint's URL.
///
/// It is the URL that is compared, and not the revision, because that is what says who answered. A new name, key or
/// pattern leaves the receiver the same, and an application that writes its endpoints again and again would otherwise
/// never have one fail whose answers take longer.
pub(crate) type Receiver<'a> = (&'a str, &'a str);

/// The changes, by receiver.
pub(crate) fn changes<'a>(
    effects: impl IntoIterator<Item = (Receiver<'a>, Effect)>,
) -> BTreeMap<Receiver<'a>, Change> {
    let mut changes: BTreeMap<Receiver<'_>, Change> = BTreeMap::new();
    for (receiver, effect) in effects {
        changes.entry(receiver).or_default().add(effect);
    }
    changes
}

/// What there is to be told of endpoints that the failure clock disabled, and of those that it warned of.
pub(crate) fn changed(
    disabled: Vec<endpoint::Row>,
    warned: Vec<endpoint::Row>,
    now: i64,
) -> Vec<HealthChange> {
    let read = |row| failing(row, now);
    let disabled = disabled.into_iter().filter_map(read);
    let disabled = disabled.map(|(endpoint, failing_for)| HealthChange::Disabled { endpoint, failing_for });
    let warned = warned.into_iter().filter_map(read);
    let warned = warned.map(|(endpoint, failing_for)| HealthChange::Warned { endpoint, failing_for });
    disabled.chain(warned).collect()
}

/// An endpoint, and for how long it has been failing. One that can't be read stands in the log: it must keep nobody
/// from being told of the others.
fn failing(row: endpoint::Row, now: i64) -> Option<(Endpoint, Duration)> {
    let id = row.id().to_owned();
    match endpoint(row) {
        Ok(endpoint) => {
            let failing_for = clock::remaining(now - endpoint.health.failing_since.unwrap_or(now));
            Some((endpoint, failing_for))
        }
        Err(error) => {
            tracing::error!(
                target: "countersign",
                endpoint = id,
                error = %error,
                "an endpoint that has been failing for long can't be read: nobody is told of it"
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_before_a_success_counts_no_more() {
        let receiver = ("ep", "https://example.com/");
        let open = |micros| Effect::Failed { open_for: Some(Duration::from_micros(micros)) };
        let failed = |micros| (receiver, open(micros));
        let well = (receiver, Effect::Well);
        let closed = (receiver, Effect::Failed { open_for: None });
        let changes = changes([failed(9), well, closed, failed(3), failed(2)]);
        assert_eq!(changes[&receiver], Change { well: true, failures: 2, open_for: Some(3), gone: false });
    }
}
