//! The outbox of one process.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::{
    health::{set_back, turn},
    row::Row,
    tables::Tables,
    time::{later, span, unix_micros},
};
use super::{
    Activity, ActivityFilter, Attempt, Claimed, Delivery, DeliveryFilter, DeliveryState, Depth, Endpoint,
    EndpointState, Enqueued, HealthChange, Message, MessageFilter, NewMessage, OutboxStore, Page,
    Redelivered, Retention, SettleDelivery, Tenant, TenantFilter,
};
use crate::{Settlement, StoreError, StoreErrorKind};

mod api_keys;
mod health;
mod row;
mod tables;
mod time;

/// [`OutboxStore`] of one process, in its memory, with the [API keys](crate::api_keys) of its operators: for tests,
/// and for applications that can lose messages. What it holds ends with the process, and nothing in it is bounded but
/// by [`prune_outbox`](OutboxStore::prune_outbox). A clone is another handle on the same outbox.
#[derive(Clone)]
pub struct MemoryOutbox {
    tables: Arc<Mutex<Tables>>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl MemoryOutbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        MemoryOutbox { tables: Arc::default(), clock: Arc::new(unix_micros) }
    }

    /// The clock, in microseconds since 1970: the system's by default.
    #[must_use]
    pub fn clock_micros(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
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

impl OutboxStore for MemoryOutbox {
    async fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        endpoint.check()?;
        let (mut tables, now) = (self.lock(), self.now());
        tables.put(endpoint, now);
        Ok(())
    }

    async fn put_endpoint_if_unchanged(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        endpoint.check()?;
        let (mut tables, now) = (self.lock(), self.now());
        let revision = tables.endpoints.get(&endpoint.id).map_or(0, |known| known.revision);
        if revision != endpoint.revision {
            return Err(StoreError::new(StoreErrorKind::Changed));
        }
        tables.put(endpoint, now);
        Ok(())
    }

    async fn endpoint(&self, id: &str) -> Result<Option<Endpoint>, StoreError> {
        Ok(self.lock().endpoints.get(id).map(|endpoint| (**endpoint).clone()))
    }

    async fn endpoints(&self, tenant: &TenantFilter, page: &Page) -> Result<Vec<Endpoint>, StoreError> {
        let tables = self.lock();
        let after = |id: &str| page.after.as_deref().is_none_or(|after| id > after);
        let of = |endpoint: &&Arc<Endpoint>| tenant.takes(endpoint.tenant.as_deref()) && after(&endpoint.id);
        let found = tables.endpoints.values().filter(of).take(page.rows() as usize);
        Ok(found.map(|endpoint| (**endpoint).clone()).collect())
    }

    async fn any_secret_begins(&self, with: &str) -> Result<bool, StoreError> {
        let tables = self.lock();
        let mut keys = tables.endpoints.values().flat_map(|endpoint| &endpoint.keys);
        Ok(keys.any(|key| key.secret.starts_with(with)))
    }

    async fn delete_endpoint(&self, id: &str) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        tables.rows.retain(|_, row| row.delivery.endpoint_id != id);
        Ok(tables.endpoints.remove(id).is_some())
    }

    async fn set_state(&self, id: &str, state: EndpointState) -> Result<bool, StoreError> {
        Ok(self.lock().change(id, |endpoint| {
            endpoint.state = state;
            endpoint.revision += 1;
            if state == EndpointState::Enabled {
                set_back(&mut endpoint.health);
            }
        }))
    }

    async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<Enqueued>, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        tables.enqueue(messages, now)
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
        Ok(tables.next_due().map(|due| span(now, due)))
    }

    async fn turn_failure_clocks(
        &self,
        warn_after: Duration,
        disable_after: Duration,
    ) -> Result<Vec<HealthChange>, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        tables.end_what_was_ahead(now);
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

    async fn attempts(&self, delivery: i64, page: &Page) -> Result<Vec<Attempt>, StoreError> {
        let after = page.after.as_deref().map(str::parse).transpose().map_err(StoreError::invalid)?;
        let tables = self.lock();
        let attempts = tables.rows.get(&delivery).into_iter().flat_map(|row| row.attempts.iter().rev());
        let below = |attempt: &&Attempt| after.is_none_or(|after: i64| i64::from(attempt.number) < after);
        Ok(attempts.filter(below).take(page.rows() as usize).cloned().collect())
    }

    async fn redeliver(&self, filter: &DeliveryFilter, limit: u32) -> Result<Redelivered, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        let waiting = filter.state == Some(DeliveryState::Pending);
        let rows =
            tables.rows.values_mut().filter(|row| row.matches(filter) && (waiting || row.is_settled()));
        let mut redelivered = Redelivered::default();
        for row in rows.take(limit as usize) {
            row.redeliver(now);
            (redelivered.count, redelivered.last) = (redelivered.count + 1, Some(row.delivery.id));
        }
        Ok(redelivered)
    }

    async fn cancel(&self, filter: &DeliveryFilter, limit: u32) -> Result<u64, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        let mut rows: Vec<&mut Row> =
            tables.rows.values_mut().filter(|row| row.waits(now) && row.matches(filter)).collect();
        rows.sort_by_key(|row| row.delivery.due_at);
        let cancelled = rows.into_iter().take(limit as usize).map(Row::cancel);
        Ok(cancelled.count() as u64)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, StoreError> {
        let (tables, now) = (self.lock(), self.now());
        let count = |state| tables.rows.values().filter(|row| row.delivery.state == state).count() as u64;
        let oldest = tables.next_due().filter(|due| *due <= now);
        Ok(Depth {
            pending: count(DeliveryState::Pending),
            leased: count(DeliveryState::Leased),
            oldest_due: oldest.map(|due| span(due, now)),
        })
    }

    async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<Activity>, StoreError> {
        let (tables, step) = (self.lock(), filter.step_micros());
        let is_of = |endpoint: &str, tenant: &TenantFilter| {
            let found = tables.endpoints.get(endpoint);
            found.map_or(*tenant == TenantFilter::Any, |endpoint| tenant.takes(endpoint.tenant.as_deref()))
        };
        let rows = tables.rows.values().filter(|row| {
            let endpoint = &row.delivery.endpoint_id;
            filter.endpoint_id.as_ref().is_none_or(|id| id == endpoint) && is_of(endpoint, &filter.tenant)
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

    async fn tenants(&self, page: &Page) -> Result<Vec<Tenant>, StoreError> {
        let tenants = self.lock().tenants();
        let after = |name: &str| page.after.as_deref().is_none_or(|after| name > after);
        Ok(tenants.into_values().filter(|tenant| after(&tenant.name)).take(page.rows() as usize).collect())
    }

    async fn tenant(&self, name: &str) -> Result<Option<Tenant>, StoreError> {
        Ok(self.lock().tenants().remove(name))
    }

    async fn forget_tenant(&self, name: &str) -> Result<u64, StoreError> {
        Ok(self.lock().forget_tenant(name) as u64)
    }

    async fn prune_outbox(&self, keep: &Retention) -> Result<u64, StoreError> {
        let (mut tables, now) = (self.lock(), self.now());
        Ok(tables.prune(keep, now) as u64)
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

/// Whether a message is one that a filter means.
fn of(message: &Message, filter: &MessageFilter) -> bool {
    filter.tenant.takes(message.tenant.as_deref())
        && filter.event_type.as_ref().is_none_or(|kind| *kind == message.event_type)
        && filter.from.is_none_or(|from| message.created_at >= from)
        && filter.until.is_none_or(|until| message.created_at < until)
}

#[cfg(test)]
mod tests {
    use super::MemoryOutbox;

    #[test]
    fn nothing_of_what_it_holds_is_shown() {
        assert_eq!(format!("{:?}", MemoryOutbox::new()), "MemoryOutbox { .. }");
    }
}
