//! The outbox of one process.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    Activity, ActivityFilter, Attempt, Claimed, Delivery, DeliveryFilter, DeliveryState, Depth,
    DisabledBecause, Effect, Endpoint, EndpointState, Enqueued, Health, HealthChange, Message, MessageFilter,
    NewMessage, OutboxStore, Page, Redelivered, Retention, SettleDelivery, Trigger, Verdict,
};
use crate::{Fence, Settlement, StoreError};

/// [`OutboxStore`] of one process, in its memory: for tests, and for applications that can lose messages.
/// What it holds ends with the process, and nothing in it is bounded but by
/// [`prune_outbox`](OutboxStore::prune_outbox).
pub struct MemoryOutbox {
    tables: Mutex<Tables>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

#[derive(Default)]
struct Tables {
    endpoints: BTreeMap<String, Arc<Endpoint>>,
    messages: BTreeMap<String, Arc<Message>>,
    /// The ids of the messages, in the order in which they were enqueued.
    order: Vec<String>,
    by_key: HashMap<(Option<String>, String), String>,
    rows: BTreeMap<i64, Row>,
    last_row: i64,
    last_message: u64,
}

/// A delivery.
struct Row {
    delivery: Delivery,
    fence: Option<Fence>,
    step: u32,
    trigger: Trigger,
    attempts: Vec<Attempt>,
}

impl MemoryOutbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        MemoryOutbox { tables: Mutex::default(), clock: Arc::new(unix_micros) }
    }

    /// The clock, in microseconds since 1970: the system's by default.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        (self.clock)()
    }
}

impl Tables {
    fn enqueue(&mut self, new: &NewMessage, now: i64) -> Result<Enqueued, StoreError> {
        let key = new.idempotency_key.clone().map(|key| (new.tenant.clone(), key));
        if let Some(id) = key.as_ref().and_then(|key| self.by_key.get(key)) {
            let deliveries = self.rows.values().filter(|row| row.delivery.message_id == *id).count();
            return Ok(Enqueued { id: id.clone(), deliveries: small(deliveries), duplicate: true });
        }
        self.last_message += 1;
        let id = new.id.clone().unwrap_or_else(|| format!("msg_{:016x}", self.last_message));
        let wanting = self.endpoints.values().filter(|endpoint| endpoint.subscription().wants(new));
        let endpoints: Vec<String> = wanting.map(|endpoint| endpoint.id.clone()).collect();
        for endpoint in &endpoints {
            self.last_row += 1;
            let mut delivery =
                Delivery::new(self.last_row, id.as_str(), new.kind.as_str(), endpoint.as_str());
            (delivery.due_at, delivery.created_at) = (Some(new.due_at.unwrap_or(now)), now);
            delivery.tenant.clone_from(&new.tenant);
            let row =
                Row { delivery, fence: None, step: 0, trigger: Trigger::Schedule, attempts: Vec::new() };
            self.rows.insert(self.last_row, row);
        }
        self.messages.insert(id.clone(), Arc::new(Message::stored(new, id.as_str(), now)));
        self.order.push(id.clone());
        self.by_key.extend(key.map(|key| (key, id.clone())));
        Ok(Enqueued { id, deliveries: small(endpoints.len()), duplicate: false })
    }

    /// The deliveries that may be leased now: endpoints take turns, and the oldest due of each goes first.
    fn due(&self, now: i64, limit: usize) -> Vec<i64> {
        let mut turns: Vec<(usize, i64, i64)> = Vec::new();
        for endpoint in self.endpoints.values() {
            let leased = self.rows.values().filter(|row| row.is_leased_of(&endpoint.id, now)).count();
            let places = endpoint.places(small(leased), now) as usize;
            let due = self.rows.values().filter(|row| row.is_due_of(&endpoint.id, now));
            let mut due: Vec<(i64, i64)> =
                due.map(|row| (row.delivery.due_at.unwrap_or(now), row.delivery.id)).collect();
            due.sort_unstable();
            turns.extend(due.into_iter().take(places).enumerate().map(|(turn, (at, id))| (turn, at, id)));
        }
        turns.sort_unstable();
        turns.into_iter().take(limit).map(|(_, _, id)| id).collect()
    }

