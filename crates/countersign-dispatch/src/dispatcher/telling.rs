//! Telling an operator what happens.

use countersign_store::{
    Settlement, StoreError,
    outbox::{Claimed, DisabledBecause, Effect, OutboxStore, SettleDelivery, Verdict},
};

use super::Dispatcher;
use crate::{OperationalEvent, announce::announce};

impl<S: OutboxStore> Dispatcher<S> {
    /// Tells what has happened: to the log, to the application, to endpoints of the operator's own.
    pub(super) async fn tell(&self, events: &[OperationalEvent]) {
        for event in events {
            event.log();
            self.on_event.iter().for_each(|tell| tell(event));
        }
        if let Some(tenant) = &self.announce_to {
            announce(&self.outbox, tenant.as_deref(), events, (self.clock)()).await;
        }
    }
}

/// What there is to be told of deliveries that are settled. Where several find their endpoint gone, that is
/// told once.
pub(super) fn events_of<'s>(
    settled: impl Iterator<Item = (&'s SettleDelivery, &'s Claimed, Settlement)>,
) -> Vec<OperationalEvent> {
    let mut events = Vec::new();
    for (settled, claimed, settlement) in settled {
        if settlement == Settlement::Superseded {
            tracing::warn!(target: "countersign", delivery = settled.id, "an attempt ended after its lease: it may be made twice");
            continue;
        }
        if settled.effect == Effect::Gone && !events.iter().any(|event| tells_gone(event, claimed)) {
            events.push(gone(claimed));
        }
        if settled.verdict == Verdict::Dead {
            events.push(exhausted(claimed));
        }
    }
    events
}

fn gone(claimed: &Claimed) -> OperationalEvent {
    let endpoint = (*claimed.endpoint).clone();
    OperationalEvent::EndpointDisabled { endpoint, because: DisabledBecause::Gone }
}

fn tells_gone(event: &OperationalEvent, claimed: &Claimed) -> bool {
    matches!(event, OperationalEvent::EndpointDisabled { endpoint, .. } if endpoint.id == claimed.endpoint.id)
}

fn exhausted(claimed: &Claimed) -> OperationalEvent {
    OperationalEvent::DeliveryExhausted {
        delivery: claimed.id,
        message: (*claimed.message).clone(),
        endpoint: (*claimed.endpoint).clone(),
        attempts: claimed.attempt,
    }
}

pub(super) fn log(what: &str, error: &StoreError) {
    tracing::error!(target: "countersign", error = %error, "{what}");
}
