//! What is PostgreSQL's own.

use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use countersign_sql::{Occurrence, PgStore};
use countersign_store::{Answer, Claim, IdempotencyStore, InboxStore, Outcome, StoreError, StoreErrorKind};
use sqlx::{
    AssertSqlSafe, PgConnection, PgPool, Postgres, Row,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::support::{Database, HOUR, MINUTE, TestClock, accept, claimed, event, lease, ordered, settle};

/// A schema of its own, on the server that the environment names.
pub(crate) struct Fresh {
    pub(crate) pool: PgPool,
    schema: String,
}

impl Fresh {
    /// `None` where there is no server to test with.
    pub(crate) async fn new() -> Option<Self> {
        let fresh = Self::empty().await?;
        fresh.store().migrate().await.unwrap();
        Some(fresh)
    }

    /// Without tables.
    async fn empty() -> Option<Self> {
        let options = server()?;
        let schema = format!("countersign_test_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let options = options.options([("search_path", &schema)]);
        let pool = PgPoolOptions::new().max_connections(12).connect_with(options).await.unwrap();
        execute(&pool, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await;
        execute(&pool, &format!("CREATE SCHEMA {schema}")).await;
        Some(Fresh { pool, schema })
    }

    async fn invoices(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM invoices").fetch_one(&self.pool).await.unwrap()
    }

    /// A pool on the same schema, with one more setting.
    pub(crate) async fn pool_with(&self, name: &str, value: &str) -> PgPool {
        let options = server().unwrap().options([("search_path", self.schema.as_str()), (name, value)]);
        PgPool::connect_with(options).await.unwrap()
    }
}

impl Database for Fresh {
    type Store = PgStore;

    fn store(&self) -> PgStore {
        PgStore::new(self.pool.clone())
    }

    fn at(&self, clock: &TestClock) -> PgStore {
        let clock = clock.clone();
        self.store().clock_micros(move || clock.now())
    }

    async fn execute(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.pool).await.unwrap();
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.pool).await.unwrap()
    }

    async fn drop(self) {
        execute(&self.pool, &format!("DROP SCHEMA {} CASCADE", self.schema)).await;
        self.pool.close().await;
    }

    async fn prune_claims(store: &PgStore) -> Result<u64, StoreError> {
        store.prune_claims().await
    }
}

/// The server to test with. Says so loudly where there is none, and fails in CI.
fn server() -> Option<PgConnectOptions> {
    let Ok(url) = env::var("COUNTERSIGN_TEST_POSTGRES") else {
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "COUNTERSIGN_TEST_POSTGRES is missing");
        eprintln!("SKIPPED: COUNTERSIGN_TEST_POSTGRES names no server, so PostgreSQL was NOT tested");
        return None;
    };
    Some(url.parse().unwrap())
}

