//! Replays: many deliveries made again, in steps that can be stopped and gone on with.

use countersign_store::outbox::{DeliveryFilter, DeliveryState, OutboxStore, Redelivered};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Operator, owned};
use crate::{
    Caller,
    input::object,
    refusal::Refusal,
    time::{self, Time},
};

/// Which deliveries are made again: of those that are settled as `status` says, those that match everything that
/// is given. At least one of `endpoint`, `message` and `from` is needed.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReplayFilter {
    /// The endpoint's id.
    #[param(min_length = 1, max_length = 4096)]
    #[schema(min_length = 1, max_length = 4096)]
    pub(crate) endpoint: Option<String>,
    /// The message's id.
    #[param(min_length = 1, max_length = 4096)]
    #[schema(min_length = 1, max_length = 4096)]
    pub(crate) message: Option<String>,
    /// The event type.
    #[serde(rename = "type")]
    #[param(rename = "type", min_length = 1, max_length = 4096)]
    #[schema(min_length = 1, max_length = 4096)]
    pub(crate) kind: Option<String>,
    /// How they were settled: `dead`, where it is left out.
    #[param(inline)]
    pub(crate) status: Settled,
    /// Enqueued at this time or later.
    pub(crate) from: Option<Time>,
    /// Enqueued before this time.
    pub(crate) until: Option<Time>,
    /// The tenant.
    #[param(min_length = 1, max_length = 4096)]
    #[schema(min_length = 1, max_length = 4096)]
    pub(crate) tenant: Option<String>,
}

/// How a delivery was settled.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SettledStatus)]
pub(crate) enum Settled {
    /// It was given up.
    #[default]
    Dead,
    /// It has arrived.
    Delivered,
    /// It was not wanted any more.
    Cancelled,
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
        Ok(self.store().count(&filter_of(caller, filter)?).await?)
    }

    /// Makes deliveries again, the oldest first. To go on, the last of them is the next step's `after`.
    pub(crate) async fn replay(&self, caller: &Caller, draft: &ReplayDraft) -> Result<Redelivered, Refusal> {
        caller.check_may_change()?;
        let mut filter = filter_of(caller, &draft.filter)?;
        filter.after = draft.after;
        if !(1..=MOST).contains(&draft.limit) {
            return Err(Refusal::field("limit", format!("is not from 1 to {MOST}")));
        }
        self.take_resend(caller)?;
        let redelivered = self.store().redeliver(&filter, draft.limit).await?;
        self.settings().outbox.wake();
        self.audit(caller, "deliveries.replayed", &subject(&draft.filter, redelivered));
        Ok(redelivered)
    }
}

fn filter_of(caller: &Caller, replay: &ReplayFilter) -> Result<DeliveryFilter, Refusal> {
    if replay.endpoint.is_none() && replay.message.is_none() && replay.from.is_none() {
        let advice = "is missing: give an endpoint, a message, or the time `from`";
        return Err(Refusal::field("endpoint", advice));
    }
    let mut filter = DeliveryFilter::default();
    filter.tenant = caller.narrow(replay.tenant.as_deref())?;
    filter.endpoint_id = owned("endpoint", replay.endpoint.as_deref())?;
    filter.message_id = owned("message", replay.message.as_deref())?;
    filter.kind = owned("type", replay.kind.as_deref())?;
    filter.state = Some(replay.status.into());
    (filter.from, filter.until) = time::span(replay.from, replay.until);
    Ok(filter)
}

/// What was asked for, and how many deliveries it was, for the audit.
fn subject(filter: &ReplayFilter, redelivered: Redelivered) -> String {
    let parts = [("endpoint", &filter.endpoint), ("message", &filter.message), ("type", &filter.kind)];
    let parts =
        parts.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value} ")));
    format!("{}count={}", parts.collect::<String>(), redelivered.count)
}

impl From<Settled> for DeliveryState {
    fn from(settled: Settled) -> Self {
        match settled {
            Settled::Dead => DeliveryState::Dead,
            Settled::Delivered => DeliveryState::Delivered,
            Settled::Cancelled => DeliveryState::Cancelled,
        }
    }
}

fn default_limit() -> u32 {
    100
}

/// The most deliveries of one step.
const MOST: u32 = 1_000;