    fn lease(&mut self, id: i64, until: i64) -> Result<Option<Claimed>, StoreError> {
        let Some(row) = self.rows.get_mut(&id) else { return Ok(None) };
        let message = self.messages.get(&row.delivery.message_id);
        let endpoint = self.endpoints.get(&row.delivery.endpoint_id);
        let (Some(message), Some(endpoint)) = (message, endpoint) else { return Ok(None) };
        let fence = Fence::random()?;
        row.fence = Some(fence);
        row.step += 1;
        row.delivery.attempts += 1;
        (row.delivery.state, row.delivery.due_at) = (DeliveryState::Leased, Some(until));
        Ok(Some(Claimed {
            id,
            fence,
            attempt: row.delivery.attempts,
            step: row.step,
            trigger: row.trigger,
            message: message.clone(),
            endpoint: endpoint.clone(),
        }))
    }

    fn settle(&mut self, settle: &SettleDelivery, now: i64) -> Settlement {
        let row = self.rows.get_mut(&settle.id).filter(|row| row.fence == Some(settle.fence));
        let Some(row) = row else { return Settlement::Superseded };
        row.settle(settle, now);
        let endpoint = row.delivery.endpoint_id.clone();
        if settle.attempt.is_some() {
            self.change(&endpoint, |endpoint| fare(endpoint, settle.effect, now));
        }
        Settlement::Settled
    }

    fn change(&mut self, endpoint: &str, change: impl FnOnce(&mut Endpoint)) -> bool {
        let found = self.endpoints.get_mut(endpoint);
        found.map(|endpoint| change(Arc::make_mut(endpoint))).is_some()
    }

    fn matching(&self, filter: &DeliveryFilter) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(move |row| row.matches(filter))
    }
}

impl Row {
    fn is_leased_of(&self, endpoint: &str, now: i64) -> bool {
        let until = self.delivery.due_at.unwrap_or(now);
        self.delivery.endpoint_id == endpoint && self.delivery.state == DeliveryState::Leased && until > now
    }

    fn is_due_of(&self, endpoint: &str, now: i64) -> bool {
        let waits = matches!(self.delivery.state, DeliveryState::Pending | DeliveryState::Leased);
        self.delivery.endpoint_id == endpoint && waits && self.delivery.due_at.is_some_and(|due| due <= now)
    }

    fn settle(&mut self, settle: &SettleDelivery, now: i64) {
        self.fence = None;
        let (state, due_at) = match settle.verdict {
            Verdict::Delivered => (DeliveryState::Delivered, None),
            Verdict::Dead => (DeliveryState::Dead, None),
            Verdict::Cancelled => (DeliveryState::Cancelled, None),
            Verdict::Retry { after } => (DeliveryState::Pending, Some(later(now, after))),
        };
        (self.delivery.state, self.delivery.due_at) = (state, due_at);
        match &settle.attempt {
            Some(attempt) => {
                self.delivery.last_status = attempt.status;
                self.delivery.last_error.clone_from(&attempt.error);
                self.attempts.push(attempt.clone());
                self.trigger = Trigger::Schedule;
            }
            None => {
                self.step -= 1;
                self.delivery.attempts -= 1;
            }
        }
    }

    fn redeliver(&mut self, now: i64) {
        (self.delivery.state, self.delivery.due_at) = (DeliveryState::Pending, Some(now));
        (self.step, self.trigger) = (0, Trigger::Redelivery);
    }

    fn is_settled(&self) -> bool {
        !matches!(self.delivery.state, DeliveryState::Pending | DeliveryState::Leased)
    }

    fn matches(&self, filter: &DeliveryFilter) -> bool {
        fn is<T: PartialEq>(wanted: &Option<T>, value: &T) -> bool {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        }
        let delivery = &self.delivery;
        filter.after.is_none_or(|after| delivery.id > after)
            && is(&filter.id, &delivery.id)
            && is(&filter.message_id, &delivery.message_id)
            && is(&filter.endpoint_id, &delivery.endpoint_id)
            && is(&filter.tenant, &delivery.tenant)
            && is(&filter.kind, &delivery.kind)
            && is(&filter.state, &delivery.state)
            && filter.from.is_none_or(|from| delivery.created_at >= from)
            && filter.until.is_none_or(|until| delivery.created_at < until)
    }
}

