//! Deliveries and attempts: seen, made again.

use countersign_store::outbox::{Attempt, Delivery, DeliveryFilter, DeliveryState, OutboxStore, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Operator, Rows, Wanted, owned, unknown_cursor};
use crate::{
    Caller,
    refusal::{Refusal, RefusalKind},
    time::{self, Time},
};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DeliveryStatus)]
pub(crate) enum Status {
    /// It waits until it is due.
    Pending,
    /// An attempt is under way.
    Leased,
    /// It has arrived.
    Delivered,
    /// It was given up.
    Dead,
    /// It was not wanted any more.
    Cancelled,
}

/// Which deliveries are listed: those that match everything that is given, the newest first.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    /// The endpoint's id.
    #[param(min_length = 1, max_length = 4096)]
    pub(crate) endpoint: Option<String>,
    /// The message's id.
    #[param(min_length = 1, max_length = 4096)]
    pub(crate) message: Option<String>,
    /// The event type.
    #[serde(rename = "type")]
    #[param(rename = "type", min_length = 1, max_length = 4096)]
    pub(crate) kind: Option<String>,
    /// Where it stands.
    #[param(inline)]
    pub(crate) status: Option<Status>,
    /// Enqueued at this time or later.
    pub(crate) from: Option<Time>,
    /// Enqueued before this time.
    pub(crate) until: Option<Time>,
    /// The tenant.
    #[param(min_length = 1, max_length = 4096)]
    pub(crate) tenant: Option<String>,
    /// The `next` of the page before.
    #[param(min_length = 1, max_length = 4096)]
    pub(crate) cursor: Option<String>,
    /// How many rows, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    pub(crate) limit: Option<u32>,
}

impl<S: OutboxStore> Operator<S> {
    /// The deliveries that the caller sees, the newest first.
    pub(crate) async fn deliveries(
        &self,
        caller: &Caller,
        query: &DeliveryQuery,
    ) -> Result<Rows<Delivery>, Refusal> {
        let page = Wanted { cursor: query.cursor.clone(), limit: query.limit }.page()?;
        if page.after.as_ref().is_some_and(|cursor| cursor.parse::<i64>().is_err()) {
            return Err(unknown_cursor());
        }
        let mut filter = DeliveryFilter::default();
        filter.tenant = caller.narrow(query.tenant.as_deref())?;
        filter.endpoint_id = owned("endpoint", query.endpoint.as_deref())?;
        filter.message_id = owned("message", query.message.as_deref())?;
        filter.event_type = owned("type", query.kind.as_deref())?;
        filter.state = query.status.map(DeliveryState::from);
        (filter.from, filter.until) = time::span(query.from, query.until);
        let found = self.store().deliveries(&filter, &page).await?;
        Ok(Rows::of(&page, found, |delivery| delivery.id.to_string()))
    }

    /// A delivery that the caller sees.
    pub(crate) async fn delivery(&self, caller: &Caller, id: &str) -> Result<Delivery, Refusal> {
        let page = Page { after: None, limit: 1 };
        let found = self.store().deliveries(&self.only(caller, id)?, &page).await?;
        found.into_iter().next().ok_or_else(Refusal::not_found)
    }

    /// The attempts at a delivery, the last first.
    pub(crate) async fn attempts(
        &self,
        caller: &Caller,
        id: &str,
        wanted: &Wanted,
    ) -> Result<Rows<Attempt>, Refusal> {
        let page = wanted.page()?;
        if page.after.as_ref().is_some_and(|cursor| cursor.parse::<u32>().is_err()) {
            return Err(unknown_cursor());
        }
        let delivery = self.delivery(caller, id).await?;
        let found = self.store().attempts(delivery.id, &page).await?;
        Ok(Rows::of(&page, found, |attempt| attempt.number.to_string()))
    }

    /// Makes a delivery that is settled again, with the same id, or at once the attempt that one waits for.
    pub(crate) async fn redeliver(&self, caller: &Caller, id: &str) -> Result<Delivery, Refusal> {
        caller.check_may_change()?;
        self.delivery(caller, id).await?;
        self.take_resend(caller)?;
        let settled = self.only(caller, id)?;
        let mut waiting = settled.clone();
        waiting.state = Some(DeliveryState::Pending);
        if self.store().redeliver(&settled, 1).await?.count == 0
            && self.store().redeliver(&waiting, 1).await?.count == 0
        {
            // It can be gone since.
            self.delivery(caller, id).await?;
            let detail = "an attempt at the delivery is under way, or has just ended: see what comes of it";
            return Err(Refusal::new(RefusalKind::Conflict, detail));
        }
        self.settings().outbox.wake();
        self.audit(caller, "delivery.redelivered", id);
        self.delivery(caller, id).await
    }

    /// The delivery of this id, where the caller sees it.
    pub(super) fn only(&self, caller: &Caller, id: &str) -> Result<DeliveryFilter, Refusal> {
        let mut filter = DeliveryFilter::default();
        filter.id = Some(id.parse().map_err(|_| Refusal::not_found())?);
        filter.tenant = caller.narrow(None)?;
        Ok(filter)
    }
}

impl From<Status> for DeliveryState {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => DeliveryState::Pending,
            Status::Leased => DeliveryState::Leased,
            Status::Delivered => DeliveryState::Delivered,
            Status::Dead => DeliveryState::Dead,
            Status::Cancelled => DeliveryState::Cancelled,
        }
    }
}

impl From<DeliveryState> for Status {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending => Status::Pending,
            DeliveryState::Leased => Status::Leased,
            DeliveryState::Delivered => Status::Delivered,
            DeliveryState::Dead => Status::Dead,
            DeliveryState::Cancelled => Status::Cancelled,
        }
    }
}
