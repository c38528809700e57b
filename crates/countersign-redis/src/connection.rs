//! A connection that is replaced when it is of no use any more.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use countersign_store::StoreError;
use redis::{
    Client, Cmd, IntoConnectionInfo, Pipeline, RedisError, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};

use crate::answer::{says, store_error, within};

/// The connection to Redis that [`RedisStore::connect`](crate::RedisStore::connect) makes; its clones share it.
///
/// It is made again by itself where it is lost, where the server behind it has become a replica, as after a failover, and
/// where nothing that was asked over it has been answered for 5 seconds.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    state: Arc<Mutex<State>>,
}

struct State {
    manager: ConnectionManager,
    made: Instant,
    /// Since when nothing is answered, where somebody has given up waiting.
    silent_since: Option<Instant>,
    /// Whether it is to be replaced.
    is_useless: bool,
}

/// A question that waits for its answer, until it is dropped.
struct Asking<'a> {
    connection: &'a Connection,
    since: Instant,
    /// Which connection is asked: when it was made.
    made: Instant,
    is_answered: bool,
}

impl Connection {
    /// Connects to the Redis at `url`.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let server = url.into_connection_info().map_err(StoreError::invalid)?.set_tcp_settings(tcp());
        let client = Client::open(server).map_err(StoreError::invalid)?;
        let connecting = ConnectionManager::new_with_config(client.clone(), config());
        let manager = within(CONNECT_TIMEOUT, connecting).await?.map_err(store_error)?;
        Ok(Connection { client, state: Arc::new(Mutex::new(State::new(manager))) })
    }

    /// The connection of this moment.
    fn ask(&self) -> RedisResult<(ConnectionManager, Asking<'_>)> {
        let (mut state, since) = (self.state(), Instant::now());
        if state.is_useless && state.made.elapsed() >= LEAST_USE {
            *state = State::new(ConnectionManager::new_lazy_with_config(self.client.clone(), config())?);
        }
        let asking = Asking { connection: self, since, made: state.made, is_answered: false };
        Ok((state.manager.clone(), asking))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(manager: ConnectionManager) -> Self {
        State { manager, made: Instant::now(), silent_since: None, is_useless: false }
    }
}

impl Asking<'_> {
    fn end(mut self, by_a_replica: bool) {
        self.is_answered = true;
        self.note(|state| {
            state.silent_since = None;
            state.is_useless |= by_a_replica;
        });
    }

    /// Of a connection that has been replaced since, nothing is noted.
    fn note(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.connection.state();
        if state.made == self.made {
            change(&mut state);
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.note(|state| {
                let since = *state.silent_since.get_or_insert(self.since);
                state.is_useless |= since.elapsed() >= LONGEST_SILENCE;
            });
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let (mut manager, asking) = self.ask()?;
            let answer = manager.req_packed_command(command).await;
            asking.end(is_by_a_replica(answer.as_ref().map(std::slice::from_ref)));
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let (mut manager, asking) = self.ask()?;
            let answers = manager.req_packed_commands(pipeline, offset, count).await;
            asking.end(is_by_a_replica(answers.as_deref()));
            answers
        })
    }

    fn get_db(&self) -> i64 {
        self.state().manager.get_db()
    }
}

/// Shows no URL, which may hold a password.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Whether the server says that it takes no writes.
fn is_by_a_replica(answers: Result<&[Value], &RedisError>) -> bool {
    match answers {
        Ok(answers) => answers.iter().any(|answer| match answer {
            Value::ServerError(error) => says(READ_ONLY, Some(error.code()), error.details()),
            _ => false,
        }),
        Err(error) => says(READ_ONLY, error.code(), error.detail()),
    }
}

const READ_ONLY: &str = "READONLY";

/// The time is limited by [`within`], which covers waiting for a connection too.
fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new().set_response_timeout(None).set_max_delay(MAX_RECONNECT_DELAY)
}

/// A lost peer is noticed by what it doesn't acknowledge: without a limit the kernel tries for a quarter
/// of an hour, and the connection is not replaced before.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED);
    settings
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// How long nothing may be answered over a connection.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// How long a connection is kept at least: the next may lead to a replica, too.
const LEAST_USE: Duration = Duration::from_secs(1);

#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
