//! What an outbox in memory holds, and the steps of a message.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    health::{end_what_was_ahead, fare, set_back},
    row::Row,
    time::earlier,
};
use crate::{
    Fence, Settlement, StoreError,
    api_keys::StoredKey,
    outbox::{
        Claimed, Delivery, DeliveryFilter, Endpoint, EndpointState, Enqueued, Health, Message, NewMessage,
        Retention, SettleDelivery, Tenant, Turn, TurnCount,
    },
};

/// A tenant and an idempotency key.
type Key = (Option<String>, String);

#[derive(Default)]
pub(super) struct Tables {
    pub(super) endpoints: BTreeMap<String, Arc<Endpoint>>,
    pub(super) messages: BTreeMap<String, Arc<Message>>,
    /// The ids of the messages, in the order in which they were enqueued.
    pub(super) order: Vec<String>,
    by_key: HashMap<Key, String>,
    pub(super) rows: BTreeMap<i64, Row>,
    pub(super) api_keys: BTreeMap<String, StoredKey>,
    last_row: i64,
    last_message: u64,
}

impl Tables {
    /// Writes an endpoint, new or changed. What is kept of one that is known: how it fares, and when it was
    /// created.
    pub(super) fn put(&mut self, endpoint: &Endpoint, now: i64) {
        let mut endpoint = endpoint.clone();
        let created_at = if endpoint.created_at == 0 { now } else { endpoint.created_at };
        let known = self.endpoints.get(&endpoint.id);
        let moved = known.is_some_and(|known| known.url != endpoint.url);
        let known = known.map(|known| (known.health, known.created_at, known.revision));
        let (mut health, created_at, revision) = known.unwrap_or((Health::default(), created_at, 0));
        if moved {
            set_back(&mut health);
        }
        (endpoint.health, endpoint.created_at, endpoint.revision) = (health, created_at, revision + 1);
        self.endpoints.insert(endpoint.id.clone(), Arc::new(endpoint));
    }

    /// Stores all messages, or none of them.
    pub(super) fn enqueue(&mut self, messages: &[NewMessage], now: i64) -> Result<Vec<Enqueued>, StoreError> {
        let ids = self.ids(messages)?;
        let enqueued = messages.iter().zip(ids).map(|(new, (id, duplicate))| {
            let deliveries = if duplicate { self.deliveries_of(&id) } else { self.store(new, &id, now) };
            Enqueued { id, deliveries, duplicate }
        });
        Ok(enqueued.collect())
    }

    /// The id of each message, and whether it was enqueued before: in front of it in the batch, too.
    fn ids(&mut self, messages: &[NewMessage]) -> Result<Vec<(String, bool)>, StoreError> {
        let (mut keys, mut taken): (HashMap<Key, String>, HashSet<String>) = Default::default();
        let mut ids = Vec::with_capacity(messages.len());
        for new in messages {
            new.check()?;
            let key = key_of(new);
            if let Some(known) = key.as_ref().and_then(|key| self.by_key.get(key).or_else(|| keys.get(key))) {
                ids.push((known.clone(), true));
                continue;
            }
            let id = new.id.clone().unwrap_or_else(|| self.make_id());
            if self.messages.contains_key(&id) || !taken.insert(id.clone()) {
                return Err(StoreError::invalid("the id of a message is taken"));
            }
            keys.extend(key.map(|key| (key, id.clone())));
            ids.push((id, false));
        }
        Ok(ids)
    }

    /// An id that sorts after those that were made before.
    fn make_id(&mut self) -> String {
        loop {
            self.last_message += 1;
            let id = format!("msg_{:016x}", self.last_message);
            if !self.messages.contains_key(&id) {
                return id;
            }
        }
    }

