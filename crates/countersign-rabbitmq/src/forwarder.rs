//! The forwarder.

use std::{fmt, time::Duration};

use amqprs::connection::OpenConnectionArguments;
use countersign_store::{Forward, Leased, StoreError};
use tokio::time::{Instant, timeout_at};

use crate::{
    connection::Connection,
    message::{Message, Route},
    server::server,
};

/// A [`Forward`] that publishes each event to RabbitMQ and waits until it is confirmed that a queue holds it; see the
/// [crate's page](crate) for what a message is.
#[derive(Clone)]
pub struct RabbitMqForwarder {
    connection: Connection,
    route: Route,
    timeout: Duration,
}

impl RabbitMqForwarder {
    /// Connects to the server at `url`: `amqp://user:password@host:port/vhost`. A connection that is lost later is made
    /// again for the next event.
    ///
    /// # Errors
    /// Where the server can't be reached within 5 seconds, or refuses the user or the virtual host, or the URL isn't
    /// one.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let forwarder = RabbitMqForwarder::new(server(url)?);
        forwarder.connection.open().await?;
        Ok(forwarder)
    }

    /// Connects by these settings, such as those of TLS, for the first event.
    #[must_use]
    pub fn new(server: OpenConnectionArguments) -> Self {
        let route = Route::Exchange(String::from(EXCHANGE));
        RabbitMqForwarder { connection: Connection::new(server), route, timeout: TIMEOUT }
    }

    /// Publishes to this exchange, `countersign` unless set.
    #[must_use]
    pub fn exchange(mut self, name: impl Into<String>) -> Self {
        self.route = Route::Exchange(name.into());
        self
    }

    /// Publishes into this queue, by the default exchange.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.route = Route::Queue(name.into());
        self
    }

    /// How long RabbitMQ may take to confirm an event, 5 seconds unless set. A server that is short of memory or disk
    /// space takes none until it has more.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Forward for RabbitMqForwarder {
    async fn forward(&self, event: &Leased) -> Result<(), StoreError> {
        let message = Message::new(event, &self.route)?;
        let until = Instant::now() + self.timeout.min(LONGEST_TIMEOUT);
        let published = timeout_at(until, self.connection.publish(message, until)).await;
        let late = |_| StoreError::unavailable(format!("RabbitMQ did not answer within {:?}", self.timeout));
        published.map_err(late)?
    }
}

/// Shows no connection, whose settings hold a password.
impl fmt::Debug for RabbitMqForwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitMqForwarder")
            .field("route", &self.route)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

const EXCHANGE: &str = "countersign";

const TIMEOUT: Duration = Duration::from_secs(5);

/// One that is longer is as good as none, and no clock can hold the longest.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 86_400);
