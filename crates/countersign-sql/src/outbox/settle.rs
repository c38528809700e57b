//! What settling does to deliveries.

use std::collections::{BTreeMap, HashMap, HashSet};

use countersign_store::{
    Settlement, StoreError,
    outbox::{DeliveryState, Effect, SettleDelivery, Verdict},
};

use super::{
    attempt::{Written, latency},
    delivery,
    health::{self, Receiver},
};
use crate::{clock, reason::shortened};

/// What settling does to one delivery.
pub(crate) struct Change {
    pub(crate) id: i64,
    pub(crate) fence: i64,
    /// The state it comes to.
    pub(crate) state: &'static str,
    /// After how long it is due, where it is pending.
    pub(crate) delay: Option<i64>,
    /// How many attempts don't count; one that doesn't leaves what is known of the last.
    pub(crate) uncounted: i64,
    pub(crate) at: Option<i64>,
    pub(crate) latency: Option<i64>,
    pub(crate) status: Option<i64>,
    pub(crate) error: Option<String>,
}

impl Change {
    fn new(settle: &SettleDelivery) -> Self {
        let (state, delay) = match settle.verdict {
            Verdict::Delivered => (DeliveryState::Delivered, None),
            Verdict::Dead => (DeliveryState::Dead, None),
            Verdict::Cancelled => (DeliveryState::Cancelled, None),
            Verdict::Retry { after } => (DeliveryState::Pending, Some(clock::span(after))),
        };
        let attempt = settle.attempt.as_ref();
        Change {
            id: settle.id,
            fence: settle.fence.as_i64(),
            state: delivery::state(state),
            delay,
            uncounted: i64::from(attempt.is_none()),
            at: attempt.map(|attempt| attempt.at),
            latency: attempt.map(latency),
            status: attempt.and_then(|attempt| attempt.status).map(i64::from),
            error: attempt.and_then(|attempt| attempt.error.as_deref()).map(shortened),
        }
    }
}

/// The changes, one a lease: of two about one lease the first counts.
pub(crate) fn changes(settled: &[SettleDelivery]) -> Vec<Change> {
    firsts(settled).map(Change::new).collect()
}

fn firsts(settled: &[SettleDelivery]) -> impl Iterator<Item = &SettleDelivery> {
    let mut seen = HashSet::new();
    settled.iter().filter(move |settle| seen.insert(lease(settle)))
}

fn lease(settle: &SettleDelivery) -> (i64, i64) {
    (settle.id, settle.fence.as_i64())
}

/// The leases that were settled, with the endpoints of their deliveries.
pub(crate) struct Settled(HashMap<(i64, i64), String>);

impl Settled {
    /// From rows of a delivery's id, its fence, and its endpoint's id.
    pub(crate) fn new(rows: Vec<(i64, i64, String)>) -> Self {
        Settled(rows.into_iter().map(|(id, fence, endpoint)| ((id, fence), endpoint)).collect())
    }

    /// The attempts at them that were made.
    pub(crate) fn attempts<'a>(
        &'a self,
        settled: &'a [SettleDelivery],
    ) -> Result<Vec<Written<'a>>, StoreError> {
        let made = self
            .made(settled)
            .filter_map(|(settle, endpoint)| Some((settle, endpoint, settle.attempt.as_ref()?)));
        made.map(|(settle, endpoint, attempt)| Written::new(settle.id, endpoint, attempt)).collect()
    }

    /// What the attempts mean for the endpoints, in order.
    pub(crate) fn effects<'a>(
        &'a self,
        settled: &'a [SettleDelivery],
    ) -> BTreeMap<Receiver<'a>, health::Change> {
        let made = self.made(settled).filter(|(settle, _)| settle.attempt.is_some());
        let effects = made.map(|(settle, endpoint)| ((endpoint, &*settle.endpoint.url), settle.effect));
        health::changes(effects.collect::<Vec<(Receiver<'_>, Effect)>>())
    }

    fn made<'a>(
        &'a self,
        settled: &'a [SettleDelivery],
    ) -> impl Iterator<Item = (&'a SettleDelivery, &'a str)> {
        firsts(settled).filter_map(|settle| Some((settle, self.0.get(&lease(settle))?.as_str())))
    }

    /// The answers, in the order of the question.
    pub(crate) fn answers(mut self, settled: &[SettleDelivery]) -> Vec<Settlement> {
        let one = |settle: &SettleDelivery| match self.0.remove(&lease(settle)) {
            Some(_) => Settlement::Settled,
            None => Settlement::Superseded,
        };
        settled.iter().map(one).collect()
    }
}