impl OutboxStore for MemoryOutbox {
    async fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let mut endpoint = endpoint.clone();
        endpoint.health =
            tables.endpoints.get(&endpoint.id).map_or_else(Health::default, |known| known.health);
        tables.endpoints.insert(endpoint.id.clone(), Arc::new(endpoint));
        Ok(())
    }

    async fn endpoint(&self, id: &str) -> Result<Option<Endpoint>, StoreError> {
        Ok(self.lock().endpoints.get(id).map(|endpoint| (**endpoint).clone()))
    }

    async fn endpoints(
        &self,
        tenant: Option<Option<&str>>,
        page: &Page,
    ) -> Result<Vec<Endpoint>, StoreError> {
        let tables = self.lock();
        let after = |id: &str| page.after.as_deref().is_none_or(|after| id > after);
        let of = |endpoint: &&Arc<Endpoint>| {
            tenant.is_none_or(|tenant| endpoint.tenant.as_deref() == tenant) && after(&endpoint.id)
        };
        let found = tables.endpoints.values().filter(of).take(page.rows() as usize);
        Ok(found.map(|endpoint| (**endpoint).clone()).collect())
    }

    async fn delete_endpoint(&self, id: &str) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        tables.rows.retain(|_, row| row.delivery.endpoint_id != id);
        Ok(tables.endpoints.remove(id).is_some())
    }

    async fn set_state(&self, id: &str, state: EndpointState) -> Result<bool, StoreError> {
        Ok(self.lock().change(id, |endpoint| {
            endpoint.state = state;
            if state == EndpointState::Enabled {
                set_back(&mut endpoint.health);
            }
        }))
    }

    async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<Enqueued>, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        messages.iter().map(|message| tables.enqueue(message, now)).collect()
    }

    async fn message(&self, id: &str) -> Result<Option<Message>, StoreError> {
        Ok(self.lock().messages.get(id).map(|message| (**message).clone()))
    }

    async fn messages(&self, filter: &MessageFilter, page: &Page) -> Result<Vec<Message>, StoreError> {
        let tables = self.lock();
        let is_after = |id: &&String| page.after.as_ref().is_some_and(|after| after != *id);
        let older = tables.order.iter().rev().skip_while(is_after).skip(usize::from(page.after.is_some()));
        let messages = older.filter_map(|id| tables.messages.get(id)).filter(|message| of(message, filter));
        Ok(messages.take(page.rows() as usize).map(|message| (**message).clone()).collect())
    }

    async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        let due = tables.due(now, limit as usize);
        due.into_iter().filter_map(|id| tables.lease(id, later(now, lease)).transpose()).collect()
    }

    async fn settle(&self, settled: &[SettleDelivery]) -> Result<Vec<Settlement>, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        Ok(settled.iter().map(|settle| tables.settle(settle, now)).collect())
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        let (tables, now) = (self.lock(), self.now());
        let enabled = |row: &&Row| {
            let endpoint = tables.endpoints.get(&row.delivery.endpoint_id);
            !row.is_settled() && endpoint.is_some_and(|endpoint| endpoint.state == EndpointState::Enabled)
        };
        let due = tables.rows.values().filter(enabled).filter_map(|row| row.delivery.due_at).min();
        Ok(due.map(|due| span(now, due)))
    }

    async fn turn_failure_clocks(
        &self,
        warn_after: Duration,
        disable_after: Duration,
    ) -> Result<Vec<HealthChange>, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        let endpoints = tables.endpoints.values_mut();
        Ok(endpoints.filter_map(|endpoint| turn(endpoint, now, warn_after, disable_after)).collect())
    }

    async fn deliveries(&self, filter: &DeliveryFilter, page: &Page) -> Result<Vec<Delivery>, StoreError> {
        let before = page.after.as_deref().map(str::parse::<i64>).transpose().map_err(StoreError::invalid)?;
        let tables = self.lock();
        let mut found: Vec<&Row> = tables.matching(filter).collect();
        found.reverse();
        let found = found.into_iter().filter(|row| before.is_none_or(|before| row.delivery.id < before));
        Ok(found.take(page.rows() as usize).map(|row| row.delivery.clone()).collect())
    }

    async fn count(&self, filter: &DeliveryFilter) -> Result<u64, StoreError> {
        Ok(self.lock().matching(filter).count() as u64)
    }

    async fn attempts(&self, delivery: i64) -> Result<Vec<Attempt>, StoreError> {
        Ok(self.lock().rows.get(&delivery).map(|row| row.attempts.clone()).unwrap_or_default())
    }

    async fn redeliver(&self, filter: &DeliveryFilter, limit: u32) -> Result<Redelivered, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        let rows = tables.rows.values_mut().filter(|row| row.is_settled() && row.matches(filter));
        let mut redelivered = Redelivered::default();
        for row in rows.take(limit as usize) {
            row.redeliver(now);
            (redelivered.count, redelivered.last) = (redelivered.count + 1, Some(row.delivery.id));
        }
        Ok(redelivered)
    }

    async fn depth(&self) -> Result<Depth, StoreError> {
        let (tables, now) = (self.lock(), self.now());
        let count = |state| tables.rows.values().filter(|row| row.delivery.state == state).count() as u64;
        let enabled = |row: &&Row| {
            let endpoint = tables.endpoints.get(&row.delivery.endpoint_id);
            endpoint.is_some_and(|endpoint| endpoint.state == EndpointState::Enabled)
        };
        let waiting = tables.rows.values().filter(|row| !row.is_settled()).filter(enabled);
        let oldest = waiting.filter_map(|row| row.delivery.due_at).filter(|due| *due <= now).min();
        Ok(Depth {
            pending: count(DeliveryState::Pending),
            leased: count(DeliveryState::Leased),
            oldest_due: oldest.map(|due| span(due, now)),
        })
    }

    async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<Activity>, StoreError> {
        let (tables, step) = (self.lock(), filter.step_micros());
        let rows = tables.rows.values().filter(|row| {
            let delivery = &row.delivery;
            filter.endpoint_id.as_ref().is_none_or(|id| *id == delivery.endpoint_id)
                && filter.tenant.as_ref().is_none_or(|tenant| *tenant == delivery.tenant)
        });
        let attempts = rows.flat_map(|row| &row.attempts);
        let mut steps: BTreeMap<i64, Activity> = BTreeMap::new();
        for attempt in attempts.filter(|attempt| (filter.from..filter.until).contains(&attempt.at)) {
            let at = filter.from + (attempt.at - filter.from) / step * step;
            let activity = steps.entry(at).or_insert(Activity { at, succeeded: 0, failed: 0 });
            match attempt.error {
                None => activity.succeeded += 1,
                Some(_) => activity.failed += 1,
            }
        }
        Ok(steps.into_values().collect())
    }

    async fn prune_outbox(&self, keep: &Retention) -> Result<u64, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        let tables = &mut *tables;
        let before = now.saturating_sub(micros(keep.age));
        let beyond = tables.order.len().saturating_sub(usize::try_from(keep.messages).unwrap_or(usize::MAX));
        let waits =
            |id: &str| tables.rows.values().any(|row| row.delivery.message_id == id && !row.is_settled());
        let is_old = |id: &str| tables.messages.get(id).is_some_and(|message| message.created_at < before);
        let old = tables.order.iter().enumerate().filter(|(place, id)| *place < beyond || is_old(id));
        let old: HashSet<String> = old.map(|(_, id)| id.clone()).filter(|id| !waits(id)).collect();
        tables.messages.retain(|id, _| !old.contains(id));
        tables.order.retain(|id| !old.contains(id));
        tables.rows.retain(|_, row| !old.contains(&row.delivery.message_id));
        tables.by_key.retain(|_, id| !old.contains(id));
        Ok(old.len() as u64)
    }
}

