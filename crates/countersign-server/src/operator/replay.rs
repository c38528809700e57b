//! Replays: many deliveries made again, in steps that can be stopped and gone on with.

use countersign_store::outbox::{DeliveryState, OutboxStore, Redelivered};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Operator, which};
use crate::{Caller, input::object, refusal::Refusal};

which::filter! {
    /// Which deliveries are made again: of those that stand as `status` says, those that match everything that
    /// is given. At least one of `endpoint`, `message` and `from` is needed.
    ReplayFilter {
        /// Where they stand: `dead`, where it is left out.
        #[param(inline)]
        pub(crate) status: Replayed,
    }
}

/// Where a delivery stands that is made again.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReplayedStatus)]
pub(crate) enum Replayed {
    /// It was given up.
    #[default]
    Dead,
    /// It has arrived.
    Delivered,
    /// It was not wanted any more.
    Cancelled,
    /// It waits for a later attempt, which is made at once, or for the time that it was sent for.
    Pending,
}

/// A step of a replay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReplay)]
pub(crate) struct ReplayDraft {
    /// Which deliveries.
    #[serde(deserialize_with = "object::one")]
    pub(crate) filter: ReplayFilter,
    /// The `next` of the step before; none in the first step.
    pub(crate) after: Option<i64>,
    /// How many deliveries in this step.
    #[serde(default = "default_limit")]
    #[schema(minimum = 1, maximum = 1000, default = 100)]
    pub(crate) limit: u32,
}

impl<S: OutboxStore> Operator<S> {
    /// How many deliveries would be made again, exactly.
    pub(crate) async fn count_replay(&self, caller: &Caller, filter: &ReplayFilter) -> Result<u64, Refusal> {
        let (which, status) = (filter.which(), filter.status);
        let filter = which.filter(caller, Some(status.into()))?;
        self.check_named(caller, &which).await?;
        Ok(self.store().count(&filter).await?)
    }

    /// Makes deliveries again, the oldest first. To go on, the last of them is the next step's `after`.
    pub(crate) async fn replay(&self, caller: &Caller, draft: &ReplayDraft) -> Result<Redelivered, Refusal> {
        caller.check_may_change()?;
        let which = draft.filter.which();
        let mut filter = which.filter(caller, Some(draft.filter.status.into()))?;
        filter.after = draft.after;
        which::check_step(draft.limit)?;
        self.check_named(caller, &which).await?;
        self.take_resend(caller)?;
        let redelivered = self.store().redeliver(&filter, draft.limit).await?;
        self.settings().outbox.wake();
        self.audit(caller, "deliveries.replayed", &which.subject(redelivered.count));
        Ok(redelivered)
    }
}

impl From<Replayed> for DeliveryState {
    fn from(settled: Replayed) -> Self {
        match settled {
            Replayed::Dead => DeliveryState::Dead,
            Replayed::Delivered => DeliveryState::Delivered,
            Replayed::Cancelled => DeliveryState::Cancelled,
            Replayed::Pending => DeliveryState::Pending,
        }
    }
}

fn default_limit() -> u32 {
    100
}
