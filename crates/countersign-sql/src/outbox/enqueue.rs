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
    /// Gives an id to each message that has none.
    pub(crate) fn new(messages: impl IntoIterator<Item = &'a NewMessage>) -> Result<Self, StoreError> {
        let with_id = |message: &'a NewMessage| {
            check::message(message)?;
            Ok((message.id.clone().unwrap_or_else(new_id), message))
        };
        Ok(Batch { messages: messages.into_iter().map(with_id).collect::<Result<_, _>>()? })
    }

    /// The tenants of the messages, each once.
    pub(crate) fn tenants(&self) -> HashSet<Option<&'a str>> {
        self.messages.iter().map(|(_, message)| message.tenant.as_deref()).collect()
    }

    /// Whether a message has an idempotency key: others can't have been enqueued before.
    #[cfg(feature = "sqlite")]
    pub(crate) fn has_keys(&self) -> bool {
        self.messages.iter().any(|(_, message)| message.idempotency_key.is_some())
    }

    /// Which messages were written, given the rows that were: each is of the first message that is like it.
    pub(crate) fn written(&self, rows: Vec<WrittenRow>) -> Vec<bool> {
        let mut rows: HashSet<WrittenRow> = rows.into_iter().collect();
        let row = |(id, message): &(String, &NewMessage)| {
            (id.clone(), message.tenant.clone(), message.idempotency_key.clone())
        };
        self.messages.iter().map(|message| rows.remove(&row(message))).collect()
    }

    /// The deliveries of those messages that were written, in order.
    pub(crate) fn fan_out<'b>(
        &'b self,
        written: &[bool],
        subscriptions: &'b [Subscription],
    ) -> Vec<Fanned<'b>> {
        let new = self.messages.iter().zip(written).filter(|(_, written)| **written);
        new.flat_map(|((id, message), _)| {
            let wanting = subscriptions.iter().filter(|subscription| subscription.wants(message));
            wanting.map(|subscription| Fanned { id, message, endpoint: subscription.endpoint_id() })
        })
        .collect()
    }

    /// What came of the messages that were written. Of those that weren't there is none yet: they had been
    /// enqueued before.
    pub(crate) fn answers(&self, written: &[bool], fanned: &[Fanned<'_>]) -> Vec<Option<Enqueued>> {
        let mut rest = fanned;
        let mut answer = |id: &String| {
            let own = rest.iter().take_while(|delivery| delivery.id == id).count();
            rest = &rest[own..];
            Enqueued { id: id.clone(), deliveries: u32::try_from(own).unwrap_or(u32::MAX), duplicate: false }
        };
        let messages = self.messages.iter().zip(written);
        messages.map(|((id, _), written)| written.then(|| answer(id))).collect()
    }
}

/// A message that was written, as it is read: its id, tenant and idempotency key.
pub(crate) type WrittenRow = (String, Option<String>, Option<String>);

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
