//! The inbox: how many events a second are accepted and handled, beside the same tables written by hand.
//!
//! By hand is what most applications have: one row an event, inserted in a commit of its own with `ON CONFLICT DO NOTHING`, and
//! a worker that takes as many rows at a time as ours and marks them as done in one statement. It has no lease, no attempts,
//! no order and no body to clear. Everything is flushed at each commit. PostgreSQL is measured where
//! `COUNTERSIGN_TEST_POSTGRES` names a server: `scripts/services run scripts/bench --bench inbox`.

#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a benchmark that can't go on must end")]

use std::{
    env,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use countersign_inbox::{HandlerError, Inbox, InboxEvent, InboxWorker};
use countersign_sql::{PgStore, SqliteStore};
use countersign_store::{Accepted, InboxStore, Received};
use hyper::body::Bytes;
use sqlx::{
    PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{task::JoinSet, time::sleep};

/// How many events come in a round.
const EVENTS: usize = 10_000;
/// By how many tasks they are accepted at the same time.
const SENDERS: usize = 64;
/// How many handlers run at once.
const HANDLERS: usize = 64;
/// The medians are those of so many rounds.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["inbox", "", "by hand, a second", "ours, a second", "ratio"]);
    let folder = tempfile::tempdir().unwrap();
    let (by_hand, ours) = (sqlite(folder.path()).await, SqliteStore::open(folder.path().join("ours.db")));
    compare("SQLite", &by_hand, &ours.await.unwrap(), &mut table).await;
    match env::var("COUNTERSIGN_TEST_POSTGRES") {
        Ok(url) => {
            let pool: PgPool = PgPoolOptions::new().max_connections(16).connect(&url).await.unwrap();
            let store = PgStore::new(pool.clone());
            store.migrate().await.unwrap();
            sqlx::raw_sql("TRUNCATE countersign_inbox; DROP TABLE IF EXISTS by_hand")
                .execute(&pool)
                .await
                .unwrap();
            sqlx::raw_sql(CREATE_POSTGRES).execute(&pool).await.unwrap();
            compare("PostgreSQL", &pool, &store, &mut table).await;
        }
        Err(_) => println!("PostgreSQL is left out: COUNTERSIGN_TEST_POSTGRES names no server"),
    }
    println!("{table}");
    println!(
        "{EVENTS} events of 512 bytes a round, accepted by {SENDERS} tasks, handled by {HANDLERS} handlers that do nothing;"
    );
    println!("medians of {ROUNDS} rounds in turn, the ratio that of each round's two");
}

/// Measures both in turn.
async fn compare<H: ByHand>(name: &str, by_hand: &H, ours: &(impl InboxStore + Clone), table: &mut Table) {
    let (mut accepted, mut handled) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (hand, inbox) = (by_hand.clone(), Inbox::new(ours.clone()));
        let own = inbox.clone();
        let theirs = each_sender(round, move |event| {
            let hand = hand.clone();
            async move { hand.accept(&event).await }
        });
        let theirs = theirs.await;
        let ours = each_sender(round, move |event| {
            let own = own.clone();
            async move { assert_eq!(own.accept(&event).await.unwrap(), Accepted::New) }
        });
        accepted.push((theirs, ours.await));
        handled.push((handle_by_hand(by_hand).await, handle(inbox).await));
    }
    for (what, figures) in [("accepted", accepted), ("handled", handled)] {
        let of = |figure: fn(&(f64, f64)) -> f64| median(figures.iter().map(figure));
        table.add_row([
            name.to_owned(),
            what.to_owned(),
            format!("{:.0}", of(|figures| figures.0)),
            format!("{:.0}", of(|figures| figures.1)),
            format!("{:.2}", of(|figures| figures.1 / figures.0)),
        ]);
    }
}

