//! A delivery of an outbox in memory, and its steps.

use super::time::later;
use crate::{
    AHEAD, Fence, TOO_FAR,
    outbox::{Attempt, Delivery, DeliveryFilter, DeliveryState, SettleDelivery, Trigger, Verdict},
};

/// A delivery.
pub(super) struct Row {
    pub(super) delivery: Delivery,
    pub(super) fence: Option<Fence>,
    pub(super) step: u32,
    pub(super) trigger: Trigger,
    pub(super) attempts: Vec<Attempt>,
}

impl Row {
    /// A delivery of which no attempt was made.
    pub(super) fn new(delivery: Delivery) -> Self {
        Row { delivery, fence: None, step: 0, trigger: Trigger::Schedule, attempts: Vec::new() }
    }

    pub(super) fn is_leased_of(&self, endpoint: &str, now: i64) -> bool {
        let until = self.delivery.due_at.unwrap_or(now);
        self.delivery.endpoint_id == endpoint && self.delivery.state == DeliveryState::Leased && until > now
    }

    pub(super) fn is_due_of(&self, endpoint: &str, now: i64) -> bool {
        let waits = matches!(self.delivery.state, DeliveryState::Pending | DeliveryState::Leased);
        self.delivery.endpoint_id == endpoint && waits && self.delivery.due_at.is_some_and(|due| due <= now)
    }

    pub(super) fn lease(&mut self, fence: Fence, until: i64) {
        self.fence = Some(fence);
        self.step += 1;
        self.delivery.attempts += 1;
        (self.delivery.state, self.delivery.due_at) = (DeliveryState::Leased, Some(until));
    }

    pub(super) fn settle(&mut self, settle: &SettleDelivery, now: i64) {
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
                self.delivery.last_at = Some(attempt.at);
                self.delivery.last_latency = Some(attempt.latency);
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

    /// Makes due now what is due later only because a clock was ahead: when its endpoint was attempted last, too, where that
    /// is yet to come.
    pub(super) fn end_what_was_ahead(&mut self, attempted_at: Option<i64>, now: i64) {
        let is_ahead = |at: i64| at > later(now, AHEAD);
        let Some(due_at) = self.delivery.due_at else { return };
        let was_ahead = match self.delivery.state {
            DeliveryState::Leased => due_at > later(now, TOO_FAR),
            _ if self.delivery.attempts > 0 => attempted_at.is_some_and(is_ahead) && is_ahead(due_at),
            _ => due_at == self.delivery.created_at && is_ahead(due_at),
        };
        if was_ahead {
            self.delivery.due_at = Some(now);
        }
    }

    /// What waits keeps the attempts that it has left.
    pub(super) fn redeliver(&mut self, now: i64) {
        if self.is_settled() {
            self.step = 0;
        }
        (self.delivery.state, self.delivery.due_at) = (DeliveryState::Pending, Some(now));
        self.trigger = Trigger::Redelivery;
    }

    pub(super) fn cancel(&mut self) {
        self.fence = None;
        (self.delivery.state, self.delivery.due_at) = (DeliveryState::Cancelled, None);
    }

    /// Whether no attempt is under way, and one will be.
    pub(super) fn waits(&self, now: i64) -> bool {
        match self.delivery.state {
            DeliveryState::Pending => true,
            DeliveryState::Leased => self.delivery.due_at.is_some_and(|until| until <= now),
            _ => false,
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        !matches!(self.delivery.state, DeliveryState::Pending | DeliveryState::Leased)
    }

    pub(super) fn matches(&self, filter: &DeliveryFilter) -> bool {
        fn is<T: PartialEq>(wanted: &Option<T>, value: &T) -> bool {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        }
        let delivery = &self.delivery;
        filter.after.is_none_or(|after| delivery.id > after)
            && is(&filter.id, &delivery.id)
            && is(&filter.message_id, &delivery.message_id)
            && is(&filter.endpoint_id, &delivery.endpoint_id)
            && filter.tenant.takes(delivery.tenant.as_deref())
            && is(&filter.event_type, &delivery.event_type)
            && is(&filter.state, &delivery.state)
            && filter.from.is_none_or(|from| delivery.created_at >= from)
            && filter.until.is_none_or(|until| delivery.created_at < until)
    }
}
