//! Forwarding accepted events to a Redis stream.

use std::{fmt, time::Duration};

use countersign_store::{Forward, Leased, StoreError};
use redis::{Cmd, Pipeline, aio::ConnectionLike, cmd};

use crate::{
    Connection,
    answer::{TIMEOUT, queue_error, within},
};

/// A [`Forward`] that adds each event to a Redis stream.
///
/// An entry has the fields `key`, `source`, `accepted_at` (microseconds since 1970), `attempt` and `body`,
/// and where they are known `type`, `id` and `tenant`. Headers that the application has asked to be kept stand there as
/// `header:` and their name in lower case, the request's path and query as `header::path`. An event can be added more than once, so whoever reads the stream remembers the
/// keys.
///
/// An event is confirmed when Redis has answered, or with [`replicas`](Self::replicas) when so many
/// replicas have it.
#[derive(Clone)]
pub struct RedisStreamForwarder<C = Connection> {
    connection: C,
    stream: String,
    max_len: Option<u64>,
    replicas: u32,
    timeout: Duration,
}

impl RedisStreamForwarder {
    /// Connects to the Redis at `url` and adds to the stream of this name, as
    /// [`RedisStore::connect`](crate::RedisStore::connect) does.
    ///
    /// # Errors
    /// Where Redis can't be reached within 5 seconds, or the URL isn't one.
    pub async fn connect(url: &str, stream: impl Into<String>) -> Result<Self, StoreError> {
        Ok(RedisStreamForwarder::new(Connection::open(url).await?, stream))
    }
}

impl<C> RedisStreamForwarder<C> {
    /// Adds to the stream of this name, on a connection that the application has made.
    #[must_use]
    pub fn new(connection: C, stream: impl Into<String>) -> Self {
        let stream = stream.into();
        RedisStreamForwarder { connection, stream, max_len: None, replicas: 0, timeout: TIMEOUT }
    }

    /// Keeps about so many entries in the stream and drops the oldest, read or not. Without this, the
    /// stream grows until something else trims it.
    #[must_use]
    pub fn max_len(mut self, entries: u64) -> Self {
        self.max_len = Some(entries);
        self
    }

    /// Confirms an event only when so many replicas have it. Other commands on the connection wait
    /// meanwhile, so the forwarder then needs a connection of its own, and not one to a cluster.
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// How long Redis may take, and after that the replicas, a second unless set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn add(&self, event: &Leased) -> Cmd {
        let mut add = cmd("XADD");
        add.arg(&self.stream);
        if let Some(entries) = self.max_len {
            add.arg("MAXLEN").arg("~").arg(entries);
        }
        add.arg("*");
        write_fields(&mut add, event);
        add
    }

    /// Both in one pipeline: `WAIT` counts what this very connection has written.
    fn add_and_wait(&self, event: &Leased) -> Pipeline {
        // None waits for ever, and Redis refuses what it can't add to its clock.
        let millis = self.timeout.as_millis().clamp(1, 86_400_000);
        let mut pipeline = Pipeline::new();
        pipeline.add_command(self.add(event)).ignore();
        pipeline.cmd("WAIT").arg(self.replicas).arg(millis);
        pipeline
    }

    fn check_replicas(&self, confirmed: u32) -> Result<(), StoreError> {
        let wanted = self.replicas;
        match confirmed >= wanted {
            true => Ok(()),
            false => Err(StoreError::unavailable(format!("{confirmed} of {wanted} replicas have the event"))),
        }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Forward for RedisStreamForwarder<C> {
    async fn forward(&self, event: &Leased) -> Result<(), StoreError> {
        let mut connection = self.connection.clone();
        if self.replicas == 0 {
            return within(self.timeout, self.add(event).exec_async(&mut connection))
                .await?
                .map_err(queue_error);
        }
        let pipeline = self.add_and_wait(event);
        let (confirmed,) = within(self.timeout.saturating_mul(2), pipeline.query_async(&mut connection))
            .await?
            .map_err(queue_error)?;
        self.check_replicas(confirmed)
    }
}

/// Shows no connection, whose URL may hold a password.
impl<C> fmt::Debug for RedisStreamForwarder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStreamForwarder")
            .field("stream", &self.stream)
            .field("max_len", &self.max_len)
            .field("replicas", &self.replicas)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn write_fields(add: &mut Cmd, event: &Leased) {
    let received = &event.received;
    add.arg("key").arg(&received.key);
    add.arg("source").arg(&received.source);
    add.arg("accepted_at").arg(event.accepted_at);
    add.arg("attempt").arg(event.attempt);
    let optional = [("type", &received.event_type), ("id", &received.event_id), ("tenant", &received.tenant)];
    for (name, value) in optional {
        if let Some(value) = value {
            add.arg(name).arg(value);
        }
    }
    for (name, value) in &received.headers {
        add.arg(format!("header:{name}")).arg(value);
    }
    add.arg("body").arg(&received.body[..]);
}
