//! A clock that is set an hour ahead or back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use countersign_dispatch::Outbox;
use countersign_sql::SqliteStore;
use countersign_store::outbox::{DeliveryState, NewMessage, OutboxStore};

use super::{
    server::{Act, Server},
    table::Line,
};
use crate::{
    running::{Running, deliveries, dispatcher, until, until_settled},
    support::{endpoint, transport, unix_micros},
};

const HOUR: i64 = 3_600_000_000;

pub(super) async fn run() -> Vec<Line> {
    [vec![ahead().await], back().await].concat()
}

/// The lease of what is under way ends: it may be made twice, and is not lost.
async fn ahead() -> Line {
    let outbox = Stepping::new(Act::Delays(Duration::from_millis(800))).await;
    let running = outbox.dispatch();
    outbox.enqueue().await;
    until("the request is under way", || async { outbox.server.connections() == 1 }).await;
    outbox.step(HOUR);
    until_settled(outbox.store()).await;
    running.stop().await;
    let line = outbox.line("clock + 1 h during an attempt", 0).await;
    line.expect(outbox.server.connections() <= 2, "it was made more than twice")
        .expect(outbox.state(0).await == DeliveryState::Delivered, "it was not delivered")
}

/// What was enqueued before the step doesn't wait until the clock has come there again: it is due once a dispatcher has
/// looked after the house. What is enqueued after the step is due at once.
async fn back() -> Vec<Line> {
    let outbox = Stepping::new(Act::status(200, "")).await;
    outbox.enqueue().await;
    outbox.step(-HOUR);
    let running = outbox.dispatch();
    outbox.enqueue().await;
    until_settled(outbox.store()).await;
    running.stop().await;
    let before = outbox.line("clock − 1 h: enqueued before", 0).await;
    let after = outbox.line("clock − 1 h: enqueued after, at once", 1).await;
    let twice = outbox.server.connections() > 2;
    vec![before.delivered_after(&[]), after.delivered_after(&[]).expect(!twice, "something was sent twice")]
}

/// A store whose clock can be set.
struct Stepping {
    _folder: tempfile::TempDir,
    outbox: Outbox<SqliteStore>,
    server: Server,
    off: Arc<AtomicI64>,
}

impl Stepping {
    async fn new(act: Act) -> Stepping {
        let folder = tempfile::tempdir().unwrap();
        let off = Arc::new(AtomicI64::new(0));
        let ahead = off.clone();
        let store = SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap();
        let store = store.clock_micros(move || unix_micros() + ahead.load(Ordering::SeqCst));
        let server = Server::start(vec![act]).await;
        store.put_endpoint(&endpoint("ep", server.url())).await.unwrap();
        Stepping { _folder: folder, outbox: Outbox::new(store), server, off }
    }

    fn step(&self, by: i64) {
        self.off.fetch_add(by, Ordering::SeqCst);
    }

    fn store(&self) -> &SqliteStore {
        self.outbox.store()
    }

    async fn enqueue(&self) {
        self.outbox.enqueue(&[NewMessage::new("invoice.paid", "{}")]).await.unwrap();
    }

    fn dispatch(&self) -> Running {
        let transport = transport().max_idle_per_host(0).build().unwrap();
        Running::start(dispatcher(&self.outbox, transport))
    }

    async fn state(&self, place: usize) -> DeliveryState {
        deliveries(self.store()).await[place].state
    }

    async fn line(&self, fault: &str, place: usize) -> Line {
        Line::read(fault, self.store(), &deliveries(self.store()).await[place]).await
    }
}