/// Has all senders accept a round's events, and says how many a second.
async fn each_sender<F: Future<Output = ()> + Send + 'static>(
    round: usize,
    accept: impl Fn(Received) -> F + Clone + Send + 'static,
) -> f64 {
    let (began, body) =
        (Instant::now(), Bytes::from(format!(r#"{{"type":"invoice.paid","data":"{:0>470}"}}"#, 42)));
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (accept, body) = (accept.clone(), body.clone());
        senders.spawn(async move {
            for number in (sender..EVENTS).step_by(SENDERS) {
                accept(Received::new(format!("stripe/evt_{round}_{number}"), "stripe", body.clone())).await;
            }
        });
    }
    senders.join_all().await;
    EVENTS as f64 / began.elapsed().as_secs_f64()
}

/// Handles what was accepted, and says how many a second.
async fn handle(inbox: Inbox<impl InboxStore + Clone>) -> f64 {
    let (began, handled) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let count = handled.clone();
    let handler = move |_: InboxEvent| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, HandlerError>(()) }
    };
    let all = async {
        while handled.load(Ordering::Relaxed) < EVENTS {
            sleep(Duration::from_millis(1)).await;
        }
    };
    // It stops once the last are settled.
    InboxWorker::new(inbox, handler).concurrency(HANDLERS).run(all).await;
    EVENTS as f64 / began.elapsed().as_secs_f64()
}

async fn handle_by_hand(by_hand: &impl ByHand) -> f64 {
    let (began, mut handled) = (Instant::now(), 0);
    while handled < EVENTS {
        let rows = by_hand.take().await;
        handled += rows.len();
        by_hand.done(&rows.into_iter().map(|(id, _)| id).collect::<Vec<_>>()).await;
    }
    EVENTS as f64 / began.elapsed().as_secs_f64()
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// An inbox as it is written by hand.
trait ByHand: Clone + Send + Sync + 'static {
    fn accept(&self, event: &Received) -> impl Future<Output = ()> + Send;
    /// Some rows that nobody has handled, with their bodies.
    fn take(&self) -> impl Future<Output = Vec<(i64, Vec<u8>)>> + Send;
    fn done(&self, ids: &[i64]) -> impl Future<Output = ()> + Send;
}

impl ByHand for SqlitePool {
    async fn accept(&self, event: &Received) {
        let insert = "INSERT INTO by_hand (key, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        sqlx::query(insert).bind(&event.key).bind(&event.body[..]).execute(self).await.unwrap();
    }

    async fn take(&self) -> Vec<(i64, Vec<u8>)> {
        let take = "SELECT id, body FROM by_hand WHERE done = 0 ORDER BY id LIMIT ?1";
        sqlx::query_as(take).bind(HANDLERS as i64).fetch_all(self).await.unwrap()
    }

    async fn done(&self, ids: &[i64]) {
        let done = "UPDATE by_hand SET done = 1 WHERE id IN (SELECT value FROM json_each(?1))";
        sqlx::query(done).bind(format!("{ids:?}")).execute(self).await.unwrap();
    }
}

impl ByHand for PgPool {
    async fn accept(&self, event: &Received) {
        let insert = "INSERT INTO by_hand (key, body) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        sqlx::query(insert).bind(&event.key).bind(&event.body[..]).execute(self).await.unwrap();
    }

    async fn take(&self) -> Vec<(i64, Vec<u8>)> {
        let take = "SELECT id, body FROM by_hand WHERE NOT done ORDER BY id LIMIT $1";
        sqlx::query_as(take).bind(HANDLERS as i64).fetch_all(self).await.unwrap()
    }

    async fn done(&self, ids: &[i64]) {
        sqlx::query("UPDATE by_hand SET done = true WHERE id = ANY($1)")
            .bind(ids)
            .execute(self)
            .await
            .unwrap();
    }
}

async fn sqlite(folder: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("by-hand.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let patient = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(120));
    let pool = patient.connect_with(options).await.unwrap();
    sqlx::raw_sql(CREATE_SQLITE).execute(&pool).await.unwrap();
    pool
}

const CREATE_SQLITE: &str = "
    CREATE TABLE by_hand (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL, done INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX by_hand_waiting ON by_hand (id) WHERE done = 0";

const CREATE_POSTGRES: &str = "
    CREATE TABLE by_hand (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BYTEA NOT NULL,
        done BOOLEAN NOT NULL DEFAULT false);
    CREATE INDEX by_hand_waiting ON by_hand (id) WHERE NOT done";
