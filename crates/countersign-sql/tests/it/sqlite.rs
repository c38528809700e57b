//! What is SQLite's own.

use std::time::Duration;

use countersign_sql::{Occurrence, SqliteStore};
use countersign_store::{
    Accepted, Answer, Claim, IdempotencyStore, InboxStore, Outcome, Settlement, StoreError, StoreErrorKind,
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::support::{
    Database, HOUR, MINUTE, SECOND, TestClock, accept, claimed, event, keys, lease, settle,
};

/// A file of its own.
pub(crate) struct Fresh {
    folder: TempDir,
    store: SqliteStore,
}

impl Fresh {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap();
        Fresh { folder, store }
    }

    /// A pool of the application, on the same file.
    pub(crate) async fn pool(&self) -> SqlitePool {
        pool(&self.folder).await
    }
}

impl Database for Fresh {
    type Store = SqliteStore;

    fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    fn at(&self, clock: &TestClock) -> SqliteStore {
        let clock = clock.clone();
        self.store.clone().clock_micros(move || clock.now())
    }

    async fn execute(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.pool().await).await.unwrap();
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.pool().await).await.unwrap()
    }

    /// The folder goes with it.
    async fn drop(self) {}

    async fn prune_claims(store: &SqliteStore) -> Result<u64, StoreError> {
        store.prune_claims().await
    }
}

async fn pool(folder: &TempDir) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("webhooks.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
}

async fn invoices(pool: &SqlitePool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM invoices").fetch_one(pool).await.unwrap()
}

async fn create_invoices(pool: &SqlitePool) {
    sqlx::query("CREATE TABLE invoices (id TEXT)").execute(pool).await.unwrap();
}

#[tokio::test]
async fn a_pool_that_would_lose_what_was_acknowledged_is_refused() {
    let folder = TempDir::new().unwrap();
    let options =
        SqliteConnectOptions::new().filename(folder.path().join("webhooks.db")).create_if_missing(true);
    let (wal, normal) = (SqliteJournalMode::Wal, SqliteSynchronous::Normal);
    for (options, expected) in [
        (options.clone(), "journal_mode=delete, synchronous=2"),
        (options.clone().journal_mode(wal).synchronous(normal), "journal_mode=wal, synchronous=1"),
        (SqliteConnectOptions::new().in_memory(true), "journal_mode=memory, synchronous=2"),
    ] {
        let store = SqliteStore::new(SqlitePool::connect_with(options).await.unwrap());
        let error = store.migrate().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(expected), "{error}");
    }
    SqliteStore::new(pool(&folder).await).migrate().await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_closed_is_whole_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("webhooks.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let claim = claimed(&store, "done", MINUTE).await;
    assert!(folder.path().join("webhooks.db-wal").exists());
    store.clone().close().await;
    assert!(!folder.path().join("webhooks.db-wal").exists());
    let error = store.complete(&claim, Answer { status: 204 }, HOUR).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn what_is_written_is_there_after_the_file_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("webhooks.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let _ =
        store.complete(&claimed(&store, "done", MINUTE).await, Answer { status: 204 }, HOUR).await.unwrap();
    claimed(&store, "claimed", HOUR).await;
    accept(&store, &["event"]).await;
    drop(store);

    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.claim("done", MINUTE).await.unwrap(), Claim::Done(Answer { status: 204 }));
    assert!(matches!(store.claim("claimed", MINUTE).await.unwrap(), Claim::InFlight { .. }));
    assert_eq!(store.accept(&event("event")).await.unwrap(), Accepted::Duplicate);
    assert_eq!(lease(&store, 10).await[0].received, event("event"));
}

#[tokio::test]
async fn what_can_not_be_durable_is_refused_when_it_is_opened() {
    let error = SqliteStore::open(":memory:").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("WAL"), "{error}");
}

#[tokio::test]
async fn a_path_that_can_not_be_opened_is_an_error_that_says_so() {
    let error = SqliteStore::open("/nowhere/at/all/webhooks.db").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("unable to open"), "{error}");
}

#[tokio::test]
async fn a_store_that_was_not_migrated_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::new(pool(&folder).await);
    let error = store.claim("key", MINUTE).await.unwrap_err();
    assert!(error.to_string().contains("SqliteStore::migrate"), "{error}");
    let error = store.accept(&event("key")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}