async fn execute(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

static COUNT: AtomicU32 = AtomicU32::new(0);

#[tokio::test]
async fn a_store_that_was_not_migrated_says_what_to_do() {
    let Some(fresh) = Fresh::empty().await else { return };
    let store = fresh.store();
    let errors = [
        store.claim("key", MINUTE).await.unwrap_err(),
        store.accept(&event("key")).await.unwrap_err(),
        store.lease(1, MINUTE).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains("PgStore::migrate"), "{error}");
    }
    fresh.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_or_many_times_at_once_changes_nothing() {
    let Some(fresh) = Fresh::empty().await else { return };
    let store = fresh.store();
    let migrations: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for migration in migrations {
        migration.await.unwrap().unwrap();
    }
    claimed(&store, "key", MINUTE).await;
    store.migrate().await.unwrap();
    assert!(matches!(store.claim("key", MINUTE).await.unwrap(), Claim::InFlight { .. }));
    let steps: i64 = sqlx::query_scalar("SELECT count(*) FROM _countersign_migrations")
        .fetch_one(&fresh.pool)
        .await
        .unwrap();
    assert_eq!(steps, 6);
    fresh.drop().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(1);
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_secs(2)).connect_lazy_with(options);
    let store = PgStore::new(pool);
    assert_eq!(store.claim("key", MINUTE).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.accept(&event("key")).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn times_are_the_databases_own() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    accept(&store, &["evt_1"]).await;
    let leased = lease(&store, 1).await;
    let now: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        .fetch_one(&fresh.pool)
        .await
        .unwrap();
    assert!((now - leased[0].accepted_at).abs() < 60_000_000, "{now} {}", leased[0].accepted_at);
    let Claim::InFlight { remaining } = ({
        claimed(&store, "key", MINUTE).await;
        store.claim("key", MINUTE).await.unwrap()
    }) else {
        panic!("the key is claimed")
    };
    assert!(remaining <= MINUTE && remaining > MINUTE / 2, "{remaining:?}");
    fresh.drop().await;
}

#[tokio::test]
async fn a_transaction_that_stays_open_elsewhere_holds_nothing_up() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    accept(&store, &["evt_1"]).await;
    store.accept(&ordered("evt_2", "cus_1")).await.unwrap();

    let mut open = fresh.pool.begin().await.unwrap();
    assert_eq!(store.claim_in(&mut open, "elsewhere", HOUR).await.unwrap(), Occurrence::First);
    let held: i64 = sqlx::query_scalar("SELECT id FROM countersign_inbox WHERE key = 'evt_1' FOR UPDATE")
        .fetch_one(&mut *open)
        .await
        .unwrap();

    let work = async {
        let leased = lease(&store, 10).await;
        assert_eq!(leased.len(), 1, "the locked row is passed over");
        assert_ne!(leased[0].id, held);
        let _ = store.settle(&[settle(&leased[0], Outcome::Done)]).await.unwrap();
        accept(&store, &["evt_3"]).await;
        claimed(&store, "key", MINUTE).await;
        store.prune_claims().await.unwrap();
        store.prune(Duration::ZERO).await.unwrap()
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(10), work).await.unwrap(), 1);
    open.rollback().await.unwrap();
    assert_eq!(lease(&store, 10).await.len(), 2);
    fresh.drop().await;
}

#[tokio::test]
async fn leasing_refuses_an_isolation_in_which_it_could_lease_one_lane_twice() {
    let Some(fresh) = Fresh::new().await else { return };
    let pool = fresh.pool_with("default_transaction_isolation", "repeatable read").await;
    let error = PgStore::new(pool.clone()).lease(1, MINUTE).await.unwrap_err();
    assert!(error.to_string().contains("READ COMMITTED"), "{error}");
    pool.close().await;
    fresh.drop().await;
}

/// A connection on which a call of a function was planned while its table was known to be empty.
pub(crate) async fn planned_on_nothing(fresh: &Fresh, table: &str, call: &str) -> PoolConnection<Postgres> {
    let mut connection = fresh.pool.acquire().await.unwrap();
    let vacuum = AssertSqlSafe(format!("VACUUM (ANALYZE) {table}"));
    sqlx::raw_sql(vacuum).execute(&mut *connection).await.unwrap();
    // The first plans are made for the parameters that are given, and the sixth is kept.
    for _ in 0..10 {
        assert_eq!(blocks_and_rows(&mut connection, call).await.1, 0);
    }
    connection
}

