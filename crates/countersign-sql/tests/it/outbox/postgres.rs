//! What PostgreSQL alone promises of the outbox.

use std::time::Duration;

use countersign_sql::PgStore;
use countersign_store::{
    Fence, Settlement, StoreErrorKind,
    outbox::{DeliveryFilter, Enqueued, HealthChange, OutboxStore},
};
use tokio::time::{sleep, timeout};

use super::{delivered, endpoint, messages, put};
use crate::{
    postgres::{Fresh, blocks_and_rows, planned_on_nothing},
    support::{Database, MINUTE},
};

#[tokio::test(flavor = "multi_thread")]
async fn adv_84_a_message_commits_or_rolls_back_with_the_applications_own_rows() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    put(&store, &[endpoint("ep")]).await;
    for commits in [false, true] {
        let mut transaction = fresh.pool.begin().await.unwrap();
        let enqueued = store.enqueue_in(&mut transaction, &messages(1)).await.unwrap();
        assert_eq!(enqueued[0].deliveries, 1);
        assert!(store.claim(10, MINUTE).await.unwrap().is_empty(), "it isn't committed yet");
        match commits {
            true => transaction.commit().await.unwrap(),
            false => transaction.rollback().await.unwrap(),
        }
        assert_eq!(store.claim(10, MINUTE).await.unwrap().len(), usize::from(commits));
    }
    fresh.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_hears_of_what_is_enqueued_when_it_commits() {
    let Some(fresh) = Fresh::new().await else { return };
    let (store, other) = (fresh.store(), fresh.store());
    put(&store, &[endpoint("ep")]).await;
    let mut heard = tokio::spawn(async move { other.changed().await });
    let mut rounds = 0;
    // Until it listens, nothing is heard.
    while timeout(Duration::from_millis(200), &mut heard).await.is_err() {
        store.enqueue(&messages(1)).await.unwrap();
        rounds += 1;
        assert!(rounds < 100, "nothing was heard");
    }
    assert!(rounds > 0, "nothing was enqueued before");
    fresh.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_is_closed_while_a_store_that_has_listened_is_there() {
    let Some(fresh) = Fresh::new().await else { return };
    let pool = fresh.pool_with("application_name", "listening").await;
    let (store, other) = (fresh.store(), PgStore::new(pool.clone()));
    put(&store, &[endpoint("ep")]).await;
    let listening = other.clone();
    let mut heard = tokio::spawn(async move { listening.changed().await });
    while timeout(Duration::from_millis(200), &mut heard).await.is_err() {
        store.enqueue(&messages(1)).await.unwrap();
    }
    // Nobody listens now, and the connection waits for the next who does.
    timeout(MINUTE / 6, pool.close()).await.expect("the pool waits for the connection that listened");
    drop(other);
    fresh.drop().await;
}

#[tokio::test]
async fn a_database_that_answers_what_is_read_alone_is_no_place_to_write() {
    let Some(fresh) = Fresh::new().await else { return };
    let pool = fresh.pool_with("default_transaction_read_only", "on").await;
    let only_read = PgStore::new(pool.clone());
    only_read.depth().await.unwrap();
    assert_eq!(only_read.probe().await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    pool.close().await;

    let store = fresh.store();
    let mut locking = fresh.pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE countersign_deliveries IN EXCLUSIVE MODE")
        .execute(&mut *locking)
        .await
        .unwrap();
    store.depth().await.unwrap();
    let locked = store.probe().await.unwrap_err();
    assert_eq!(locked.kind(), StoreErrorKind::Unavailable);
    assert!(locked.to_string().contains("lock"), "{locked}");
    locking.rollback().await.unwrap();
    store.probe().await.unwrap();
    fresh.drop().await;
}

/// Whoever is told that the database can't be reached tries again, for ever.
#[tokio::test]
async fn what_is_beyond_a_limit_of_the_server_is_invalid_and_not_tried_again() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    fresh.execute("CREATE INDEX ON countersign_messages (content_type)").await;
    let mut message = messages(1).remove(0);
    // So that it can't be made shorter.
    let chance = (0..300).map(|_| format!("{:016x}", Fence::random().unwrap().as_i64()));
    message.content_type = chance.collect();
    let error = store.enqueue(&[message]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    fresh.drop().await;
}

/// A dispatcher turns the clocks itself, and claims nothing while it waits.
#[tokio::test(flavor = "multi_thread")]
async fn failure_clocks_wait_for_nobody_who_holds_an_endpoint() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    put(&store, &[endpoint("free"), endpoint("held")]).await;
    fresh.execute("UPDATE countersign_endpoints SET failing_since = 1").await;
    let mut elsewhere = fresh.pool.begin().await.unwrap();
    let hold = "SELECT 1 FROM countersign_endpoints WHERE id = 'held' FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut *elsewhere).await.unwrap();
    for id in ["free", "held"] {
        let turned = timeout(MINUTE / 6, store.turn_failure_clocks(MINUTE, MINUTE)).await.unwrap().unwrap();
        let [HealthChange::Disabled { endpoint, .. }] = &turned[..] else { panic!("{turned:?}") };
        assert_eq!(endpoint.id, id);
        sqlx::raw_sql("ROLLBACK; BEGIN").execute(&mut *elsewhere).await.unwrap();
    }
    drop(elsewhere);
    fresh.drop().await;
}

/// What is claimed is read in steps after it was leased, and others write between them.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_deleted_while_it_is_claimed_is_given_nothing_and_the_others_are() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    put(&store, &[endpoint("deleted"), endpoint("kept")]).await;
    store.enqueue(&messages(2)).await.unwrap();
    let mut holds_up = fresh.pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE countersign_messages").execute(&mut *holds_up).await.unwrap();
    let claiming = store.clone();
    let claiming = tokio::spawn(async move { claiming.claim(10, MINUTE).await });
    while !waits_at(&fresh, "countersign_messages").await {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(store.delete_endpoint("deleted").await.unwrap());
    holds_up.rollback().await.unwrap();
    let claimed = claiming.await.unwrap().unwrap();
    assert_eq!(claimed.iter().map(|claimed| &*claimed.endpoint.id).collect::<Vec<_>>(), ["kept"; 2]);
    let settled: Vec<_> = claimed.iter().map(delivered).collect();
    assert_eq!(store.settle(&settled).await.unwrap(), [Settlement::Settled; 2]);
    assert_eq!(store.count(&DeliveryFilter::default()).await.unwrap(), 2);
    fresh.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_batches_that_wait_for_each_others_keys_one_gives_way_and_both_are_answered() {
    let Some(fresh) = Fresh::new().await else { return };
    // Who has waited for so long looks whether it waits for ever, and is the one to end: the other is to wait longer.
    let (store, patient) = (PgStore::new(fresh.pool_with("deadlock_timeout", "2s").await), fresh.store());
    put(&store, &[endpoint("ep")]).await;
    let mut batch = messages(2);
    for (message, key) in batch.iter_mut().zip(["first", "second"]) {
        message.idempotency_key = Some(key.into());
    }
    let mut transaction = fresh.pool.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL deadlock_timeout = '20s'").execute(&mut *transaction).await.unwrap();
    let first = patient.enqueue_in(&mut transaction, &batch[..1]).await.unwrap();
    let other_way_round: Vec<_> = batch.iter().rev().cloned().collect();
    let waiting = tokio::spawn(async move { store.enqueue(&other_way_round).await });
    while !waits_at(&fresh, "countersign_messages").await {
        sleep(Duration::from_millis(5)).await;
    }
    let second = patient.enqueue_in(&mut transaction, &batch[1..]).await.unwrap();
    transaction.commit().await.unwrap();
    let answered = waiting.await.unwrap().unwrap();
    assert!(answered.iter().all(|enqueued| enqueued.duplicate), "{answered:?}");
    let ids = |enqueued: &[Enqueued]| enqueued.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&answered), [ids(&second), ids(&first)].concat());
    assert_eq!(fresh.count("SELECT count(*) FROM countersign_deliveries").await, 2);
    fresh.drop().await;
}

