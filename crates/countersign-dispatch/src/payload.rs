//! Payloads that are made when they are delivered.

use std::{error::Error as StdError, future::Future, pin::Pin};

use bytes::Bytes;
use countersign_store::outbox::{Endpoint, Message, Payload};

/// Makes the payload of a message whose payload is a
/// [`Reference`](countersign_store::outbox::Payload::Reference): the state at the time of delivery.
///
/// It is asked anew at each attempt, so that what arrives is what is true then. The message's id stays; the
/// bytes as sent are kept with the attempt.
pub trait PayloadSource: Send + Sync + 'static {
    /// Makes the payload. `attempt` is from 1.
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
    ) -> impl Future<Output = Result<Bytes, Box<dyn StdError + Send + Sync>>> + Send;
}

type Rendering<'a> = Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send + 'a>>;

/// A [`PayloadSource`] whose type is forgotten.
pub(crate) trait Source: Send + Sync {
    fn render<'a>(
        &'a self,
        message: &'a Message,
        reference: &'a str,
        endpoint: &'a Endpoint,
        attempt: u32,
    ) -> Rendering<'a>;
}

impl<P: PayloadSource> Source for P {
    fn render<'a>(
        &'a self,
        message: &'a Message,
        reference: &'a str,
        endpoint: &'a Endpoint,
        attempt: u32,
    ) -> Rendering<'a> {
        Box::pin(async move {
            let rendered = PayloadSource::render(self, message, reference, endpoint, attempt).await;
            rendered.map_err(|error| format!("the payload can't be made: {error}"))
        })
    }
}

/// The bytes of a message for an endpoint.
pub(crate) async fn bytes_of(
    source: Option<&dyn Source>,
    message: &Message,
    endpoint: &Endpoint,
    attempt: u32,
) -> Result<Bytes, String> {
    match (&message.payload, source) {
        (Payload::Bytes(bytes), _) => Ok(bytes.clone()),
        (Payload::Reference(reference), Some(source)) => {
            source.render(message, reference, endpoint, attempt).await
        }
        (Payload::Reference(_), None) => {
            Err("the payload is a reference, and the dispatcher has no `payload_source`".to_owned())
        }
    }
}