/// How many blocks a call of a function reads, from memory or disk, and how many rows it gives.
pub(crate) async fn blocks_and_rows(connection: &mut PgConnection, call: &str) -> (u64, u64) {
    let explain = AssertSqlSafe(format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT {call}"));
    let row = sqlx::query(explain).fetch_one(connection).await.unwrap();
    let text: String = row.try_get_unchecked(0).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let number = |name| plan[0]["Plan"][name].as_u64().unwrap();
    (number("Shared Hit Blocks") + number("Shared Read Blocks"), number("Actual Rows"))
}

/// A worker that has waited for long has had its leases planned while there was nothing.
#[tokio::test]
async fn a_lease_that_was_planned_while_nothing_waited_looks_at_few_of_many() {
    let Some(fresh) = Fresh::new().await else { return };
    let lease = "countersign_inbox_lease(NULL, 64, 60000000, 1)";
    let mut connection = planned_on_nothing(&fresh, "countersign_inbox", lease).await;
    let many = "
        INSERT INTO countersign_inbox (key, state, due_at, attempts, lane, accepted_at, source, ordering, data_at, body)
        SELECT 'key' || number, 'pending', 1, 0, number % 5000, 1, 'stripe', 'cus_1', '', ''
        FROM generate_series(1, 20000) AS number";
    sqlx::raw_sql(many).execute(&mut *connection).await.unwrap();
    let (read, leased) = blocks_and_rows(&mut connection, lease).await;
    assert_eq!(leased, 64);
    // Reading the table for each row that is due would be three million.
    assert!(read < 200_000, "{read}");
    drop(connection);
    fresh.drop().await;
}

/// Of all these rows one can be leased, or one of each lane that the others hold up.
#[tokio::test]
async fn a_lease_looks_at_few_of_many_rows_of_a_lane() {
    for (lanes, lane) in [(1, "7"), (50, "CASE WHEN number <= 10000 THEN 7 ELSE number % 50 END")] {
        let Some(fresh) = Fresh::new().await else { return };
        let many = format!(
            "INSERT INTO countersign_inbox (key, state, due_at, attempts, lane, accepted_at, source, data_at, body)
             SELECT 'key' || number, 'pending', number, 0, {lane}, 1, 'stripe', '', ''
             FROM generate_series(1, 20000) AS number"
        );
        execute(&fresh.pool, &many).await;
        let mut connection = fresh.pool.acquire().await.unwrap();
        let lease = "countersign_inbox_lease(NULL, 64, 60000000, 1)";
        let (read, leased) = blocks_and_rows(&mut connection, lease).await;
        assert_eq!(leased, lanes);
        // A look at each row would be sixty thousand.
        assert!(read < 10_000, "{read}");
        drop(connection);
        fresh.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_becomes_visible_late_does_not_share_its_lane() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    // Ids are handed out in one order and committed in the other.
    let mut late = fresh.pool.begin().await.unwrap();
    let copy = "
        INSERT INTO countersign_inbox (key, state, due_at, attempts, lane, accepted_at, source, ordering, data_at, body)
        SELECT 'early', 'pending', 0, 0, lane, 0, source, ordering, data_at, body FROM countersign_inbox";
    store.accept(&ordered("pattern", "cus_1")).await.unwrap();
    sqlx::query(copy).execute(&mut *late).await.unwrap();
    store.accept(&ordered("late", "cus_1")).await.unwrap();
    let pattern = lease(&store, 10).await;
    assert_eq!(pattern.len(), 1);
    let _ = store.settle(&[settle(&pattern[0], Outcome::Done)]).await.unwrap();

    let first = lease(&store, 10).await;
    assert_eq!(first[0].received.key, "late");
    late.commit().await.unwrap();
    assert_eq!(lease(&store, 10).await, [], "one of the lane is leased");
    let _ = store.settle(&[settle(&first[0], Outcome::Done)]).await.unwrap();
    assert_eq!(lease(&store, 10).await[0].received.key, "early");
    fresh.drop().await;
}

#[tokio::test]
async fn a_claim_in_a_transaction_commits_and_rolls_back_with_it() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    execute(&fresh.pool, "CREATE TABLE invoices (id TEXT)").await;
    for commits in [false, true] {
        let mut transaction = fresh.pool.begin().await.unwrap();
        assert_eq!(store.claim_in(&mut transaction, "evt_1", HOUR).await.unwrap(), Occurrence::First);
        sqlx::query("INSERT INTO invoices VALUES ('in_1')").execute(&mut *transaction).await.unwrap();
        match commits {
            true => transaction.commit().await.unwrap(),
            false => transaction.rollback().await.unwrap(),
        }
        assert_eq!(fresh.invoices().await, i64::from(commits));
    }
    let mut transaction = fresh.pool.begin().await.unwrap();
    let repeated = Occurrence::Repeated(Answer { status: 200 });
    assert_eq!(store.claim_in(&mut transaction, "evt_1", HOUR).await.unwrap(), repeated);
    transaction.commit().await.unwrap();
    fresh.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_transactions_on_one_key_the_second_waits_for_the_first() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    for (commits, expected) in
        [(true, Occurrence::Repeated(Answer { status: 200 })), (false, Occurrence::First)]
    {
        let key = format!("evt_{commits}");
        let mut first = fresh.pool.begin().await.unwrap();
        assert_eq!(store.claim_in(&mut first, &key, HOUR).await.unwrap(), Occurrence::First);
        let (other, pool) = (store.clone(), fresh.pool.clone());
        let mut second = tokio::spawn(async move {
            let mut transaction = pool.begin().await.unwrap();
            let occurrence = other.claim_in(&mut transaction, &key, HOUR).await.unwrap();
            transaction.commit().await.unwrap();
            occurrence
        });
        let waits = tokio::time::timeout(Duration::from_millis(200), &mut second).await;
        assert!(waits.is_err(), "the second decided before the first had ended");
        match commits {
            true => first.commit().await.unwrap(),
            false => first.rollback().await.unwrap(),
        }
        assert_eq!(second.await.unwrap(), expected);
    }
    fresh.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_transactions_on_one_key_one_has_an_effect() {
    let Some(fresh) = Fresh::new().await else { return };
    execute(&fresh.pool, "CREATE TABLE invoices (id TEXT)").await;
    let handlers = (0..8).map(|_| {
        let (store, pool) = (fresh.store(), fresh.pool.clone());
        tokio::spawn(async move {
            let mut transaction = pool.begin().await.unwrap();
            if let Occurrence::First = store.claim_in(&mut transaction, "evt_1", HOUR).await.unwrap() {
                sqlx::query("INSERT INTO invoices VALUES ('in_1')").execute(&mut *transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        })
    });
    for handler in handlers.collect::<Vec<_>>() {
        handler.await.unwrap();
    }
    assert_eq!(fresh.invoices().await, 1);
    fresh.drop().await;
}

#[tokio::test]
async fn a_key_that_the_layer_has_claimed_is_an_error_to_a_transaction() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    claimed(&store, "evt_1", HOUR).await;
    let mut transaction = fresh.pool.begin().await.unwrap();
    let error = store.claim_in(&mut transaction, "evt_1", HOUR).await.unwrap_err();
    assert!(error.to_string().contains("not both"), "{error}");
    transaction.rollback().await.unwrap();
    fresh.drop().await;
}

#[tokio::test]
async fn the_body_of_a_done_row_is_not_kept() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    accept(&store, &["done", "dead"]).await;
    let leased = lease(&store, 2).await;
    let outcomes =
        [settle(&leased[0], Outcome::Done), settle(&leased[1], Outcome::Dead { reason: String::new() })];
    store.settle(&outcomes).await.unwrap();
    let sizes: Vec<i32> = sqlx::query_scalar("SELECT length(body) FROM countersign_inbox ORDER BY id")
        .fetch_all(&fresh.pool)
        .await
        .unwrap();
    assert_eq!(sizes, [0, 16]);
    fresh.drop().await;
}

#[tokio::test]
async fn no_error_shows_what_was_written() {
    let Some(fresh) = Fresh::new().await else { return };
    execute(
        &fresh.pool,
        "CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION '%', convert_from(NEW.body, 'UTF8'); END $$;
         CREATE TRIGGER leak BEFORE INSERT ON countersign_inbox FOR EACH ROW EXECUTE FUNCTION leak();",
    )
    .await;
    let error = fresh.store().accept(&event("evt_1")).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("the body"), "{error:?}");
    fresh.drop().await;
}
