//! The servers on which the table is run.

mod actix;
mod axum;
mod hyper;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use countersign_sql::SqliteStore;
use countersign_store::{InboxStore, MemoryStore};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    endpoint::{Endpoint, Store},
    handler::Handler,
};

/// A server and its adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// The tower layer on hyper.
    Hyper,
    /// The layer and the extractors in axum's own server.
    Axum,
    /// The middleware and the extractors in actix-web's own server.
    Actix,
    /// The tower layer on hyper, with an inbox in SQLite in place of the handler.
    Inbox,
}

/// A server that runs until this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handler: Handler,
    memory: Memory,
    _stop: Stop,
}

/// What remembers events.
enum Memory {
    /// Beside a handler.
    Claims(Arc<MemoryStore>),
    /// In place of it.
    Inbox { store: SqliteStore, _folder: TempDir },
}

/// Stops a server when it is dropped.
struct Stop(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Server {
    /// Whether what the case is about is there at all.
    pub(crate) fn suits(self, endpoint: &Endpoint) -> bool {
        self != Server::Inbox || endpoint.suits_an_inbox()
    }

    /// The server whose exceptions count.
    pub(crate) fn beneath(self) -> Server {
        match self {
            Server::Inbox => Server::Hyper,
            other => other,
        }
    }

    pub(crate) async fn start(self, endpoint: &Endpoint) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let handler = Handler::new(&endpoint.acts);
        // Its clock stands still, as that of the endpoint does.
        let claims = Arc::new(MemoryStore::new().clock(|| Duration::ZERO));
        let stop = match self {
            Server::Hyper => {
                let around = hyper::around(endpoint, &claims);
                hyper::serve(listener, around, hyper::claiming(endpoint, &claims), handler.clone())
            }
            Server::Axum => axum::serve(listener, endpoint, &claims, handler.clone()),
            Server::Actix => actix::serve(listener, endpoint, &claims, handler.clone()),
            Server::Inbox => {
                let folder = tempfile::tempdir().unwrap();
                let store = inbox(endpoint, &folder).await;
                let stop = hyper::serve(listener, None, hyper::storing(endpoint, &store), handler.clone());
                let memory = Memory::Inbox { store, _folder: folder };
                return Running { address, handler, memory, _stop: stop };
            }
        };
        Running { address, handler, memory: Memory::Claims(claims), _stop: stop }
    }
}

async fn inbox(endpoint: &Endpoint, folder: &TempDir) -> SqliteStore {
    let path = folder.path().join("inbox.db");
    if endpoint.store == Store::Works {
        return SqliteStore::open(path).await.unwrap();
    }
    let pool = SqlitePool::connect_lazy_with(SqliteConnectOptions::new().filename(path));
    pool.close().await;
    SqliteStore::new(pool)
}

impl Running {
    /// How many events are remembered.
    pub(crate) async fn records(&self) -> usize {
        match &self.memory {
            Memory::Claims(store) => store.len(),
            // What is down has nothing.
            Memory::Inbox { store, .. } => usize::try_from(store.depth().await.unwrap_or(0)).unwrap(),
        }
    }

    /// Waits until so many events are remembered, or for too long.
    pub(crate) async fn come_to(&self, records: usize) {
        let end = Instant::now() + SETTLED;
        while self.records().await != records && Instant::now() < end {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The bodies that were handled, or stored to be. Asked once, in the end: stored events are leased.
    pub(crate) async fn handled(&self) -> Vec<Bytes> {
        let mut bodies = self.handler.given();
        if let Memory::Inbox { store, .. } = &self.memory {
            let leased = store.lease(100, Duration::from_secs(60)).await.unwrap_or_default();
            bodies.extend(leased.into_iter().map(|leased| leased.received.body));
        }
        bodies
    }
}

impl Stop {
    fn new(stop: impl FnOnce() + Send + Sync + 'static) -> Stop {
        Stop(Some(Box::new(stop)))
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}

/// How long what must happen may take.
const SETTLED: Duration = Duration::from_secs(5);
