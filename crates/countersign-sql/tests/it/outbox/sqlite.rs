//! What SQLite alone promises of the outbox.

use std::time::Duration;

use countersign_sql::SqliteStore;
use countersign_store::{
    StoreError, StoreErrorKind,
    outbox::{DeliveryFilter, Enqueued, MessageFilter, NewMessage, OutboxStore, Page},
};
use sqlx::AssertSqlSafe;
use tokio::time::{sleep, timeout};

use super::{delivered, endpoint, messages, put};
use crate::{
    sqlite::Fresh,
    support::{Database, MINUTE, event},
};

#[tokio::test(flavor = "multi_thread")]
async fn adv_84_a_message_commits_or_rolls_back_with_the_applications_own_rows() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    put(&store, &[endpoint("ep")]).await;
    sqlx::query("CREATE TABLE invoices (id TEXT)").execute(&pool).await.unwrap();
    for commits in [false, true] {
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        sqlx::query("INSERT INTO invoices VALUES ('in_1')").execute(&mut *transaction).await.unwrap();
        let enqueued = store.enqueue_in(&mut transaction, &messages(1)).await.unwrap();
        assert_eq!(enqueued[0].deliveries, 1);
        match commits {
            true => transaction.commit().await.unwrap(),
            false => transaction.rollback().await.unwrap(),
        }
        let claimed = store.claim(10, MINUTE).await.unwrap();
        assert_eq!(claimed.len(), usize::from(commits));
        let found = store.message(&enqueued[0].id).await.unwrap();
        assert_eq!(found.is_some(), commits);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_the_same_transaction_adds_is_given_the_message() {
    let fresh = Fresh::new().await;
    let (store, pool) = (fresh.store(), fresh.pool().await);
    put(&store, &[endpoint("ep")]).await;
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("UPDATE countersign_endpoints SET events = '[\"other\"]'")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let other = NewMessage::new("other", "{}");
    let enqueued = store.enqueue_in(&mut transaction, &[messages(1).remove(0), other]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(enqueued.iter().map(|one| one.deliveries).collect::<Vec<_>>(), [0, 1]);
}

/// Enqueues at once what comes while another writes, each message by a caller of its own, and gives what they
/// are told, in their order.
async fn enqueue_at_once(fresh: &Fresh, messages: Vec<NewMessage>) -> Vec<Result<Enqueued, StoreError>> {
    let other = fresh.pool().await.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let store = fresh.store();
    let callers = messages.into_iter().map(|message| {
        let store = store.clone();
        tokio::spawn(async move { store.enqueue(&[message]).await.map(|mut enqueued| enqueued.remove(0)) })
    });
    let callers: Vec<_> = callers.collect();
    sleep(Duration::from_millis(100)).await;
    other.rollback().await.unwrap();
    let mut told = Vec::new();
    for caller in callers {
        told.push(caller.await.unwrap());
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_at_once_are_each_told_of_their_own_message() {
    let fresh = Fresh::new().await;
    put(&fresh.store(), &[endpoint("ep")]).await;
    let messages = messages(100);
    for (message, enqueued) in messages.iter().zip(enqueue_at_once(&fresh, messages.clone()).await) {
        let enqueued = enqueued.unwrap();
        assert_eq!((enqueued.deliveries, enqueued.duplicate), (1, false));
        let kept = fresh.store().message(&enqueued.id).await.unwrap().unwrap();
        assert_eq!(kept.payload, message.payload);
    }
    assert_eq!(fresh.store().count(&DeliveryFilter::default()).await.unwrap(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_callers_at_once_those_whose_message_is_refused_are_told_so_and_no_other() {
    let fresh = Fresh::new().await;
    put(&fresh.store(), &[endpoint("ep")]).await;
    let with_id = |id: &str| {
        let mut message = messages(1).remove(0);
        message.id = Some(id.to_owned());
        message
    };
    fresh.store().enqueue(&[with_id("taken")]).await.unwrap();
    let all = ["a", "taken", "b", "twice", "twice", "c"].map(with_id).to_vec();
    let told = enqueue_at_once(&fresh, all).await;
    let refused = |told: &Result<Enqueued, StoreError>| {
        told.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Invalid)
    };
    let (first, rest): (Vec<bool>, _) = (told[..3].iter().map(refused).collect(), &told[3..5]);
    assert_eq!(first, [false, true, false]);
    assert_eq!(rest.iter().filter(|told| refused(told)).count(), 1);
    assert_eq!(told[5].as_ref().unwrap().id, "c");
    assert_eq!(fresh.store().count(&DeliveryFilter::default()).await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_callers_at_once_with_one_key_one_enqueues_and_the_others_are_given_it() {
    let fresh = Fresh::new().await;
    put(&fresh.store(), &[endpoint("ep")]).await;
    let mut keyed = messages(1).remove(0);
    keyed.idempotency_key = Some("key".to_owned());
    let told = enqueue_at_once(&fresh, vec![keyed; 32]).await;
    let told: Vec<Enqueued> = told.into_iter().map(Result::unwrap).collect();
    assert_eq!(told.iter().filter(|told| !told.duplicate).count(), 1);
    assert!(told.iter().all(|one| (&one.id, one.deliveries) == (&told[0].id, 1)), "{told:?}");
    assert_eq!(fresh.store().count(&DeliveryFilter::default()).await.unwrap(), 1);
}

/// What nobody waits for any more when its turn comes is not enqueued.
#[tokio::test(flavor = "multi_thread")]
async fn where_every_caller_gives_up_nothing_is_enqueued_and_the_next_is() {
    let fresh = Fresh::new().await;
    let store = fresh.store();
    put(&store, &[endpoint("ep")]).await;
    let other = fresh.pool().await.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let given_up = messages(1);
    assert!(timeout(Duration::from_millis(100), store.enqueue(&given_up)).await.is_err());
    other.rollback().await.unwrap();
    let enqueued = store.enqueue(&messages(2)).await.unwrap();
    assert_eq!(enqueued.iter().map(|one| one.deliveries).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(store.count(&DeliveryFilter::default()).await.unwrap(), 2);
}

/// What is committed is there for another process, and what a process had leased comes back.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_enqueued_is_there_after_the_file_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.db");
    let store = SqliteStore::open(&path).await.unwrap();
    put(&store, &[endpoint("ep")]).await;
    store.enqueue(&messages(3)).await.unwrap();
    let claimed = store.claim(2, Duration::ZERO).await.unwrap();
    let _ = store.settle(&[delivered(&claimed[0])]).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    let left = store.claim(10, MINUTE).await.unwrap();
    assert_eq!(left.iter().map(|claimed| claimed.attempt).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(store.count(&DeliveryFilter::default()).await.unwrap(), 3);
}

/// No statement of every day reads a whole table.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_often_is_found_by_an_index() {
    let fresh = Fresh::new().await;
    let pool = fresh.pool().await;
    let waiting =
        "endpoint_id = 'ep' AND state IN ('pending', 'leased') AND due_at <= 1 ORDER BY due_at, id LIMIT 9";
    for (query, index) in [
        (format!("SELECT id FROM countersign_deliveries WHERE {waiting}"), "countersign_deliveries_due"),
        (
            "SELECT count(*) FROM countersign_deliveries WHERE endpoint_id = 'ep' AND state = 'leased' AND due_at > 1"
                .to_owned(),
            "countersign_deliveries_leased",
        ),
        (
            "SELECT count(*) FROM countersign_deliveries WHERE state IN ('pending', 'leased')".to_owned(),
            "countersign_deliveries_due",
        ),
        (
            "SELECT id FROM countersign_deliveries WHERE endpoint_id = 'ep' AND id < 9 ORDER BY id DESC LIMIT 9".to_owned(),
            "countersign_deliveries_by_endpoint",
        ),
        (
            "SELECT id FROM countersign_deliveries WHERE state = 'dead' AND id < 9 ORDER BY id DESC LIMIT 9".to_owned(),
            "countersign_deliveries_dead",
        ),
        (
            "SELECT * FROM countersign_attempts WHERE delivery_id = 1 ORDER BY number".to_owned(),
            "countersign_attempts_by_delivery",
        ),
        (
            "SELECT id FROM countersign_messages WHERE created_at < 9 ORDER BY created_at LIMIT 9".to_owned(),
            "countersign_messages_by_time",
        ),
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"))).fetch_all(&pool).await.unwrap();
        let plan: Vec<_> = plan.into_iter().map(|(.., detail)| detail).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{query}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{query}: {plan:?}");
    }
}

/// As while another process holds the lock, or this one commits much.
#[tokio::test]
async fn what_is_looked_at_waits_for_no_writer() {
    let fresh = Fresh::new().await;
    let (store, other) = (fresh.store(), fresh.pool().await);
    put(&store, &[endpoint("ep")]).await;
    store.enqueue(&messages(3)).await.unwrap();
    let locked = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let waiting = store.clone();
    let writer = tokio::spawn(async move { waiting.enqueue(&messages(1)).await });
    sleep(Duration::from_millis(200)).await;
    let looked_at = async { (store.depth().await.unwrap().pending, store.endpoint("ep").await.unwrap()) };
    let (pending, found) = timeout(Duration::from_secs(5), looked_at).await.expect("nobody is waited for");
    assert!(found.is_some());
    assert_eq!((pending, writer.is_finished()), (3, false));
    locked.rollback().await.unwrap();
    writer.await.unwrap().unwrap();
    assert_eq!(store.depth().await.unwrap().pending, 4, "what is committed is seen at once");
}

/// What is written into a file that nobody can open any more ends with the process.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_removed_or_replaced_is_not_written_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("webhooks.db");
    let (aside, other) = (folder.path().join("aside.db"), folder.path().join("other.db"));
    let store = SqliteStore::open(&path).await.unwrap();
    SqliteStore::open(&other).await.unwrap().close().await;
    store.enqueue(&messages(1)).await.unwrap();
    std::fs::rename(&path, &aside).unwrap();
    for replaced in [false, true] {
        if replaced {
            std::fs::rename(&other, &path).unwrap();
        }
        let told = [
            store.enqueue(&messages(1)).await.map(drop).unwrap_err(),
            countersign_store::InboxStore::accept(&store, &event("key")).await.map(drop).unwrap_err(),
            store.claim(1, MINUTE).await.map(drop).unwrap_err(),
            store.probe().await.unwrap_err(),
        ];
        for error in told {
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
            let said = format!("{} was removed or replaced while it was open", path.display());
            assert!(error.to_string().contains(&said), "{error}");
        }
    }
    std::fs::rename(&aside, &path).unwrap();
    store.probe().await.unwrap();
    store.enqueue(&messages(1)).await.unwrap();
    assert_eq!(store.messages(&MessageFilter::default(), &Page::default()).await.unwrap().len(), 2);
}
