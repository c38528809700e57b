//! Enqueueing: ids, which endpoints want what, and the answers.

use std::collections::HashSet;

use countersign_store::{
    StoreError,
    outbox::{Enqueued, NewMessage, Subscription},
};
use uuid::Uuid;

use crate::check;

/// Messages that are being enqueued, each with its id.
pub(crate) struct Batch<'a> {
    pub(crate) messages: Vec<(String, &'a NewMessage)>,
}

/// A delivery that is to be written: a message's place in the batch, and an endpoint.
pub(crate) struct Fanned<'a> {
    pub(crate) id: &'a str,
    pub(crate) message: &'a NewMessage,
    pub(crate) endpoint: &'a str,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(messages: &'a [NewMessage]) -> Result<Self, StoreError> {
        messages.iter().try_for_each(check::message)?;
        let id = |message: &NewMessage| message.id.clone().unwrap_or_else(new_id);
        Ok(Batch { messages: messages.iter().map(|message| (id(message), message)).collect() })
    }

    /// The tenants of the messages, each once.
    pub(crate) fn tenants(&self) -> HashSet<Option<&'a str>> {
        self.messages.iter().map(|(_, message)| message.tenant.as_deref()).collect()
    }

    /// The deliveries of those messages that were written, in order.
    pub(crate) fn fan_out<'b>(
        &'b self,
        written: &HashSet<String>,
        subscriptions: &'b [Subscription],
    ) -> Vec<Fanned<'b>> {
        let new = self.messages.iter().filter(|(id, _)| written.contains(id));
        new.flat_map(|(id, message)| {
            let wanting = subscriptions.iter().filter(|subscription| subscription.wants(message));
            wanting.map(|subscription| Fanned { id, message, endpoint: subscription.endpoint_id() })
        })
        .collect()
    }

    /// What came of the messages that were written. Of those that weren't there is none yet: they had been
    /// enqueued before.
    pub(crate) fn answers(&self, written: &HashSet<String>, fanned: &[Fanned<'_>]) -> Vec<Option<Enqueued>> {
        let mut rest = fanned;
        let answer = |(id, _): &(String, &NewMessage)| {
            let own = rest.iter().take_while(|delivery| delivery.id == id).count();
            rest = &rest[own..];
            let deliveries = u32::try_from(own).unwrap_or(u32::MAX);
            written.contains(id).then(|| Enqueued { id: id.clone(), deliveries, duplicate: false })
        };
        self.messages.iter().map(answer).collect()
    }
}

/// A message that had been enqueued before, as it is read: its id and how many deliveries it has.
pub(crate) fn duplicate((id, deliveries): (String, i64)) -> Enqueued {
    Enqueued { id, deliveries: u32::try_from(deliveries).unwrap_or(u32::MAX), duplicate: true }
}

/// An id that sorts after those that this process made before.
fn new_id() -> String {
    format!("msg_{}", Uuid::now_v7().simple())
}

pub(crate) const DUPLICATE: &str = "
    SELECT id, (SELECT count(*) FROM countersign_deliveries WHERE message_id = countersign_messages.id)
    FROM countersign_messages
    WHERE idempotency_key = $1 AND coalesce(tenant, '') = coalesce($2, '') AND (tenant IS NULL) = ($2 IS NULL)";