impl Default for MemoryOutbox {
    fn default() -> Self {
        MemoryOutbox::new()
    }
}

/// Shows nothing of what it holds.
impl fmt::Debug for MemoryOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOutbox").finish_non_exhaustive()
    }
}

/// What an attempt does to its endpoint.
fn fare(endpoint: &mut Endpoint, effect: Effect, now: i64) {
    let health = &mut endpoint.health;
    health.attempted_at = Some(now);
    match effect {
        Effect::Well => {
            set_back(health);
            health.succeeded_at = Some(now);
        }
        Effect::Failed { open_until } => {
            health.failing_since = health.failing_since.or(Some(now));
            health.failures += 1;
            health.open_until = health.open_until.max(open_until);
        }
        Effect::Gone => endpoint.state = EndpointState::Disabled(DisabledBecause::Gone),
        Effect::None => {}
    }
}

fn set_back(health: &mut Health) {
    (health.failing_since, health.failures, health.warned_at, health.open_until) = (None, 0, None, None);
}

fn turn(
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
        return Some(HealthChange::Disabled { endpoint: endpoint.clone(), failing_for });
    }
    if failing_for >= warn_after && endpoint.health.warned_at.is_none() {
        let endpoint = Arc::make_mut(endpoint);
        endpoint.health.warned_at = Some(now);
        return Some(HealthChange::Warned { endpoint: endpoint.clone(), failing_for });
    }
    None
}

/// Whether a message is one that a filter means.
fn of(message: &Message, filter: &MessageFilter) -> bool {
    filter.tenant.as_ref().is_none_or(|tenant| *tenant == message.tenant)
        && filter.kind.as_ref().is_none_or(|kind| *kind == message.kind)
        && filter.from.is_none_or(|from| message.created_at >= from)
        && filter.until.is_none_or(|until| message.created_at < until)
}

/// The time from one moment to a later one.
fn span(from: i64, until: i64) -> Duration {
    Duration::from_micros(u64::try_from(until.saturating_sub(from)).unwrap_or(0))
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn later(now: i64, span: Duration) -> i64 {
    now.saturating_add(micros(span))
}

fn unix_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}
