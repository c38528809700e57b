//! The contract of an outbox in two lists.

use std::collections::{BTreeMap, HashMap};

use countersign_store::outbox::{Claimed, DeliveryState, Effect, Endpoint, Health, SettleDelivery, Verdict};

/// Endpoints, messages and deliveries. Times are microseconds.
#[derive(Default)]
pub(super) struct Model {
    pub(super) now: i64,
    pub(super) places: BTreeMap<String, Place>,
    /// The deliveries, the oldest first.
    pub(super) rows: Vec<Row>,
    /// The messages, the oldest first.
    messages: Vec<String>,
    /// By tenant and key.
    keys: HashMap<Key, String>,
}

type Key = (Option<&'static str>, u8);

/// An endpoint.
pub(super) struct Place {
    tenant: Option<&'static str>,
    pub(super) in_flight: u32,
    pub(super) is_enabled: bool,
    failures: u32,
    open_until: i64,
}

impl Place {
    /// An enabled endpoint that is well.
    pub(super) fn new(tenant: Option<&'static str>, in_flight: u32) -> Self {
        Place { tenant, in_flight, is_enabled: true, failures: 0, open_until: 0 }
    }

    /// It is enabled, and well again.
    pub(super) fn recover(&mut self) {
        *self = Place::new(self.tenant, self.in_flight);
    }
}

/// A delivery.
pub(super) struct Row {
    message: String,
    endpoint: String,
    pub(super) state: DeliveryState,
    /// When it may be claimed: when it is due, or its lease ends.
    due: i64,
    attempts: u32,
    /// The number of the claim that may settle it.
    claim: Option<usize>,
}

impl Row {
    fn is_settled(&self) -> bool {
        !matches!(self.state, DeliveryState::Pending | DeliveryState::Leased)
    }

    /// Whether it is pending, or its lease has ended.
    fn waits(&self, now: i64) -> bool {
        self.state == DeliveryState::Pending || self.state == DeliveryState::Leased && self.due <= now
    }

    fn is(&self, claimed: &Claimed) -> bool {
        self.message == claimed.message.id && self.endpoint == claimed.endpoint.id
    }
}

impl Model {
    /// Whether the message had been enqueued, and how many deliveries it has.
    pub(super) fn enqueue(
        &mut self,
        id: &str,
        tenant: Option<&'static str>,
        key: Option<u8>,
        delay: i64,
    ) -> (bool, u32) {
        let key = key.map(|key| (tenant, key));
        let known = key.is_some_and(|key| self.keys.contains_key(&key));
        if known {
            assert_eq!(key.and_then(|key| self.keys.get(&key)).map(String::as_str), Some(id));
        } else {
            assert!(!self.messages.iter().any(|other| other == id), "an id twice");
            self.messages.push(id.to_owned());
            self.keys.extend(key.map(|key| (key, id.to_owned())));
            let row = |endpoint: &String| Row {
                message: id.to_owned(),
                endpoint: endpoint.clone(),
                state: DeliveryState::Pending,
                due: self.now + delay,
                attempts: 0,
                claim: None,
            };
            let places = self.places.iter().filter(|(_, place)| place.tenant == tenant);
            self.rows.extend(places.map(|(endpoint, _)| row(endpoint)).collect::<Vec<_>>());
        }
        (known, self.rows.iter().filter(|row| row.message == id).count() as u32)
    }

    /// Whether there was such an endpoint.
    pub(super) fn delete(&mut self, endpoint: &str) -> bool {
        self.rows.retain(|row| row.endpoint != endpoint);
        self.places.remove(endpoint).is_some()
    }

    /// Checks that what was claimed could be, that it was as many as possible, the oldest first, and tenants
    /// and their endpoints in turn; and notes it.
    pub(super) fn claim(&mut self, claimed: &[Claimed], limit: usize, lease: i64, first: usize) {
        let mut shares: Vec<Share> = self.places.keys().map(|endpoint| self.share(endpoint)).collect();
        let possible = shares.iter().map(Share::possible).sum::<usize>().min(limit);
        assert_eq!(claimed.len(), possible, "fewer or more than could be");
        for (number, claimed) in (first..).zip(claimed) {
            let now = self.now;
            let row = self.rows.iter_mut().find(|row| row.is(claimed)).expect("a known delivery");
            assert!(!row.is_settled() && row.due <= now, "not due");
            let share = shares.iter_mut().find(|share| share.endpoint == row.endpoint);
            share.expect("a known endpoint").taken.push(row.due);
            row.attempts += 1;
            assert_eq!(claimed.attempt, row.attempts);
            (row.state, row.due, row.claim) = (DeliveryState::Leased, now + lease, Some(number));
        }
        shares.iter().for_each(Share::check);
        check_turns(&shares);
    }

    fn share(&self, endpoint: &str) -> Share {
        let place = &self.places[endpoint];
        let rows = || self.rows.iter().filter(|row| row.endpoint == endpoint && !row.is_settled());
        let leased = rows().filter(|row| row.state == DeliveryState::Leased && row.due > self.now).count();
        let most = match place {
            Place { is_enabled: false, .. } => 0,
            Place { open_until, .. } if *open_until > self.now => 0,
            Place { failures: Endpoint::HALF_OPEN_AFTER.., .. } => 1,
            Place { in_flight, .. } => *in_flight as usize,
        };
        let mut due: Vec<i64> = rows().map(|row| row.due).filter(|due| *due <= self.now).collect();
        due.sort_unstable();
        let (endpoint, free) = (endpoint.to_owned(), most.saturating_sub(leased));
        Share { tenant: place.tenant, endpoint, leased, free, due, taken: Vec::new() }
    }

    /// Whether the claim of this number settles its delivery.
    pub(super) fn settle(&mut self, claim: usize, settle: &SettleDelivery) -> bool {
        let now = self.now;
        let Some(row) = self.rows.iter_mut().find(|row| row.claim == Some(claim)) else { return false };
        row.claim = None;
        (row.state, row.due) = match settle.verdict {
            Verdict::Delivered => (DeliveryState::Delivered, now),
            Verdict::Dead => (DeliveryState::Dead, now),
            Verdict::Cancelled => (DeliveryState::Cancelled, now),
            Verdict::Retry { after } => (DeliveryState::Pending, now + after.as_micros() as i64),
        };
        let place = self.places.get_mut(&row.endpoint).expect("a delivery's endpoint");
        match settle.effect {
            _ if settle.attempt.is_none() => row.attempts -= 1,
            Effect::Well => (place.failures, place.open_until) = (0, 0),
            Effect::Failed { open_for } => {
                let mut opens_for = open_for;
                if place.open_until <= now {
                    place.failures += 1;
                    opens_for = opens_for.max(Health::opens_for(place.failures));
                }
                let until = opens_for.map_or(0, |open| now + open.as_micros() as i64);
                place.open_until = place.open_until.max(until);
            }
            Effect::Gone => place.is_enabled = false,
            Effect::None => {}
        }
        true
    }

    /// How many deliveries are pending again.
    pub(super) fn redeliver(&mut self, limit: usize) -> u64 {
        let settled = self.rows.iter_mut().filter(|row| row.is_settled()).take(limit);
        let again = |row: &mut Row| (row.state, row.due) = (DeliveryState::Pending, self.now);
        settled.map(again).count() as u64
    }

    /// How many deliveries are cancelled: those that are due first.
    pub(super) fn cancel(&mut self, endpoint: &str, limit: usize) -> u64 {
        let (now, of) = (self.now, |row: &&mut Row| row.endpoint == endpoint);
        let mut waiting: Vec<&mut Row> =
            self.rows.iter_mut().filter(of).filter(|row| row.waits(now)).collect();
        waiting.sort_by_key(|row| row.due);
        let cancelled = waiting.into_iter().take(limit);
        cancelled.map(|row| (row.state, row.claim) = (DeliveryState::Cancelled, None)).count() as u64
    }

    /// How many messages are forgotten.
    pub(super) fn prune(&mut self, keep: usize) -> u64 {
        let beyond = self.messages.len().saturating_sub(keep);
        let waits = |id: &String| self.rows.iter().any(|row| row.message == *id && !row.is_settled());
        let old: Vec<String> = self.messages[..beyond].iter().filter(|id| !waits(id)).cloned().collect();
        self.messages.retain(|id| !old.contains(id));
        self.rows.retain(|row| !old.contains(&row.message));
        self.keys.retain(|_, id| !old.contains(id));
        old.len() as u64
    }

    /// How long until the next delivery of an enabled endpoint is due, and its circuit closed.
    pub(super) fn next_due(&self) -> Option<i64> {
        let rows = self.rows.iter().filter(|row| !row.is_settled() && self.places[&row.endpoint].is_enabled);
        rows.map(|row| (row.due.max(self.places[&row.endpoint].open_until) - self.now).max(0)).min()
    }
}

/// Checks that nobody was given a turn before one who has had fewer, and could be given it: of the tenants and of those
/// without one by what they have under way, and of a tenant's endpoints by what they were given.
fn check_turns(shares: &[Share]) {
    let mut takers: BTreeMap<(Option<&str>, &str), Vec<&Share>> = BTreeMap::new();
    for share in shares {
        let alone = share.tenant.map_or(&*share.endpoint, |_| "");
        takers.entry((share.tenant, alone)).or_default().push(share);
    }
    let taken = |of: &[&Share]| of.iter().map(|share| share.taken.len()).sum::<usize>();
    let had = |of: &[&Share]| taken(of) + of.iter().map(|share| share.leased).sum::<usize>();
    let could = |of: &[&Share]| of.iter().any(|share| share.taken.len() < share.possible());
    let last = takers.values().filter(|of| taken(of) > 0).map(|of| had(of)).max().unwrap_or(0);
    let next = takers.values().filter(|of| could(of)).map(|of| had(of) + 1).min().unwrap_or(usize::MAX);
    assert!(last <= next, "a tenant out of turn");
    for of in takers.values() {
        let fewest = of.iter().filter(|share| share.taken.len() < share.possible());
        let fewest = fewest.map(|share| share.taken.len()).min().unwrap_or(usize::MAX - 1);
        assert!(of.iter().all(|share| share.taken.len() <= fewest + 1), "an endpoint out of turn");
    }
}

/// What one endpoint can be given, and what it was.
struct Share {
    tenant: Option<&'static str>,
    endpoint: String,
    /// How many of its deliveries are under way.
    leased: usize,
    free: usize,
    due: Vec<i64>,
    taken: Vec<i64>,
}

impl Share {
    fn possible(&self) -> usize {
        self.free.min(self.due.len())
    }

    fn check(&self) {
        let mut taken = self.taken.clone();
        taken.sort_unstable();
        assert!(taken.len() <= self.possible(), "more than the endpoint can bear");
        assert_eq!(taken, self.due[..taken.len()], "not the oldest");
    }
}
