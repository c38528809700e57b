//! A process that enqueues in the application's own transaction, and dispatches.

use std::{
    path::{Path, PathBuf},
    process::abort,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use countersign_dispatch::{Dispatcher, Outbox, Request, Response, Schedule, SendError, Transport};
use countersign_sql::SqliteStore;
use countersign_store::outbox::{NewMessage, OutboxStore};
use serde::{Deserialize, Serialize};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    process::tell,
    support::{all_settled, endpoint, times, transport, unix_micros},
};

/// What such a process is to do.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sender {
    pub(crate) file: PathBuf,
    pub(crate) url: String,
    /// Tells its messages from those of other processes.
    pub(crate) number: usize,
    pub(crate) work: Work,
    /// Where it dies by itself, if it does.
    pub(crate) crash: Option<Crash>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Enqueues and dispatches until it is told to stop by SIGTERM.
    Load,
    /// Dispatches until nothing is left.
    Drain,
}

/// Dies when it has come to this point so many times.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Crash {
    pub(crate) point: Point,
    pub(crate) times: u32,
}

/// Where a process can die: on either side of every commit.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Point {
    /// In a transaction that enqueues, claims or settles: what was committed before it is there.
    InTransaction,
    /// The message is written and not committed.
    BeforeEnqueued,
    /// The message is committed, and nobody was told.
    AfterEnqueued,
    /// The claim is committed, and nothing was sent.
    AfterClaimed,
    /// The endpoint has answered, and nothing is settled.
    BeforeSettled,
}

impl Point {
    pub(crate) const ALL: [Point; 5] = [
        Point::InTransaction,
        Point::BeforeEnqueued,
        Point::AfterEnqueued,
        Point::AfterClaimed,
        Point::BeforeSettled,
    ];
}

/// How many requests are under way at once, at most.
pub(crate) const IN_FLIGHT: usize = 8;
impl Sender {
    /// Takes the process's part. Tells of each message once it is committed.
    pub(crate) async fn run(self) {
        let mut terminated = signal(SignalKind::terminate()).unwrap();
        tell("ready");
        let bomb = Bomb::new(self.crash);
        let in_transaction = bomb.clone();
        let store = SqliteStore::open(&self.file).await.unwrap().clock_micros(move || {
            in_transaction.at(Point::InTransaction);
            unix_micros()
        });
        let (outbox, pool) = (Outbox::new(store), application(&self.file).await);
        end_leases(&pool).await;
        outbox.store().put_endpoint(&endpoint("ep", &self.url)).await.unwrap();
        let transport = Mined { transport: transport().build().unwrap(), bomb: bomb.clone() };
        // So many attempts that no delivery is given up for having been in the way of many deaths.
        let dispatcher = Dispatcher::new(outbox.clone(), transport)
            .schedule(Schedule::new([Duration::from_millis(10); 1000]))
            .concurrency(IN_FLIGHT);
        match self.work {
            Work::Drain => dispatcher.run(all_settled(outbox.store())).await,
            Work::Load => select! {
                () = dispatcher.run(async { terminated.recv().await.unwrap() }) => {}
                () = self.enqueue(&outbox, &pool, &bomb) => {}
            },
        }
    }

    /// Enqueues for ever, each batch in a transaction with the change that it tells of.
    async fn enqueue(&self, outbox: &Outbox<SqliteStore>, pool: &SqlitePool, bomb: &Bomb) {
        let size = times("BATCH", 4);
        for batch in 0.. {
            let ids: Vec<_> = (0..size).map(|place| format!("msg_{}_{batch}_{place}", self.number)).collect();
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
            for id in &ids {
                let query = sqlx::query("INSERT INTO changes VALUES (?)").bind(id);
                query.execute(&mut *transaction).await.unwrap();
            }
            let messages: Vec<_> = ids.iter().map(|id| message(id)).collect();
            outbox.store().enqueue_in(&mut transaction, &messages).await.unwrap();
            bomb.at(Point::BeforeEnqueued);
            transaction.commit().await.unwrap();
            bomb.at(Point::AfterEnqueued);
            ids.iter().for_each(|id| tell(id));
            outbox.wake();
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A message whose body holds its id.
pub(crate) fn message(id: &str) -> NewMessage {
    let body = format!(r#"{{"type":"invoice.paid","id":"{id}"}}"#);
    let mut message = NewMessage::new("invoice.paid", body);
    message.id = Some(id.to_owned());
    message
}

/// The application's own connections to the file that the store keeps.
pub(crate) async fn application(file: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE IF NOT EXISTS changes (id TEXT PRIMARY KEY)").execute(&pool).await.unwrap();
    pool
}

/// A delivery that was under way in a process that died waits until its lease ends, some 65 seconds: this makes
/// it shorter, as if they had passed.
async fn end_leases(pool: &SqlitePool) {
    let sooner = "UPDATE countersign_deliveries SET due_at = 0 WHERE state = 'leased'";
    sqlx::query(sooner).execute(pool).await.unwrap();
}

/// Ends the process when its time has come, as suddenly as SIGKILL does.
#[derive(Clone)]
struct Bomb(Option<(Point, Arc<AtomicU32>)>);

impl Bomb {
    fn new(crash: Option<Crash>) -> Bomb {
        Bomb(crash.map(|Crash { point, times }| (point, Arc::new(AtomicU32::new(times)))))
    }

    fn at(&self, point: Point) {
        if let Some((mine, left)) = &self.0
            && *mine == point
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            abort();
        }
    }
}

/// A transport before and after whose work the process can die.
struct Mined<T> {
    transport: T,
    bomb: Bomb,
}

impl<T: Transport> Transport for Mined<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        self.bomb.at(Point::AfterClaimed);
        let answer = self.transport.send(request).await;
        self.bomb.at(Point::BeforeSettled);
        answer
    }
}