#[tokio::test]
async fn a_file_that_is_there_is_opened_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("webhooks.db");
    let error = SqliteStore::open_existing(&path).await.unwrap_err();
    assert!(error.to_string().contains("webhooks.db") && !path.exists(), "{error}");

    std::fs::write(&path, "").unwrap();
    assert!(SqliteStore::open_existing(&path).await.unwrap().is_none());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);

    SqliteStore::open(&path).await.unwrap().close().await;
    let store = SqliteStore::open_existing(&path).await.unwrap().unwrap();
    accept(&store, &["event"]).await;
    assert_eq!(lease(&store, 10).await[0].received, event("event"));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_or_twice_at_once_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(&folder).await;
    let store = SqliteStore::new(pool.clone());
    let (one, two, three) = tokio::join!(store.migrate(), store.migrate(), store.migrate());
    one.and(two).and(three).unwrap();
    claimed(&store, "key", MINUTE).await;
    store.migrate().await.unwrap();
    assert!(matches!(store.claim("key", MINUTE).await.unwrap(), Claim::InFlight { .. }));
    let steps: i64 =
        sqlx::query_scalar("SELECT count(*) FROM _countersign_migrations").fetch_one(&pool).await.unwrap();
    assert_eq!(steps, 4);
}

#[tokio::test]
async fn a_writer_that_waits_too_long_for_another_is_told_that_nothing_happened() {
    let fresh = Fresh::new().await;
    let options = SqliteConnectOptions::new()
        .filename(fresh.folder.path().join("webhooks.db"))
        .busy_timeout(Duration::from_millis(50));
    let impatient = SqliteStore::new(SqlitePool::connect_with(options).await.unwrap());
    let holder = fresh.pool().await.begin_with("BEGIN IMMEDIATE").await.unwrap();

    assert_eq!(impatient.claim("key", MINUTE).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(impatient.accept(&event("key")).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    holder.rollback().await.unwrap();
    claimed(&impatient, "key", MINUTE).await;
    assert_eq!(impatient.accept(&event("key")).await.unwrap(), Accepted::New);
}

/// Or it could have ended before it began, and the key be given to two.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_begins_when_the_writer_that_it_waits_for_is_done() {
    let (fresh, clock) = (Fresh::new().await, TestClock::new());
    let store = fresh.at(&clock);
    let holder = fresh.pool().await.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let waiting = store.clone();
    let waiting = tokio::spawn(async move { waiting.claim("key", MINUTE).await });
    sleep(SECOND / 5).await;
    clock.ahead(HOUR);
    holder.rollback().await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Claim::Claimed(_)));
    assert_eq!(store.claim("key", MINUTE).await.unwrap(), Claim::InFlight { remaining: MINUTE });
}

/// A trigger stands for another process, which acts between the two statements of a claim.
#[tokio::test]
async fn a_key_that_is_given_back_while_it_is_looked_at_is_claimed() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    let given_back = claimed(&store, "key", MINUTE).await;
    sqlx::raw_sql(
        "CREATE TRIGGER gives_back BEFORE INSERT ON countersign_claims
         WHEN EXISTS (SELECT 1 FROM countersign_claims WHERE key = NEW.key)
         BEGIN DELETE FROM countersign_claims WHERE key = NEW.key; SELECT RAISE(IGNORE); END",
    )
    .execute(&pool)
    .await
    .unwrap();
    let token = claimed(&store, "key", MINUTE).await;
    assert_eq!(store.release(&given_back).await.unwrap(), Settlement::Superseded);
    assert_eq!(store.complete(&token, Answer { status: 200 }, HOUR).await.unwrap(), Settlement::Settled);
}

#[tokio::test]
async fn a_key_that_changes_hands_without_end_is_an_error_and_not_a_claim() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    sqlx::raw_sql(
        "CREATE TRIGGER never_free BEFORE INSERT ON countersign_claims WHEN NEW.key = 'key'
         BEGIN SELECT RAISE(IGNORE); END",
    )
    .execute(&pool)
    .await
    .unwrap();
    let error = store.claim("key", MINUTE).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("changes hands"), "{error}");
    claimed(&store, "another", MINUTE).await;
}

/// A trigger stands for a full disk, on which SQLite does the same.
#[tokio::test]
async fn a_store_goes_on_after_a_transaction_that_sqlite_has_ended_by_itself() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    sqlx::raw_sql(
        "CREATE TRIGGER full BEFORE INSERT ON countersign_inbox WHEN NEW.key = 'full'
         BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END",
    )
    .execute(&pool)
    .await
    .unwrap();
    store.accept(&event("full")).await.unwrap_err();
    accept(&store, &["next"]).await;
    assert_eq!(keys(&lease(&store, 10).await), ["next"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_events_at_once_are_each_answered_and_each_kept() {
    let fresh = Fresh::new().await;
    let accepts = (0..1_000).map(|n| {
        let store = fresh.store();
        tokio::spawn(async move { store.accept(&event(&format!("evt_{}", n / 2))).await.unwrap() })
    });
    let mut new = 0;
    for accept in accepts.collect::<Vec<_>>() {
        new += usize::from(accept.await.unwrap() == Accepted::New);
    }
    assert_eq!(new, 500);
    assert_eq!(fresh.store().depth().await.unwrap(), 500);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_break_off_the_others() {
    let fresh = Fresh::new().await;
    let store = fresh.store();
    let (first, second) = (event("first"), event("second"));
    let holder = fresh.pool().await.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut gives_up = Box::pin(store.accept(&first));
    let mut stays = Box::pin(store.accept(&second));
    // Both wait for the holder, and the first has started the writer.
    assert!(timeout(SECOND / 10, &mut gives_up).await.is_err());
    assert!(timeout(SECOND / 10, &mut stays).await.is_err());
    drop(gives_up);
    holder.rollback().await.unwrap();
    assert_eq!(stays.await.unwrap(), Accepted::New);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_several_connections_leases_each_row_once() {
    let fresh = Fresh::new().await;
    let store = SqliteStore::new(fresh.pool().await);
    let keys: Vec<_> = (0..200).map(|n| format!("evt_{n}")).collect();
    for key in &keys {
        accept(&store, &[key]).await;
    }
    let workers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut had = Vec::new();
            while let Some(leased) = lease(&store, 1).await.pop() {
                had.push(leased.received.key);
            }
            had
        })
    });
    let mut had = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        had.extend(worker.await.unwrap());
    }
    had.sort_by_key(|key| keys.iter().position(|other| other == key));
    assert_eq!(had, keys);
}