/// Whether somebody who reads or writes this table waits.
async fn waits_at(fresh: &Fresh, table: &str) -> bool {
    let waiting = "
        SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN (
            SELECT pid FROM pg_locks WHERE relation = $1::regclass))";
    sqlx::query_scalar(waiting).bind(table).fetch_one(&fresh.pool).await.unwrap()
}

/// A transaction that stays open keeps the versions of rows that were settled since, and claims walk over
/// their index entries: that must cost little.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_stays_open_elsewhere_hardly_slows_claims_down() {
    const SETTLED: usize = 500;
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    let mut endpoint = endpoint("ep");
    endpoint.limits.in_flight = 1_000;
    put(&store, &[endpoint]).await;
    let mut elsewhere = fresh.pool.begin().await.unwrap();
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *elsewhere).await.unwrap();
    sqlx::raw_sql("SELECT count(*) FROM countersign_deliveries").execute(&mut *elsewhere).await.unwrap();
    let claim_of_one = "countersign_outbox_lease(NULL, 1, 60000000, 1, 5)";
    let mut read = Vec::new();
    for _ in 0..10 {
        store.enqueue(&messages(SETTLED + 1)).await.unwrap();
        let mut connection = fresh.pool.acquire().await.unwrap();
        let (blocks, leased) = blocks_and_rows(&mut connection, claim_of_one).await;
        assert_eq!(leased, 1);
        read.push(blocks);
        let claimed = store.claim(1_000, MINUTE).await.unwrap();
        assert_eq!(claimed.len(), SETTLED);
        let _ = store.settle(&claimed.iter().map(delivered).collect::<Vec<_>>()).await.unwrap();
    }
    eprintln!("blocks that a claim of one reads, after each {SETTLED} that were settled: {read:?}");
    // With a visit to each settled row the last would read as many blocks as there are such rows.
    assert!(read.iter().all(|blocks| *blocks < 9 * SETTLED as u64 / 3), "{read:?}");
    elsewhere.rollback().await.unwrap();
    fresh.drop().await;
}

