//! How much waits, and how it has been going.

use std::time::Duration;

use countersign_store::outbox::{
    Activity, ActivityFilter, DeliveryFilter, DeliveryState, Depth, OutboxStore, TenantFilter,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Operator, owned};
use crate::{
    Caller,
    refusal::{Faults, Refusal},
    time::{Time, micros},
};

/// Which attempts are counted, and in what steps.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivityQuery {
    /// The endpoint's id.
    #[param(min_length = 1, max_length = 4096)]
    pub(crate) endpoint: Option<String>,
    /// The tenant.
    #[param(min_length = 1, max_length = 4096)]
    pub(crate) tenant: Option<String>,
    /// Made at this time or later: a day ago, where it is left out.
    pub(crate) from: Option<Time>,
    /// Made before this time: now, where it is left out.
    pub(crate) until: Option<Time>,
    /// How long a step is in seconds: an hour, where it is left out.
    #[param(minimum = 1, maximum = 31_536_000)]
    pub(crate) step_seconds: Option<u32>,
}

impl<S: OutboxStore> Operator<S> {
    /// How much waits of what the caller sees. For how long the oldest has been due is known of the whole alone.
    pub(crate) async fn depth(&self, caller: &Caller) -> Result<Depth, Refusal> {
        let tenant = caller.narrow(None)?;
        if tenant == TenantFilter::Any {
            return Ok(self.store().depth().await?);
        }
        let count = async |state| {
            let mut filter = DeliveryFilter::default();
            (filter.tenant, filter.state) = (tenant.clone(), Some(state));
            self.store().count(&filter).await
        };
        let mut depth = Depth::default();
        depth.pending = count(DeliveryState::Pending).await?;
        depth.leased = count(DeliveryState::Leased).await?;
        Ok(depth)
    }

    /// How many attempts succeeded and failed, step by step.
    pub(crate) async fn activity(
        &self,
        caller: &Caller,
        query: &ActivityQuery,
    ) -> Result<Vec<Activity>, Refusal> {
        let until = query.until.map_or(self.now(), |time| time.0);
        let from = query.from.map_or(until.saturating_sub(micros(DAY)), |time| time.0);
        let step = Duration::from_secs(query.step_seconds.unwrap_or(HOUR).into());
        check_steps(from, until, step)?;
        let mut filter = ActivityFilter::new(from, until, step);
        filter.endpoint_id = owned("endpoint", query.endpoint.as_deref())?;
        filter.tenant = caller.narrow(query.tenant.as_deref())?;
        Ok(self.store().activity(&filter).await?)
    }
}

fn check_steps(from: i64, until: i64, step: Duration) -> Result<(), Refusal> {
    let mut faults = Faults::default();
    let span = until.saturating_sub(from);
    if span <= 0 {
        faults.add("until", "is not after `from`");
    }
    if step.is_zero() || step > YEAR {
        faults.add("step_seconds", "is not from a second to a year");
    } else if span / micros(step) >= MAX_STEPS {
        faults.add("step_seconds", format!("makes more than {MAX_STEPS} steps: choose a longer one"));
    }
    faults.finish()
}

const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
const HOUR: u32 = 3_600;
const MAX_STEPS: i64 = 1_000;