    /// Stores a message with its deliveries, and says how many these are.
    fn store(&mut self, new: &NewMessage, id: &str, now: i64) -> u32 {
        let mut deliveries = 0;
        for endpoint in self.endpoints.values().filter(|endpoint| endpoint.subscription().wants(new)) {
            (self.last_row, deliveries) = (self.last_row + 1, deliveries + 1);
            let mut delivery = Delivery::new(self.last_row, id, &*new.event_type, &*endpoint.id);
            (delivery.due_at, delivery.created_at) = (Some(new.due_at.unwrap_or(now)), now);
            delivery.tenant.clone_from(&new.tenant);
            self.rows.insert(self.last_row, Row::new(delivery));
        }
        self.messages.insert(id.to_owned(), Arc::new(Message::stored(new, id, now)));
        self.order.push(id.to_owned());
        self.by_key.extend(key_of(new).map(|key| (key, id.to_owned())));
        deliveries
    }

    fn deliveries_of(&self, message: &str) -> u32 {
        small(self.rows.values().filter(|row| row.delivery.message_id == message).count())
    }

    /// The deliveries that may be leased now: tenants take turns, and the endpoints of each do, and of an endpoint the
    /// oldest due goes first.
    pub(super) fn due(&self, now: i64, limit: usize) -> Vec<i64> {
        let (mut turns, mut due): (TurnCount, Vec<_>) = Default::default();
        for endpoint in self.endpoints.values() {
            let tenant = endpoint.tenant.as_deref();
            let leased = self.rows.values().filter(|row| row.is_leased_of(&endpoint.id, now)).count();
            turns.add(tenant, &endpoint.id, leased);
            turns.served(tenant, &endpoint.id, endpoint.health.attempted_at);
            let places = endpoint.places(small(leased), now) as usize;
            let rows = self.rows.values().filter(|row| row.is_due_of(&endpoint.id, now));
            let mut rows: Vec<(i64, i64)> =
                rows.map(|row| (row.delivery.due_at.unwrap_or(now), row.delivery.id)).collect();
            rows.sort_unstable();
            let rows = rows.into_iter().take(places).enumerate();
            due.extend(rows.map(|(turn, (at, id))| (turn, at, id, tenant, &*endpoint.id)));
        }
        due.sort_unstable();
        let due = due.into_iter().map(|(_, at, id, tenant, endpoint)| (turns.next(tenant, endpoint), at, id));
        let mut due: Vec<(Turn, i64, i64)> = due.collect();
        due.sort_unstable();
        due.into_iter().take(limit).map(|(_, _, id)| id).collect()
    }

    pub(super) fn lease(&mut self, id: i64, until: i64) -> Result<Option<Claimed>, StoreError> {
        let Some(row) = self.rows.get_mut(&id) else { return Ok(None) };
        let message = self.messages.get(&row.delivery.message_id);
        let endpoint = self.endpoints.get(&row.delivery.endpoint_id);
        let (Some(message), Some(endpoint)) = (message, endpoint) else { return Ok(None) };
        let fence = Fence::random()?;
        row.lease(fence, until);
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

    pub(super) fn settle(&mut self, settle: &SettleDelivery, now: i64) -> Settlement {
        let row = self.rows.get_mut(&settle.id).filter(|row| row.fence == Some(settle.fence));
        let Some(row) = row else { return Settlement::Superseded };
        row.settle(settle, now);
        let endpoint = row.delivery.endpoint_id.clone();
        if settle.attempt.is_some() {
            self.change(&endpoint, |endpoint| fare(endpoint, settle, now));
        }
        Settlement::Settled
    }

    pub(super) fn change(&mut self, endpoint: &str, change: impl FnOnce(&mut Endpoint)) -> bool {
        let found = self.endpoints.get_mut(endpoint);
        found.map(|endpoint| change(Arc::make_mut(endpoint))).is_some()
    }

    /// Ends what only a clock that was ahead can have made.
    pub(super) fn end_what_was_ahead(&mut self, now: i64) {
        for row in self.rows.values_mut() {
            let endpoint = self.endpoints.get(&row.delivery.endpoint_id);
            row.end_what_was_ahead(endpoint.and_then(|endpoint| endpoint.health.attempted_at), now);
        }
        for endpoint in self.endpoints.values_mut() {
            end_what_was_ahead(endpoint, now);
        }
    }

    /// When the next delivery can be claimed, or the lease of one ends: not before the circuit of its endpoint closes.
    pub(super) fn next_due(&self) -> Option<i64> {
        let waiting = self.rows.values().filter(|row| !row.is_settled());
        let due = waiting.filter_map(|row| {
            let endpoint = self.endpoints.get(&row.delivery.endpoint_id)?;
            let due_at = row.delivery.due_at.filter(|_| endpoint.state == EndpointState::Enabled)?;
            Some(due_at.max(endpoint.health.open_until.unwrap_or(due_at)))
        });
        due.min()
    }

    pub(super) fn matching(&self, filter: &DeliveryFilter) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(move |row| row.matches(filter))
    }

