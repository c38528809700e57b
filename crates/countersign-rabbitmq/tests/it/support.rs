//! The server of the tests, what is declared on it, and names that no two tests share.

use std::env;

use amqprs::{
    BasicProperties, FieldTable, FieldValue,
    channel::{
        BasicGetArguments, Channel, ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments,
    },
    connection::{Connection, OpenConnectionArguments},
};
use countersign_store::{Fence, Leased, Received};

/// The server that `scripts/services` has started.
pub(crate) fn url() -> Option<String> {
    let url = env::var("COUNTERSIGN_TEST_RABBITMQ").ok();
    url.or_else(|| skip("COUNTERSIGN_TEST_RABBITMQ is not set: use scripts/services run"))
}

/// A test that can't run says so; in CI it fails.
fn skip<T>(why: &str) -> Option<T> {
    assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("SKIPPED: {why}");
    None
}

pub(crate) fn unique(what: &str) -> String {
    format!("{what}{}", Fence::random().expect("random numbers").as_i64().unsigned_abs())
}

/// Where the server listens.
pub(crate) fn port(url: &str) -> u16 {
    url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok()).expect("a port")
}

/// A connection that isn't the forwarder's.
pub(crate) struct Broker {
    channel: Channel,
    _connection: Connection,
}

/// A message as it stands in a queue.
pub(crate) struct Held {
    pub(crate) routing_key: String,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

impl Broker {
    pub(crate) async fn connect(url: &str) -> Self {
        let server = OpenConnectionArguments::new("127.0.0.1", port(url), "guest", "guest");
        let connection = Connection::open(&server).await.expect("RabbitMQ runs");
        let channel = connection.open_channel(None).await.expect("RabbitMQ runs");
        Broker { channel, _connection: connection }
    }

    pub(crate) async fn declare_exchange(&self, name: &str) {
        let exchange = ExchangeDeclareArguments::new(name, "topic").auto_delete(true).finish();
        self.channel.exchange_declare(exchange).await.unwrap();
    }

    /// A queue of this name, which goes when the test does.
    pub(crate) async fn declare_queue(&self, name: &str, arguments: FieldTable) {
        let queue = QueueDeclareArguments::new(name).exclusive(true).arguments(arguments).finish();
        self.channel.queue_declare(queue).await.unwrap();
    }

    pub(crate) async fn bind(&self, queue: &str, exchange: &str, pattern: &str) {
        self.channel.queue_bind(QueueBindArguments::new(queue, exchange, pattern)).await.unwrap();
    }

    /// A topic exchange, and a queue of its name for what matches the pattern.
    pub(crate) async fn declare(&self, name: &str, pattern: &str) {
        self.declare_exchange(name).await;
        self.declare_queue(name, FieldTable::new()).await;
        self.bind(name, name, pattern).await;
    }

    /// Takes the first message out of the queue.
    pub(crate) async fn take(&self, queue: &str) -> Option<Held> {
        let taken =
            self.channel.basic_get(BasicGetArguments::new(queue).no_ack(true).finish()).await.unwrap();
        let (how, properties, body) = taken?;
        Some(Held { routing_key: how.routing_key().clone(), properties, body })
    }

    /// Empties the queue.
    pub(crate) async fn take_all(&self, queue: &str) -> Vec<Held> {
        let mut all = Vec::new();
        while let Some(held) = self.take(queue).await {
            all.push(held);
        }
        all
    }
}

impl Held {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        match self.properties.headers()?.get(&name.try_into().ok()?)? {
            FieldValue::S(text) => Some(text.as_ref().clone()),
            other => panic!("{name} is {other}"),
        }
    }
}

pub(crate) fn event(key: &str) -> Leased {
    let mut received = Received::new(key, "stripe", &b"{\"amount\":\xff}\r\n\0"[..]);
    received.event_type = Some(String::from("invoice.paid"));
    received.event_id = Some(String::from("evt_1"));
    received.headers = [("x-shop", "a b"), (Received::TARGET, "/in?a=1")]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    Leased { id: 7, fence: Fence::from_i64(1), attempt: 2, accepted_at: 1_700_000_000_000_000, received }
}
