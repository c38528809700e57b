//! Messages: enqueued, seen.

use bytes::Bytes;
use countersign_store::outbox::{Enqueued, Message, MessageFilter, NewMessage, OutboxStore};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{Operator, Rows, Wanted, draft::check_channels, known_form, owned, unknown_cursor};
use crate::{
    Caller,
    refusal::{Faults, Refusal, RefusalKind},
    text,
    time::{self, Time},
};

/// A new message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessage)]
pub(crate) struct MessageDraft {
    /// The event type.
    #[serde(rename = "type")]
    #[schema(example = "invoice.paid", min_length = 1, max_length = 255)]
    pub(crate) kind: String,
    /// The body, which is sent byte for byte as it stands here.
    #[schema(value_type = Value)]
    pub(crate) payload: Box<RawValue>,
    /// The tenant whose endpoints are given it: the key's own, where the key has one.
    #[schema(min_length = 1, max_length = 255)]
    pub(crate) tenant: Option<String>,
    /// The channels that it is on.
    #[serde(default)]
    pub(crate) channels: Vec<String>,
    /// From when it may be delivered; at once, where it is left out.
    pub(crate) due_at: Option<Time>,
}

/// Which messages are listed: those that match everything that is given, the newest first.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessageQuery {
    /// The event type.
    #[serde(rename = "type")]
    #[param(rename = "type", min_length = 1, max_length = 4096)]
    pub(crate) kind: Option<String>,
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
    /// Enqueues a message. Under an idempotency key that was used before, it is the message of then.
    ///
    /// # Errors
    /// [`RefusalKind::KeyReused`] where the message of then was another.
    pub(crate) async fn enqueue(
        &self,
        caller: &Caller,
        draft: MessageDraft,
        idempotency_key: Option<String>,
        traceparent: Option<String>,
    ) -> Result<Enqueued, Refusal> {
        caller.check_may_change()?;
        let mut faults = Faults::default();
        faults.note("type", text::check_event_type(&draft.kind));
        faults.note("channels", check_channels(&draft.channels));
        faults.finish()?;
        let payload = Bytes::from(String::from(Box::<str>::from(draft.payload)));
        let mut message = NewMessage::new(draft.kind, payload);
        message.tenant = caller.tenant_of_new(draft.tenant)?;
        (message.channels, message.due_at) = (draft.channels, draft.due_at.map(|time| time.0));
        (message.idempotency_key, message.traceparent) = (idempotency_key, traceparent);
        let enqueued = self.settings().outbox.enqueue(std::slice::from_ref(&message)).await?;
        let nothing = || Refusal::new(RefusalKind::Internal, "the store has answered nothing");
        let enqueued = enqueued.into_iter().next().ok_or_else(nothing)?;
        if enqueued.duplicate {
            self.check_same(&message, &enqueued.id).await?;
        }
        Ok(enqueued)
    }

    /// The messages that the caller sees, the newest first.
    pub(crate) async fn messages(
        &self,
        caller: &Caller,
        query: &MessageQuery,
    ) -> Result<Rows<Message>, Refusal> {
        let page = Wanted { cursor: query.cursor.clone(), limit: query.limit }.page()?;
        let mut filter = MessageFilter::default();
        filter.tenant = caller.narrow(query.tenant.as_deref())?;
        filter.event_type = owned("type", query.kind.as_deref())?;
        (filter.from, filter.until) = time::span(query.from, query.until);
        if let Some(cursor) = &page.after {
            // A message of somebody else, or one that is gone, is no place to go on from.
            self.message(caller, cursor).await.map_err(|_| unknown_cursor())?;
        }
        let found = self.store().messages(&filter, &page).await?;
        Ok(Rows::of(&page, found, |message| message.id.clone()))
    }

    /// A message that the caller sees.
    pub(crate) async fn message(&self, caller: &Caller, id: &str) -> Result<Message, Refusal> {
        let found = self.store().message(known_form(id)?).await?;
        let seen = found.filter(|message| caller.sees(message.tenant.as_deref()));
        seen.ok_or_else(Refusal::not_found)
    }

    /// Checks that the message of this id is what `new` would have been.
    async fn check_same(&self, new: &NewMessage, id: &str) -> Result<(), Refusal> {
        let first = self.store().message(id).await?;
        match first.is_none_or(|first| first.event_type == new.event_type && first.payload == new.payload) {
            true => Ok(()),
            false => Err(Refusal::new(RefusalKind::KeyReused, "use a new key for each message")),
        }
    }
}