    /// Those that have an endpoint or a message, by name.
    pub(super) fn tenants(&self) -> BTreeMap<String, Tenant> {
        let mut tenants = BTreeMap::new();
        for name in self.endpoints.values().filter_map(|endpoint| endpoint.tenant.as_deref()) {
            tenant(&mut tenants, name).endpoints += 1;
        }
        for message in self.order.iter().filter_map(|id| self.messages.get(id)) {
            let tenant = message.tenant.as_deref().map(|name| tenant(&mut tenants, name));
            tenant.into_iter().for_each(|tenant| tenant.last_message_at = Some(message.created_at));
        }
        tenants
    }

    /// Forgets the endpoints and messages of a tenant, and says how many these were.
    pub(super) fn forget_tenant(&mut self, name: &str) -> usize {
        let is_theirs = |tenant: &Option<String>| tenant.as_deref() == Some(name);
        let messages = self.messages.iter().filter(|(_, message)| is_theirs(&message.tenant));
        let messages: HashSet<String> = messages.map(|(id, _)| id.clone()).collect();
        let before = self.endpoints.len();
        self.endpoints.retain(|_, endpoint| !is_theirs(&endpoint.tenant));
        self.rows.retain(|_, row| self.endpoints.contains_key(&row.delivery.endpoint_id));
        before - self.endpoints.len() + self.forget(&messages)
    }

    /// Forgets messages that have nothing left to deliver.
    pub(super) fn prune(&mut self, keep: &Retention, now: i64) -> usize {
        let old = self.old(keep, now);
        self.forget(&old)
    }

    /// Forgets messages with all that belongs to them, and says how many these were.
    fn forget(&mut self, messages: &HashSet<String>) -> usize {
        self.messages.retain(|id, _| !messages.contains(id));
        self.order.retain(|id| !messages.contains(id));
        self.rows.retain(|_, row| !messages.contains(&row.delivery.message_id));
        self.by_key.retain(|_, id| !messages.contains(id));
        messages.len()
    }

    fn old(&self, keep: &Retention, now: i64) -> HashSet<String> {
        let before = earlier(now, keep.age);
        let beyond = self.order.len().saturating_sub(usize::try_from(keep.messages).unwrap_or(usize::MAX));
        let waits = self.rows.values().filter(|row| !row.is_settled());
        let waits: HashSet<&str> = waits.map(|row| &*row.delivery.message_id).collect();
        let is_old = |id: &str| self.messages.get(id).is_some_and(|message| message.created_at < before);
        let old = self.order.iter().enumerate().filter(|(place, id)| *place < beyond || is_old(id));
        old.map(|(_, id)| id.clone()).filter(|id| !waits.contains(&**id)).collect()
    }
}

fn key_of(new: &NewMessage) -> Option<Key> {
    new.idempotency_key.clone().map(|key| (new.tenant.clone(), key))
}

fn tenant<'a>(tenants: &'a mut BTreeMap<String, Tenant>, name: &str) -> &'a mut Tenant {
    let entry = tenants.entry(name.to_owned());
    entry.or_insert_with(|| Tenant { name: name.to_owned(), ..Tenant::default() })
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
