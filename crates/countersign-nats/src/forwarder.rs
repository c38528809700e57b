//! The forwarder.

use std::{error::Error, fmt, future::Future, time::Duration};

use async_nats::{
    ServerAddr,
    jetstream::{
        self, Context, ErrorCode,
        context::{PublishError, PublishErrorKind},
    },
};
use countersign_store::{Forward, Leased, StoreError};

use crate::message::{message, subject};

/// A [`Forward`] that publishes each event to JetStream and waits until a stream has stored it; see the
/// [crate's page](crate) for what a message is.
#[derive(Clone)]
pub struct NatsForwarder {
    context: Context,
    prefix: String,
    timeout: Duration,
}

impl NatsForwarder {
    /// Connects to the NATS server at `url`: `nats://user:password@host:port`. A connection that is lost
    /// later is made again by itself.
    ///
    /// # Errors
    /// Where the server can't be reached within 5 seconds, or the URL isn't one.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let server: ServerAddr = url.parse().map_err(StoreError::invalid)?;
        let client = within(TIMEOUT, async_nats::connect(server)).await?.map_err(StoreError::unavailable)?;
        Ok(NatsForwarder::new(jetstream::new(client)))
    }

    /// Publishes by a context that the application has made.
    #[must_use]
    pub fn new(context: Context) -> Self {
        NatsForwarder { context, prefix: String::from(PREFIX), timeout: TIMEOUT }
    }

    /// What all subjects begin with: `countersign` unless set. Of two inboxes that feed one stream each
    /// needs its own, or what both accept is stored once.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long JetStream may take to confirm an event, 5 seconds unless set. The context's own limit
    /// counts too, where it is shorter.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn publish(&self, subject: &str, event: &Leased) -> Result<(), PublishError> {
        self.context.send_publish(subject.to_owned(), message(event, subject)).await?.await?;
        Ok(())
    }
}

impl Forward for NatsForwarder {
    async fn forward(&self, event: &Leased) -> Result<(), StoreError> {
        let subject = subject(&self.prefix, &event.received)?;
        within(self.timeout, self.publish(&subject, event))
            .await?
            .map_err(|error| store_error(error, &subject))
    }
}

/// Shows no connection, whose URL may hold a password.
impl fmt::Debug for NatsForwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsForwarder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

async fn within<T>(timeout: Duration, answer: impl Future<Output = T>) -> Result<T, StoreError> {
    let late = |_| StoreError::unavailable(format!("NATS did not answer within {timeout:?}"));
    tokio::time::timeout(timeout, answer).await.map_err(late)
}

fn store_error(error: PublishError, subject: &str) -> StoreError {
    match error.kind() {
        PublishErrorKind::StreamNotFound => StoreError::unavailable(format!(
            "no JetStream stream takes the subject {subject}: create one, or add the subject to one"
        )),
        PublishErrorKind::MaxPayloadExceeded => StoreError::invalid(error),
        _ if is_too_large_for_its_stream(&error) => StoreError::invalid(error),
        _ => StoreError::unavailable(error),
    }
}

fn is_too_large_for_its_stream(error: &PublishError) -> bool {
    let code = error.source().and_then(|cause| cause.downcast_ref()).map(jetstream::Error::error_code);
    matches!(code, Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM))
}

const PREFIX: &str = "countersign";

const TIMEOUT: Duration = Duration::from_secs(5);