/// A dispatcher that has waited for long has had its claims planned while there was nothing.
#[tokio::test]
async fn a_claim_that_was_planned_while_nothing_waited_looks_at_few_of_many() {
    let Some(fresh) = Fresh::new().await else { return };
    let endpoints: Vec<_> = (0..200).map(|number| endpoint(&format!("ep{number}"))).collect();
    put(&fresh.store(), &endpoints).await;
    let claim = "countersign_outbox_lease(NULL, 64, 60000000, 1, 5, NULL)";
    let mut connection = planned_on_nothing(&fresh, "countersign_deliveries", claim).await;
    let many = "
        INSERT INTO countersign_deliveries
            (message_id, endpoint_id, kind, state, due_at, attempts, step, asked_for, created_at)
        SELECT 'msg_' || number, 'ep' || number % 200, 'order.paid', 'pending', 1, 0, 0, 0, 1
        FROM generate_series(1, 20000) AS number";
    sqlx::raw_sql(many).execute(&mut *connection).await.unwrap();
    let (read, rows) = blocks_and_rows(&mut connection, claim).await;
    // A delivery each of as many endpoints as there are places, and the others, whose turn comes next.
    assert_eq!(rows, 200);
    // Reading the table for each endpoint would be a hundred thousand.
    assert!(read < 10_000, "{read}");
    drop(connection);
    fresh.drop().await;
}

/// Whoever locks several deliveries begins with the one of the lowest id, so that no two wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn while_settling_waits_for_a_delivery_it_holds_none_that_comes_later() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    put(&store, &[endpoint("ep")]).await;
    // Of a small table PostgreSQL reads every row, in order.
    store.enqueue(&messages(5_000)).await.unwrap();
    fresh.execute("ANALYZE countersign_deliveries").await;
    let mut settled: Vec<_> = store.claim(5, MINUTE).await.unwrap().iter().map(delivered).collect();
    settled.sort_by_key(|settle| std::cmp::Reverse(settle.id));
    let lowest = settled[4].id;
    let mut other = fresh.pool.begin().await.unwrap();
    let lease = sqlx::query("UPDATE countersign_deliveries SET fence = fence + 1 WHERE id = $1").bind(lowest);
    lease.execute(&mut *other).await.unwrap();
    let settling = tokio::spawn(async move { store.settle(&settled).await });
    while !waits_at(&fresh, "countersign_deliveries").await {
        sleep(Duration::from_millis(5)).await;
    }
    let lock = sqlx::query("SELECT FROM countersign_deliveries WHERE id > $1 FOR UPDATE NOWAIT").bind(lowest);
    lock.execute(&mut *other).await.unwrap();
    other.commit().await.unwrap();
    let mut expected = [Settlement::Settled; 5];
    expected[4] = Settlement::Superseded;
    assert_eq!(settling.await.unwrap().unwrap(), expected);
    fresh.drop().await;
}

/// Processes of an earlier version go on beside newer ones: they lease by the second migration's function.
#[tokio::test]
async fn the_function_of_an_earlier_version_leases_as_before() {
    let Some(fresh) = Fresh::new().await else { return };
    let store = fresh.store();
    put(&store, &[endpoint("a"), endpoint("b"), endpoint("c")]).await;
    store.enqueue(&messages(2)).await.unwrap();
    let lease = "SELECT countersign_outbox_lease(NULL, $1, 60000000, 7, 5)";
    for (most, leased) in [(2_i64, 2), (3, 3), (9, 1), (9, 0)] {
        let ids: Vec<i64> = sqlx::query_scalar(lease).bind(most).fetch_all(&fresh.pool).await.unwrap();
        assert_eq!(ids.len(), leased, "{ids:?}");
    }
    fresh.drop().await;
}
