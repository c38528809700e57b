//! Deliveries that nobody wants any more: one, or many in steps.

use countersign_store::outbox::{Delivery, DeliveryState, OutboxStore};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Operator, which};
use crate::{
    Caller,
    input::object,
    refusal::{Refusal, RefusalKind},
};

which::filter! {
    /// Which deliveries are cancelled: of those that wait, those that match everything that is given. At least one of
    /// `endpoint`, `message` and `from` is needed.
    CancellationFilter {}
}

/// A step of a cancellation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCancellation)]
pub(crate) struct CancellationDraft {
    /// Which deliveries.
    #[serde(deserialize_with = "object::one")]
    pub(crate) filter: CancellationFilter,
    /// How many deliveries in this step.
    #[serde(default = "most")]
    #[schema(minimum = 1, maximum = 1000, default = 1000)]
    pub(crate) limit: u32,
}

impl<S: OutboxStore> Operator<S> {
    /// Cancels a delivery that waits.
    pub(crate) async fn cancel(&self, caller: &Caller, id: &str) -> Result<Delivery, Refusal> {
        caller.check_may_change()?;
        self.delivery(caller, id).await?;
        let cancelled = self.store().cancel(&self.only(caller, id)?, 1).await?;
        let delivery = self.delivery(caller, id).await?;
        if cancelled == 0 {
            return Err(Refusal::new(RefusalKind::Conflict, why_not(delivery.state)));
        }
        self.audit(caller, "delivery.cancelled", id);
        Ok(delivery)
    }

    /// How many deliveries would be cancelled.
    pub(crate) async fn count_cancellation(
        &self,
        caller: &Caller,
        filter: &CancellationFilter,
    ) -> Result<u64, Refusal> {
        let which = filter.which();
        let filter = which.filter(caller, Some(DeliveryState::Pending))?;
        self.check_named(caller, &which).await?;
        Ok(self.store().count(&filter).await?)
    }

    /// Cancels deliveries that wait, those that are due first, and says how many.
    pub(crate) async fn cancel_many(
        &self,
        caller: &Caller,
        draft: &CancellationDraft,
    ) -> Result<u64, Refusal> {
        caller.check_may_change()?;
        let which = draft.filter.which();
        let filter = which.filter(caller, None)?;
        which::check_step(draft.limit)?;
        self.check_named(caller, &which).await?;
        let cancelled = self.store().cancel(&filter, draft.limit).await?;
        self.audit(caller, "deliveries.cancelled", &which.subject(cancelled));
        Ok(cancelled)
    }
}

fn why_not(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending | DeliveryState::Leased => {
            "an attempt is under way: where it fails, cancel the delivery then"
        }
        _ => "the delivery is settled already: nothing more is sent",
    }
}

fn most() -> u32 {
    which::MOST
}
