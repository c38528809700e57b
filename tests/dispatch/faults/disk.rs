//! A disk that is full: SQLite may have no more pages than it has.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use countersign_dispatch::Outbox;
use countersign_sql::SqliteStore;
use countersign_store::{
    StoreErrorKind,
    outbox::{DeliveryState, MessageFilter, NewMessage, OutboxStore, Page},
};
use sqlx::{
    AssertSqlSafe, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{
    server::{Act, Server},
    table::Line,
};
use crate::{
    running::{Running, deliveries, dispatcher, until, until_settled},
    support::{endpoint, transport, unix_micros},
};

pub(super) async fn run() -> Vec<Line> {
    vec![on_accept().await, on_settle(false).await, on_settle(true).await]
}

/// Nothing is acknowledged, and nothing half-written; with space it goes on.
async fn on_accept() -> Line {
    let disk = Disk::new().await;
    disk.fill().await;
    let large = [NewMessage::new("invoice.paid", "x".repeat(100_000))];
    let refused = disk.outbox.enqueue(&large).await.unwrap_err();
    let page = Page::default();
    let messages = disk.outbox.store().messages(&MessageFilter::default(), &page).await.unwrap();
    let deliveries_then = deliveries(disk.outbox.store()).await;
    disk.clear().await;
    disk.outbox.enqueue(&large).await.unwrap();
    let running = disk.dispatch();
    until_settled(disk.outbox.store()).await;
    running.stop().await;
    let unavailable = refused.kind() == StoreErrorKind::Unavailable;
    let line = disk.line("disk full on accept: refused, then space").await.delivered_after(&[]);
    line.expect(unavailable, &format!("refused as {refused:?}"))
        .expect(messages.is_empty() && deliveries_then.is_empty(), "something of it was written")
        .expect(disk.server.connections() == 1, "it was sent more than once")
}

/// What was answered can't be written down. The worker keeps it until there is space; where it dies meanwhile,
/// the delivery is made again when its lease has ended.
async fn on_settle(dies: bool) -> Line {
    let disk = Disk::new().await;
    disk.outbox.enqueue(&[NewMessage::new("invoice.paid", "{}")]).await.unwrap();
    disk.fill().await;
    let running = disk.dispatch();
    until("the delivery is made", || async { disk.server.connections() == 1 }).await;
    sleep(Duration::from_millis(500)).await;
    let state = deliveries(disk.outbox.store()).await[0].state;
    if !dies {
        disk.clear().await;
        until_settled(disk.outbox.store()).await;
        running.stop().await;
        let line = disk.line("disk full on settle: settled with space").await.delivered_after(&[]);
        return line
            .expect(state == DeliveryState::Leased, "it could be settled, so the disk wasn't full")
            .expect(disk.server.connections() == 1, "it was sent more than once");
    }
    running.die();
    disk.clear().await;
    disk.hours.fetch_add(1, Ordering::SeqCst);
    let running = disk.dispatch();
    until_settled(disk.outbox.store()).await;
    running.stop().await;
    let line = disk.line("disk full on settle, worker dead: made again").await.delivered_after(&[]);
    line.expect(state == DeliveryState::Leased, "it could be settled, so the disk wasn't full")
        .expect(disk.server.connections() == 2, "it was not made again")
}

/// A store whose disk can be full, with an endpoint whose answers are large.
struct Disk {
    _folder: TempDir,
    pool: SqlitePool,
    outbox: Outbox<SqliteStore>,
    server: Server,
    /// How many hours the store's clock is ahead.
    hours: Arc<AtomicI64>,
}

impl Disk {
    async fn new() -> Disk {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(&folder.path().join("webhooks.db")).await;
        let hours = Arc::new(AtomicI64::new(0));
        let ahead = hours.clone();
        let store = SqliteStore::new(pool.clone())
            .clock_micros(move || unix_micros() + ahead.load(Ordering::SeqCst) * 3_600_000_000);
        store.migrate().await.unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n{}", "x".repeat(60_000));
        let server = Server::start(vec![Act::Answers(answer)]).await;
        store.put_endpoint(&endpoint("ep", server.url())).await.unwrap();
        Disk { _folder: folder, pool, outbox: Outbox::new(store), server, hours }
    }

    async fn fill(&self) {
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&self.pool).await.unwrap();
        self.allow(pages).await;
    }

    async fn clear(&self) {
        self.allow(1 << 20).await;
    }

    async fn allow(&self, pages: i64) {
        let sql = format!("PRAGMA max_page_count = {pages}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }

    fn dispatch(&self) -> Running {
        let transport = transport().max_idle_per_host(0).build().unwrap();
        Running::start(dispatcher(&self.outbox, transport))
    }

    async fn line(&self, fault: &str) -> Line {
        let deliveries = deliveries(self.outbox.store()).await;
        Line::read(fault, self.outbox.store(), &deliveries[0]).await
    }
}

/// One connection, because each has a limit of its own.
async fn pool(file: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap()
}
