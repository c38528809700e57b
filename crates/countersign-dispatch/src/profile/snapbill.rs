//! What SnapBill sends: `{uuid, body: {id, path, details, …}}`, made when it is delivered, unsigned
//! ([`catalog::SNAPBILL`]), again and again until it is answered 2xx.
//!
//! All of that is documented; of the paths, one is.
//!
//! ```
//! use countersign::events::snapbill::{Body, EventType};
//! use countersign_dispatch::{Dispatcher, Outbox, profile::snapbill};
//! use countersign_store::outbox::{MemoryOutbox, OutboxStore};
//! use countersign_transport::Transport;
//! use serde_json::json;
//!
//! # async fn app() -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Outbox::new(MemoryOutbox::new());
//! let endpoint = snapbill::endpoint("ep_1", "https://example.com/hooks", &[EventType::InvoiceUpdateState])?;
//! outbox.store().put_endpoint(&endpoint).await?;
//! outbox.enqueue(&[snapbill::message(&EventType::InvoiceUpdateState, "42")?]).await?;
//!
//! // At each attempt, what invoice 42 is then.
//! let source = snapbill::Late::new(async |_kind: EventType, invoice: String| {
//!     let state = json!({"id": invoice, "state": "paid"});
//!     let content = Body { rest: [("invoice".to_owned(), state)].into_iter().collect(), ..Body::default() };
//!     Ok::<_, std::io::Error>(Some(content))
//! });
//! Dispatcher::new(outbox, Transport::new()?).payload_source(source).run(std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

use std::{error::Error as StdError, fmt, future::Future};

use bytes::Bytes;
use countersign::{
    catalog,
    events::snapbill::{Body as Content, EventType},
};
use countersign_store::outbox::{Endpoint, Message, NewMessage, Payload};

use super::{
    ProfileError,
    body::{Body, name_at},
    endpoint, id,
};
use crate::PayloadSource;

/// An endpoint that wants the events of these paths, until it has answered each with 2xx.
///
/// # Security
/// Nothing tells the receiver who has sent an event: its URL should be one that can't be guessed.
///
/// # Errors
/// Where a path names no resource, or the URL can't be used.
pub fn endpoint(id: &str, url: &str, wanted: &[EventType]) -> Result<Endpoint, ProfileError> {
    wanted.iter().try_for_each(|kind| resource(kind).map(drop))?;
    let events = wanted.iter().map(EventType::to_string).collect();
    let mut endpoint = endpoint::unsigned(id, url, &catalog::SNAPBILL, events)?;
    endpoint.until_delivered = true;
    Ok(endpoint)
}

/// The message of an event whose content is made when it is delivered, by a [`Late`] that is given
/// `reference`. Its id is the envelope's uuid, and stays the same.
///
/// # Errors
/// Where the path names no resource, or no uuid can be made.
pub fn message(kind: &EventType, reference: impl Into<String>) -> Result<NewMessage, ProfileError> {
    resource(kind)?;
    let mut message = NewMessage::new(kind.as_str(), Payload::Reference(reference.into()));
    message.id = Some(id::uuid()?);
    Ok(message)
}

/// The bytes of a message with this content: what [`Late`] makes, for a [`PayloadSource`] of your own.
///
/// # Errors
/// Where the path names no resource, or the content doesn't hold it under its name.
pub fn envelope(message: &Message, content: &Content) -> Result<Bytes, ProfileError> {
    let kind = EventType::from(message.event_type.as_str());
    let resource = resource(&kind)?;
    if !content.rest.contains_key(resource) {
        return Err(ProfileError::event(format!("the content holds no `{resource}`")));
    }
    let rule = &catalog::SNAPBILL.event;
    let mut inner = Body::default();
    inner.put("id", &content.id)?;
    inner.put_at(rule.event_type.first(), kind.as_str())?;
    inner.put("details", &content.details)?;
    inner.put_fields(&content.rest)?;
    let mut body = Body::default();
    body.put_at(rule.id.first(), &message.id)?;
    body.put(name_at(&rule.data), &inner)?;
    body.bytes()
}

/// [`PayloadSource`] of SnapBill's messages: asks the application for the content as it is now, and puts it
/// into the envelope, under the uuid that never changes.
#[derive(Clone)]
pub struct Late<F>(F);

impl<F, Fut, E> Late<F>
where
    F: Fn(EventType, String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Content>, E>> + Send,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    /// Reads the content by `read`, which is given the event's type and the reference that it was enqueued
    /// with. `None` cancels the delivery, which would be tried for ever. Errors are recorded with the attempt, so they
    /// must hold no secret.
    pub fn new(read: F) -> Self {
        Late(read)
    }
}

impl<F, Fut, E> PayloadSource for Late<F>
where
    F: Fn(EventType, String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Content>, E>> + Send,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    async fn render(
        &self,
        message: &Message,
        reference: &str,
        _endpoint: &Endpoint,
        _attempt: u32,
    ) -> Result<Option<Bytes>, Box<dyn StdError + Send + Sync>> {
        let read = self.0(message.event_type.as_str().into(), reference.to_owned());
        let content = read.await.map_err(Into::into)?;
        Ok(content.map(|content| envelope(message, &content)).transpose()?)
    }
}

impl<F> fmt::Debug for Late<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Late").finish_non_exhaustive()
    }
}

/// The resource that a path names, where the path can be asked for.
fn resource(kind: &EventType) -> Result<&str, ProfileError> {
    let named = kind.resource().filter(|_| endpoint::is_exact(kind.as_str()));
    named.ok_or_else(|| ProfileError::unknown("SnapBill", kind))
}