#[test]
fn a_store_goes_on_in_another_runtime_when_the_first_has_ended() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let folder = tempfile::tempdir().unwrap();
    let store = second.block_on(async { SqliteStore::new(pool(&folder).await) });
    second.block_on(store.migrate()).unwrap();
    let holder = second.block_on(async { pool(&folder).await.begin_with("BEGIN IMMEDIATE").await.unwrap() });

    let broken_off = event("broken off");
    let waits = first.block_on(async { timeout(SECOND / 10, store.accept(&broken_off)).await });
    assert!(waits.is_err());
    drop(first);
    second.block_on(holder.rollback()).unwrap();
    let accepted = second.block_on(async { timeout(MINUTE, store.accept(&event("next"))).await.unwrap() });
    assert_eq!(accepted.unwrap(), Accepted::New);
}

#[tokio::test]
async fn a_claim_in_a_transaction_commits_and_rolls_back_with_it() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    create_invoices(&pool).await;
    for (commits, expected) in [(false, Occurrence::First), (true, Occurrence::First)] {
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        assert_eq!(store.claim_in(&mut transaction, "evt_1", HOUR).await.unwrap(), expected);
        sqlx::query("INSERT INTO invoices VALUES ('in_1')").execute(&mut *transaction).await.unwrap();
        match commits {
            true => transaction.commit().await.unwrap(),
            false => transaction.rollback().await.unwrap(),
        }
        assert_eq!(invoices(&pool).await, i64::from(commits));
    }
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let repeated = Occurrence::Repeated(Answer { status: 200 });
    assert_eq!(store.claim_in(&mut transaction, "evt_1", HOUR).await.unwrap(), repeated);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_transactions_on_one_key_one_has_an_effect() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    create_invoices(&pool).await;
    let handlers = (0..8).map(|_| {
        let (store, pool) = (store.clone(), pool.clone());
        tokio::spawn(async move {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
            if let Occurrence::First = store.claim_in(&mut transaction, "evt_1", HOUR).await.unwrap() {
                sqlx::query("INSERT INTO invoices VALUES ('in_1')").execute(&mut *transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        })
    });
    for handler in handlers.collect::<Vec<_>>() {
        handler.await.unwrap();
    }
    assert_eq!(invoices(&pool).await, 1);
}

#[tokio::test]
async fn a_key_that_the_layer_has_claimed_is_an_error_to_a_transaction() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    claimed(&store, "evt_1", HOUR).await;
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let error = store.claim_in(&mut transaction, "evt_1", HOUR).await.unwrap_err();
    assert!(error.to_string().contains("not both"), "{error}");
}

#[tokio::test]
async fn the_body_of_a_done_row_is_not_kept() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    accept(&store, &["done", "dead"]).await;
    let leased = lease(&store, 2).await;
    let outcomes =
        [settle(&leased[0], Outcome::Done), settle(&leased[1], Outcome::Dead { reason: String::new() })];
    store.settle(&outcomes).await.unwrap();
    let sizes: Vec<i64> = sqlx::query_scalar("SELECT length(body) FROM countersign_inbox ORDER BY id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(sizes, [0, 16]);
}

#[tokio::test]
async fn no_error_shows_what_was_written() {
    let fresh = Fresh::new().await;
    let pool = fresh.pool().await;
    sqlx::raw_sql(
        "CREATE TRIGGER leak BEFORE INSERT ON countersign_inbox
         BEGIN SELECT RAISE(ABORT, 'the body of evt_1'); END",
    )
    .execute(&pool)
    .await
    .unwrap();
    let error = fresh.store().accept(&event("evt_1")).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("the body"), "{error:?}");
}
