//! A store of which some calls fail, or take their time, while a test wants it.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign_store::{PRUNED_AT_ONCE, Settlement, StoreError, outbox::*};
use tokio::time::sleep;

/// An outbox in memory whose `enqueue`, `attempts` or `settle` fails while its switch is on, and which refuses what no
/// store takes: a batch in which something is `refused`.
#[derive(Clone, Default)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryOutbox,
    pub(crate) no_enqueue: Arc<AtomicBool>,
    pub(crate) no_attempts: Arc<AtomicBool>,
    pub(crate) no_settle: Arc<AtomicBool>,
    pub(crate) refused: Option<fn(&SettleDelivery) -> bool>,
    /// Whether `claim` and `settle` never end.
    pub(crate) hangs: Arc<AtomicBool>,
    /// Whether `settle` fails once it has refused something.
    pub(crate) then_no_settle: Arc<AtomicBool>,
    /// How many messages there are besides that are old, as a store that forgets few at a call has them.
    pub(crate) old: Arc<AtomicU64>,
    /// How long `claim` and `prune_outbox` take, and `settle` a millisecond more: what is settled is not there for a claim beside it.
    pub(crate) slow: Duration,
}

impl Faulty {
    async fn asked(&self) {
        if self.hangs.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
    }
}

fn unless<T>(switch: &AtomicBool, result: Result<T, StoreError>) -> Result<T, StoreError> {
    match switch.load(Ordering::SeqCst) {
        true => Err(StoreError::unavailable("the store is away, as this test wants")),
        false => result,
    }
}

impl OutboxStore for Faulty {
    async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<Enqueued>, StoreError> {
        unless(&self.no_enqueue, Ok(()))?;
        self.inner.enqueue(messages).await
    }

    async fn attempts(&self, delivery: i64, page: &Page) -> Result<Vec<Attempt>, StoreError> {
        unless(&self.no_attempts, self.inner.attempts(delivery, page).await)
    }

    async fn put_endpoint_if_unchanged(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        self.inner.put_endpoint_if_unchanged(endpoint).await
    }

    async fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        self.inner.put_endpoint(endpoint).await
    }

    async fn endpoint(&self, id: &str) -> Result<Option<Endpoint>, StoreError> {
        self.inner.endpoint(id).await
    }

    async fn endpoints(&self, tenant: &TenantFilter, page: &Page) -> Result<Vec<Endpoint>, StoreError> {
        self.inner.endpoints(tenant, page).await
    }

    async fn any_secret_begins(&self, with: &str) -> Result<bool, StoreError> {
        self.inner.any_secret_begins(with).await
    }

    async fn delete_endpoint(&self, id: &str) -> Result<bool, StoreError> {
        self.inner.delete_endpoint(id).await
    }

    async fn set_state(&self, id: &str, state: EndpointState) -> Result<bool, StoreError> {
        self.inner.set_state(id, state).await
    }

    async fn message(&self, id: &str) -> Result<Option<Message>, StoreError> {
        self.inner.message(id).await
    }

    async fn messages(&self, filter: &MessageFilter, page: &Page) -> Result<Vec<Message>, StoreError> {
        self.inner.messages(filter, page).await
    }

    async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.asked().await;
        sleep(self.slow).await;
        self.inner.claim(limit, lease).await
    }

    async fn settle(&self, settled: &[SettleDelivery]) -> Result<Vec<Settlement>, StoreError> {
        self.asked().await;
        if self.slow > Duration::ZERO {
            sleep(self.slow + Duration::from_millis(1)).await;
        }
        unless(&self.no_settle, Ok(()))?;
        if self.refused.is_some_and(|refused| settled.iter().any(refused)) {
            self.no_settle.fetch_or(self.then_no_settle.load(Ordering::SeqCst), Ordering::SeqCst);
            return Err(StoreError::invalid("a row is refused, as this test wants"));
        }
        self.inner.settle(settled).await
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        self.inner.next_due().await
    }

    async fn turn_failure_clocks(
        &self,
        warn_after: Duration,
        disable_after: Duration,
    ) -> Result<Vec<HealthChange>, StoreError> {
        self.inner.turn_failure_clocks(warn_after, disable_after).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter, page: &Page) -> Result<Vec<Delivery>, StoreError> {
        self.inner.deliveries(filter, page).await
    }

    async fn count(&self, filter: &DeliveryFilter) -> Result<u64, StoreError> {
        self.inner.count(filter).await
    }

    async fn redeliver(&self, filter: &DeliveryFilter, limit: u32) -> Result<Redelivered, StoreError> {
        self.inner.redeliver(filter, limit).await
    }

    async fn cancel(&self, filter: &DeliveryFilter, limit: u32) -> Result<u64, StoreError> {
        self.inner.cancel(filter, limit).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.inner.probe().await
    }

    async fn depth(&self) -> Result<Depth, StoreError> {
        self.inner.depth().await
    }

    async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<Activity>, StoreError> {
        self.inner.activity(filter).await
    }

    async fn tenants(&self, page: &Page) -> Result<Vec<Tenant>, StoreError> {
        self.inner.tenants(page).await
    }

    async fn tenant(&self, name: &str) -> Result<Option<Tenant>, StoreError> {
        self.inner.tenant(name).await
    }

    async fn forget_tenant(&self, name: &str) -> Result<u64, StoreError> {
        self.inner.forget_tenant(name).await
    }

    async fn prune_outbox(&self, keep: &Retention) -> Result<u64, StoreError> {
        sleep(self.slow).await;
        let less = |old: u64| Some(old.saturating_sub(PRUNED_AT_ONCE));
        let old = self.old.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).unwrap();
        Ok(old.min(PRUNED_AT_ONCE) + self.inner.prune_outbox(keep).await?)
    }
}
