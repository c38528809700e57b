//! The outbox of one process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arbitrary::Arbitrary;
use countersign_store::{
    Fence, Settlement,
    outbox::{
        Attempt, DeliveryFilter, DeliveryState, DisabledBecause, Effect, Endpoint, EndpointState,
        MemoryOutbox, NewMessage, OutboxStore, Retention, SettleDelivery, Trigger, Verdict,
    },
};

use self::model::{Model, Place};
use super::done;

mod model;

/// A step, its times in seconds.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Step {
    Put { endpoint: u8, in_flight: u8 },
    Enable { endpoint: u8 },
    Disable { endpoint: u8 },
    Delete { endpoint: u8 },
    Enqueue { key: Option<u8>, delay: u8 },
    Claim { limit: u8, lease: u8 },
    Settle { claim: u8, verdict: Ended, effect: Fared, attempted: bool },
    Redeliver { limit: u8 },
    Prune { keep: u8 },
    Wait { seconds: u8 },
    Cancel { endpoint: u8, limit: u8 },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Ended {
    Delivered,
    Retry { after: u8 },
    Dead,
    Cancelled,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Fared {
    Well,
    Failed { open_for: Option<u8> },
    Gone,
    Nothing,
}

/// Takes the steps in the store and in the model.
pub(super) fn compare(steps: &[Step]) {
    let mut comparison = Comparison::new();
    for step in steps {
        comparison.take(*step);
        comparison.check_counts();
    }
}

struct Comparison {
    clock: Arc<AtomicI64>,
    store: MemoryOutbox,
    model: Model,
    /// The delivery, fence, endpoint and attempt of every claim that was made.
    claims: Vec<(i64, Fence, Arc<Endpoint>, u32)>,
}

impl Comparison {
    fn new() -> Comparison {
        let clock = Arc::new(AtomicI64::new(0));
        let now = clock.clone();
        let store = MemoryOutbox::new().clock_micros(move || now.load(Ordering::Relaxed));
        Comparison { clock, store, model: Model::default(), claims: Vec::new() }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Put { endpoint, in_flight } => {
                self.put(&name(endpoint), tenant(endpoint), 1 + u32::from(in_flight % 3));
            }
            Step::Enable { endpoint } => self.set_state(&name(endpoint), EndpointState::Enabled),
            Step::Disable { endpoint } => {
                self.set_state(&name(endpoint), EndpointState::Disabled(DisabledBecause::Operator));
            }
            Step::Delete { endpoint } => {
                let deleted = done(self.store.delete_endpoint(&name(endpoint))).expect("deleted");
                assert_eq!(deleted, self.model.delete(&name(endpoint)));
            }
            Step::Enqueue { key, delay } => self.enqueue(tenant(delay), key.map(|key| key % 4), delay),
            Step::Claim { limit, lease } => self.claim(u32::from(limit % 12), lease % 32),
            Step::Settle { claim, verdict, effect, attempted } => {
                self.settle(claim, verdict, effect, attempted);
            }
            Step::Redeliver { limit } => {
                let redelivered = done(self.store.redeliver(&DeliveryFilter::default(), limit.into()));
                assert_eq!(redelivered.expect("redelivered").count, self.model.redeliver(limit.into()));
            }
            Step::Cancel { endpoint, limit } => {
                let mut filter = DeliveryFilter::default();
                filter.endpoint_id = Some(name(endpoint));
                let cancelled = done(self.store.cancel(&filter, limit.into())).expect("cancelled");
                assert_eq!(cancelled, self.model.cancel(&name(endpoint), limit.into()));
            }
            Step::Prune { keep } => {
                let retention = Retention { age: Duration::MAX, messages: u64::from(keep % 8) };
                let forgotten = done(self.store.prune_outbox(&retention)).expect("pruned");
                assert_eq!(forgotten, self.model.prune(usize::from(keep % 8)));
            }
            Step::Wait { seconds } => {
                self.model.now += micros(seconds);
                self.clock.store(self.model.now, Ordering::Relaxed);
            }
        }
    }

    fn put(&mut self, name: &str, tenant: Option<&'static str>, in_flight: u32) {
        let mut endpoint = Endpoint::new(name, "https://hooks.example.com/in", "standard-webhooks");
        endpoint.tenant = tenant.map(str::to_owned);
        endpoint.limits.in_flight = in_flight;
        done(self.store.put_endpoint(&endpoint)).expect("written");
        let place = self.model.places.entry(name.to_owned()).or_insert(Place::new(tenant, in_flight));
        (place.in_flight, place.is_enabled) = (in_flight, true);
    }

    fn set_state(&mut self, name: &str, state: EndpointState) {
        let changed = done(self.store.set_state(name, state)).expect("changed");
        let place = self.model.places.get_mut(name);
        assert_eq!(changed, place.is_some());
        if let Some(place) = place {
            match state {
                EndpointState::Enabled => place.recover(),
                EndpointState::Disabled(_) => place.is_enabled = false,
            }
        }
    }

    fn enqueue(&mut self, tenant: Option<&'static str>, key: Option<u8>, delay: u8) {
        let mut message = NewMessage::new("invoice.paid", "{}");
        message.tenant = tenant.map(str::to_owned);
        message.idempotency_key = key.map(|key| format!("key_{key}"));
        message.due_at = Some(self.model.now + micros(delay % 32));
        let enqueued = done(self.store.enqueue(&[message.clone()])).expect("enqueued").remove(0);
        let (known, deliveries) = self.model.enqueue(&enqueued.id, tenant, key, micros(delay % 32));
        assert_eq!((enqueued.duplicate, enqueued.deliveries), (known, deliveries));
        assert!(done(self.store.message(&enqueued.id)).expect("found").is_some());
    }

    fn claim(&mut self, limit: u32, lease: u8) {
        let claimed = done(self.store.claim(limit, Duration::from_secs(lease.into()))).expect("claimed");
        self.model.claim(&claimed, limit as usize, micros(lease), self.claims.len());
        let claims = claimed.into_iter();
        self.claims.extend(claims.map(|one| (one.id, one.fence, one.endpoint, one.attempt)));
    }

    fn settle(&mut self, claim: u8, verdict: Ended, effect: Fared, attempted: bool) {
        let number = usize::from(claim) % self.claims.len().max(1);
        let Some((id, fence, endpoint, attempt)) = self.claims.get(number).cloned() else { return };
        let now = self.model.now;
        let settle = SettleDelivery {
            id,
            fence,
            endpoint,
            verdict: verdict.verdict(),
            effect: effect.effect(),
            attempt: attempted.then(|| Attempt::new(attempt, now, Trigger::Schedule)),
        };
        let expected = match self.model.settle(number, &settle) {
            true => Settlement::Settled,
            false => Settlement::Superseded,
        };
        assert_eq!(done(self.store.settle(&[settle])).expect("settled"), [expected]);
    }

    /// Checks how many deliveries there are of each state, and when the next is due.
    fn check_counts(&self) {
        for state in STATES {
            let mut filter = DeliveryFilter::default();
            filter.state = Some(state);
            let rows = self.model.rows.iter().filter(|row| row.state == state).count() as u64;
            assert_eq!(done(self.store.count(&filter)).expect("counted"), rows, "{state:?}");
        }
        let due = done(self.store.next_due()).expect("found");
        assert_eq!(due, self.model.next_due().map(|micros| Duration::from_micros(micros.unsigned_abs())));
    }
}

