//! The connection, which is made anew where it was lost, or has no channels left.

use std::{
    future::Future,
    sync::{
        Arc, Mutex as StdMutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
};

use amqprs::connection::{Connection as Client, OpenConnectionArguments};
use countersign_store::StoreError;
use tokio::{
    runtime::Handle,
    sync::{Mutex, Semaphore},
    time::{Duration, Instant, timeout},
};

use crate::{
    message::Message,
    publisher::{Failed, Publisher},
};

/// The connection of a forwarder, over which several messages are under way at once.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Inner>);

struct Inner {
    server: OpenConnectionArguments,
    current: Arc<Mutex<Option<Arc<Open>>>>,
    /// What is left of the messages that may be under way.
    places: Arc<Semaphore>,
}

/// A connection that was made.
struct Open {
    /// There, but while this is dropped.
    client: Option<Client>,
    /// Those that publish nothing now.
    idle: StdMutex<Vec<Publisher>>,
    /// How many channels may still be opened. The client never uses the number of one again that the server has closed, and
    /// must not be asked for one when all are used.
    channels_left: AtomicU16,
    /// Whether it has failed: the client doesn't always know.
    is_broken: AtomicBool,
    /// Where it was made, since the client closes by a task.
    runtime: Handle,
}

/// The right to publish one message over a connection.
enum Turn {
    Over(Publisher),
    OverANewChannel,
}

impl Connection {
    /// Not yet made.
    pub(crate) fn new(server: OpenConnectionArguments) -> Self {
        let places = Arc::new(Semaphore::new(PLACES));
        Connection(Arc::new(Inner { server, current: Arc::default(), places }))
    }

    /// Makes it, where it isn't there.
    pub(crate) async fn open(&self) -> Result<(), StoreError> {
        let (open, turn) = self.turn().await?;
        open.give_back(turn);
        Ok(())
    }

    /// Publishes a message, and waits until the server has confirmed it, at most until then. Where nobody waits any more,
    /// nothing is published that isn't yet.
    pub(crate) async fn publish(&self, message: Message, until: Instant) -> Result<(), StoreError> {
        let place = self.0.places.clone().acquire_owned().await.map_err(StoreError::unavailable)?;
        let (open, turn) = self.turn().await?;
        in_a_task(async move {
            let published = open.publish(turn, message, until).await;
            drop(place);
            published
        })
        .await
    }

    /// A turn over the connection, which is made where it isn't there.
    async fn turn(&self) -> Result<(Arc<Open>, Turn), StoreError> {
        let mut current = self.0.current.clone().lock_owned().await;
        if let Some((open, turn)) = current.as_ref().and_then(|open| Some((open.clone(), open.turn()?))) {
            return Ok((open, turn));
        }
        *current = None;
        // Whoever waits for it keeps the others from making one, and may give up before it is made.
        let server = self.0.server.clone();
        in_a_task(async move {
            let open = current.insert(Arc::new(Open::connect(&server).await?));
            let turn = open.turn().ok_or_else(|| StoreError::unavailable("RabbitMQ allows no channel"))?;
            Ok((open.clone(), turn))
        })
        .await
    }
}

impl Open {
    async fn connect(server: &OpenConnectionArguments) -> Result<Self, StoreError> {
        let late = |_| StoreError::unavailable(format!("RabbitMQ did not answer within {OPENING:?}"));
        let client = timeout(OPENING, Client::open(server)).await.map_err(late)?;
        let client = client.map_err(StoreError::unavailable)?;
        if client.frame_max() == 0 {
            return Err(StoreError::unavailable(
                "RabbitMQ limits no frame, which its client can't do: set `frame_max`, for example to 131072",
            ));
        }
        let channels = match client.channel_max() {
            0 => u16::MAX,
            most => most,
        };
        Ok(Open {
            client: Some(client),
            idle: StdMutex::default(),
            channels_left: AtomicU16::new(channels),
            is_broken: AtomicBool::new(false),
            runtime: Handle::current(),
        })
    }

    /// A turn, where the connection is there and has a channel.
    fn turn(&self) -> Option<Turn> {
        let is_open = self.client.as_ref().is_some_and(Client::is_open);
        if !is_open || self.is_broken.load(Ordering::Relaxed) {
            return None;
        }
        let mut idle = self.idle();
        while let Some(publisher) = idle.pop() {
            if publisher.is_open() {
                return Some(Turn::Over(publisher));
            }
        }
        let one_less = |left: u16| left.checked_sub(1);
        let left = self.channels_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        left.ok().map(|_| Turn::OverANewChannel)
    }

    fn give_back(&self, turn: Turn) {
        match turn {
            Turn::Over(publisher) => self.idle().push(publisher),
            Turn::OverANewChannel => {
                self.channels_left.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// To be run to its end: the client can't be left in the middle of what it does.
    async fn publish(&self, turn: Turn, message: Message, until: Instant) -> Result<(), StoreError> {
        let published = match self.publisher(turn).await {
            Ok(mut publisher) => {
                let published = match Instant::now() < until {
                    true => publisher.publish(message, until).await,
                    false => {
                        Err(Failed::Alone(StoreError::unavailable("RabbitMQ opened no channel in time")))
                    }
                };
                if publisher.has_answered() {
                    self.give_back(Turn::Over(publisher));
                }
                published
            }
            Err(error) => Err(error),
        };
        published.map_err(|failed| match failed {
            Failed::Alone(error) => error,
            Failed::WithTheConnection(error) => {
                self.is_broken.store(true, Ordering::Relaxed);
                error
            }
        })
    }

    async fn publisher(&self, turn: Turn) -> Result<Publisher, Failed> {
        match (turn, &self.client) {
            (Turn::Over(publisher), _) => Ok(publisher),
            (Turn::OverANewChannel, Some(client)) => {
                Publisher::open(client).await.map_err(Failed::connection)
            }
            (Turn::OverANewChannel, None) => Err(Failed::connection("it is closed")),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Publisher>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client closes channels and the connection by tasks, and so only within a runtime.
impl Drop for Open {
    fn drop(&mut self) {
        let _within = self.runtime.enter();
        self.idle().clear();
        self.client = None;
    }
}

/// Runs a future to its end, whether or not whoever waits for it gives up.
async fn in_a_task<T: Send + 'static>(
    answer: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let panicked = |_| StoreError::unavailable("the client of RabbitMQ ended in a panic");
    tokio::spawn(answer).await.map_err(panicked)?
}

/// How many messages can be under way. A server that is short of memory reads nothing for as long as it is: then as many
/// wait for it, and no more.
const PLACES: usize = 256;

/// How long it may take to connect.
const OPENING: Duration = Duration::from_secs(5);
