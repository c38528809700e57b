//! Telling an operator what happens.

use std::panic::{AssertUnwindSafe, catch_unwind};

use countersign_store::{
    Settlement, StoreError,
    outbox::{
        Claimed, DisabledBecause, Effect, Endpoint, EndpointState, OutboxStore, SettleDelivery, Verdict,
    },
};

use super::{Dispatcher, Handler, work::in_time};
use crate::{OperationalEvent, announce::announce};

impl<S: OutboxStore> Dispatcher<S> {
    /// Tells what has happened: to the log, to the application, to endpoints of the operator's own.
    pub(super) async fn tell(&self, events: &[OperationalEvent]) {
        for event in events {
            event.log();
            self.on_event.iter().for_each(|handler| tell_one(handler, event));
        }
        if let Some(tenant) = &self.announce_to {
            announce(&self.outbox, tenant.as_deref(), events, (self.clock)()).await;
        }
    }

    /// Tells what attempts have found, but for endpoints that are not disabled for it: one can be given another URL, or
    /// be disabled by an operator, while an attempt is under way.
    pub(super) async fn tell_what_is_so(&self, events: Vec<OperationalEvent>) {
        let mut so = Vec::with_capacity(events.len());
        for event in events {
            if self.is_so(&event).await {
                so.push(event);
            }
        }
        self.tell(&so).await;
    }

    /// Where the store can't say, it is: rather twice than never.
    async fn is_so(&self, event: &OperationalEvent) -> bool {
        let OperationalEvent::EndpointDisabled { endpoint, because } = event else { return true };
        let is_so = |stored: Endpoint| {
            stored.url == endpoint.url && stored.state == EndpointState::Disabled(*because)
        };
        match in_time(self.outbox.store().endpoint(&endpoint.id)).await {
            Ok(stored) => stored.is_some_and(is_so),
            Err(_) => true,
        }
    }
}

/// A handler that panics is the application's, and no reason to deliver nothing more.
fn tell_one(handler: &Handler, event: &OperationalEvent) {
    if catch_unwind(AssertUnwindSafe(|| handler(event))).is_err() {
        tracing::error!(target: "countersign", event = event.event_type(), "a handler of events panicked");
    }
}

/// What there is to be told of deliveries that are settled, as their attempts have it. Where several find their
/// endpoint gone, that is told once.
pub(super) fn events_of<'s>(
    settled: impl Iterator<Item = (&'s SettleDelivery, &'s Claimed, Settlement)>,
) -> Vec<OperationalEvent> {
    let mut events = Vec::new();
    for (settled, claimed, settlement) in settled {
        if settlement == Settlement::Superseded {
            tracing::warn!(target: "countersign", delivery = settled.id, "an attempt ended after its lease, or its delivery was deleted meanwhile: the attempt may be made twice");
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