impl Ended {
    fn verdict(self) -> Verdict {
        match self {
            Ended::Delivered => Verdict::Delivered,
            Ended::Retry { after } => Verdict::Retry { after: Duration::from_secs((after % 32).into()) },
            Ended::Dead => Verdict::Dead,
            Ended::Cancelled => Verdict::Cancelled,
        }
    }
}

impl Fared {
    fn effect(self) -> Effect {
        match self {
            Fared::Well => Effect::Well,
            Fared::Failed { open_for } => Effect::Failed {
                open_for: open_for.map(|seconds| Duration::from_secs((seconds % 32).into())),
            },
            Fared::Gone => Effect::Gone,
            Fared::Nothing => Effect::None,
        }
    }
}

const STATES: [DeliveryState; 5] = [
    DeliveryState::Pending,
    DeliveryState::Leased,
    DeliveryState::Delivered,
    DeliveryState::Dead,
    DeliveryState::Cancelled,
];

/// One of so few endpoints that they meet often.
fn name(endpoint: u8) -> String {
    format!("ep_{}", endpoint % 4)
}

/// The tenant of every second pair of endpoints, and of messages that are for them.
fn tenant(number: u8) -> Option<&'static str> {
    (number & 2 != 0).then_some("acme")
}

fn micros(seconds: u8) -> i64 {
    i64::from(seconds) * 1_000_000
}
