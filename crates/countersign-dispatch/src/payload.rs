//! Payloads that are made when they are delivered.

use std::{error::Error as StdError, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use countersign_store::outbox::{Claimed, Endpoint, Message, OutboxStore, Page, Payload};

use crate::Outbox;

/// Makes the payload of a message whose payload is a
/// [`Reference`](countersign_store::outbox::Payload::Reference): the state at the time of delivery.
///
/// It is asked anew at each attempt, so that what arrives is what is true then, unless the
/// [first body wins](crate::Dispatcher::first_body_wins). The message's id stays; the bytes as sent are kept
/// with the attempt.
pub trait PayloadSource: Send + Sync + 'static {
    /// Makes the payload. `attempt` is from 1. `None` is for what there is nothing to say of any more, as of a row that
    /// was deleted since: the delivery is cancelled.
    ///
    /// # Errors
    /// Why it can't be made now: the attempt has failed, and its reason is recorded, so it must hold no
    /// secret.
    fn render(
        &self,
        message: &Message,
        reference: &str,
        endpoint: &Endpoint,
        attempt: u32,
    ) -> impl Future<Output = Result<Option<Bytes>, Box<dyn StdError + Send + Sync>>> + Send;
}

type Making<'a> = Pin<Box<dyn Future<Output = Result<Option<Bytes>, String>> + Send + 'a>>;

/// A [`PayloadSource`] whose type is forgotten.
pub(crate) trait Source: Send + Sync {
    fn render<'a>(
        &'a self,
        message: &'a Message,
        reference: &'a str,
        endpoint: &'a Endpoint,
        attempt: u32,
    ) -> Making<'a>;
}

impl<P: PayloadSource> Source for P {
    fn render<'a>(
        &'a self,
        message: &'a Message,
        reference: &'a str,
        endpoint: &'a Endpoint,
        attempt: u32,
    ) -> Making<'a> {
        Box::pin(async move {
            let rendered = PayloadSource::render(self, message, reference, endpoint, attempt).await;
            rendered.map_err(|error| format!("the payload can't be made: {error}"))
        })
    }
}

/// Where the bytes of a delivery come from.
pub(crate) struct Payloads {
    pub(crate) source: Option<Arc<dyn Source>>,
    /// Where what was sent first is sent again.
    pub(crate) first: Option<Arc<dyn FirstBody>>,
}

impl Payloads {
    /// The bytes of a delivery's message for its endpoint; `None` where nothing is to be sent any more.
    ///
    /// # Errors
    /// Why there are none now.
    pub(crate) async fn of(&self, claimed: &Claimed) -> Result<Option<Bytes>, String> {
        let Claimed { message, endpoint, attempt, .. } = claimed;
        let reference = match &message.payload {
            Payload::Bytes(bytes) => return Ok(Some(bytes.clone())),
            Payload::Reference(reference) => reference,
        };
        if let Some(body) = self.first_of(claimed).await? {
            return Ok(Some(body));
        }
        match &self.source {
            Some(source) => source.render(message, reference, endpoint, *attempt).await,
            None => Err("the payload is a reference, and the dispatcher has no `payload_source`".to_owned()),
        }
    }

    /// What the first attempt sent, where that is to be sent again. Where it can't be read, the attempt
    /// fails: the same id must not arrive with other bytes.
    async fn first_of(&self, claimed: &Claimed) -> Result<Option<Bytes>, String> {
        match &self.first {
            Some(first) if claimed.attempt > 1 => first.of(claimed.id).await,
            _ => Ok(None),
        }
    }
}

/// Knows the first body that was made for a delivery.
pub(crate) trait FirstBody: Send + Sync {
    fn of(&self, delivery: i64) -> Making<'_>;
}

impl<S: OutboxStore> FirstBody for Outbox<S> {
    fn of(&self, delivery: i64) -> Making<'_> {
        Box::pin(async move {
            let (mut page, mut first) = (Page::default(), None);
            loop {
                let attempts = self.store().attempts(delivery, &page).await;
                let attempts =
                    attempts.map_err(|error| format!("what was sent first can't be read: {error}"))?;
                let Some(earliest) = attempts.last() else { return Ok(first) };
                page.after = Some(earliest.number.to_string());
                first = attempts.into_iter().rev().find_map(|attempt| attempt.payload).or(first);
            }
        })
    }
}
