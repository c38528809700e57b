//! A connection that is made anew where it was lost.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use amqprs::connection::{Connection as Client, OpenConnectionArguments};
use countersign_store::StoreError;
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Duration, timeout},
};

use crate::{message::Message, publisher::Publisher};

/// The one connection of a forwarder, over which several messages are under way at once.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Inner>);

struct Inner {
    server: OpenConnectionArguments,
    open: Mutex<Option<Arc<Open>>>,
    /// What is left of the messages that may be under way.
    places: Semaphore,
}

struct Open {
    client: Client,
    /// Those that publish nothing now.
    idle: StdMutex<Vec<Publisher>>,
}

impl Connection {
    /// Not yet made.
    pub(crate) fn new(server: OpenConnectionArguments) -> Self {
        Connection(Arc::new(Inner { server, open: Mutex::default(), places: Semaphore::new(PLACES) }))
    }

    /// Makes it, where it isn't there.
    pub(crate) async fn open(&self) -> Result<(), StoreError> {
        self.opened().await.map(drop)
    }

    /// Publishes a message, and waits until the server has confirmed it: as long as that takes while the connection is
    /// there.
    pub(crate) async fn publish(&self, message: Message) -> Result<(), StoreError> {
        let _place = self.0.places.acquire().await.map_err(StoreError::unavailable)?;
        let open = self.opened().await?;
        let mut publisher = open.publisher().await?;
        publisher.publish(message).await?;
        open.keep(publisher);
        Ok(())
    }

    async fn opened(&self) -> Result<Arc<Open>, StoreError> {
        let mut open = self.0.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| open.client.is_open()) {
            return Ok(Arc::clone(open));
        }
        *open = None;
        let late = |_| StoreError::unavailable(format!("RabbitMQ did not answer within {OPENING:?}"));
        let client = timeout(OPENING, Client::open(&self.0.server)).await.map_err(late)?;
        let client = client.map_err(StoreError::unavailable)?;
        Ok(Arc::clone(open.insert(Arc::new(Open { client, idle: StdMutex::default() }))))
    }
}

impl Open {
    async fn publisher(&self) -> Result<Publisher, StoreError> {
        while let Some(publisher) = self.idle().pop() {
            if publisher.is_open() {
                return Ok(publisher);
            }
        }
        Publisher::open(&self.client).await.map_err(StoreError::unavailable)
    }

    fn keep(&self, publisher: Publisher) {
        self.idle().push(publisher);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Publisher>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many messages can be under way: a server that is short of memory takes none for as long as it is, and what
/// nobody waits for any more is under way until then.
const PLACES: usize = 256;

/// How long it may take to connect.
const OPENING: Duration = Duration::from_secs(5);
