//! What is done once a minute, and on while there are old messages.

use countersign_store::{
    PRUNED_AT_ONCE,
    outbox::{Depth, DisabledBecause, HealthChange, OutboxStore},
};
use metrics::gauge;
use tokio::time::Instant;

use super::{
    Dispatcher,
    telling::log,
    work::{HOUSEKEEPING, in_time},
};
use crate::OperationalEvent;

impl<S: OutboxStore> Dispatcher<S> {
    /// Turns the failure clocks, measures what waits.
    pub(super) async fn keep_house(&self) {
        let store = self.outbox.store();
        match in_time(store.turn_failure_clocks(self.warn_after, self.disable_after)).await {
            Ok(changes) => {
                let events = changes.into_iter().filter_map(|change| self.event_of(change));
                self.tell(&events.collect::<Vec<_>>()).await;
            }
            Err(error) => log("the failure clocks could not be turned", &error),
        }
        match in_time(store.depth()).await {
            Ok(depth) => measure(depth),
            Err(error) => log("what waits could not be counted", &error),
        }
    }

    /// Forgets some old messages, and says when to go on. Where there are more, that is after as long as this has taken:
    /// claims and settlements have at least half of the time.
    pub(super) async fn prune(&self) -> Instant {
        let began = Instant::now();
        match in_time(self.outbox.store().prune_outbox(&self.retention)).await {
            Ok(forgotten) if forgotten >= PRUNED_AT_ONCE => return Instant::now() + began.elapsed(),
            Ok(_) => {}
            Err(error) => log("old messages could not be pruned", &error),
        }
        began + HOUSEKEEPING
    }

    /// What an operator is told of a change.
    fn event_of(&self, change: HealthChange) -> Option<OperationalEvent> {
        match change {
            HealthChange::Warned { endpoint, failing_for } => {
                let disabled_in = self.disable_after.saturating_sub(failing_for);
                Some(OperationalEvent::EndpointWarned { endpoint, failing_for, disabled_in })
            }
            HealthChange::Disabled { endpoint, .. } => {
                let because = DisabledBecause::Failing;
                Some(OperationalEvent::EndpointDisabled { endpoint, because })
            }
            _ => None,
        }
    }
}

fn measure(depth: Depth) {
    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
    gauge!("countersign_outbox_depth").set((depth.pending + depth.leased) as f64);
    gauge!("countersign_outbox_oldest_due_seconds").set(depth.oldest_due.unwrap_or_default().as_secs_f64());
}
