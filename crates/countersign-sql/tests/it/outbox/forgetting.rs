//! What is forgotten, and what is not.

use std::time::Duration;

use countersign_store::outbox::{
    DeliveryFilter, DisabledBecause, EndpointState, NewMessage, OutboxStore, Page, Retention,
};

use super::{delivered, endpoint, messages, put};
use crate::support::{Database, HOUR, MINUTE, TestClock};

on_each_database!(
    messages_are_forgotten_a_bounded_number_at_a_time,
    old_messages_are_found_behind_any_number_that_waits,
    a_search_for_old_messages_ends_where_they_are_kept_for_longer,
    an_endpoint_is_deleted_with_any_number_of_deliveries,
    what_an_interrupted_deletion_leaves_over_is_forgotten,
);

const DAY: Duration = Duration::from_secs(86_400);

/// Messages that no endpoint of these tests wants.
fn unwanted(count: usize) -> Vec<NewMessage> {
    vec![NewMessage::new("nobody.wants", "{}"); count]
}

async fn messages_are_forgotten_a_bounded_number_at_a_time<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    store.enqueue(&unwanted(2_100)).await.unwrap();
    let keep = Retention { age: HOUR, messages: 100 };
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        forgotten.push(store.prune_outbox(&keep).await.unwrap());
    }
    assert_eq!(forgotten, [1_000, 1_000, 0, 0]);
    clock.ahead(HOUR + MINUTE);
    assert_eq!(store.prune_outbox(&keep).await.unwrap(), 100);
}

/// All were enqueued at one moment, as a batch is.
async fn old_messages_are_found_behind_any_number_that_waits<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    let mut endpoint = endpoint("ep");
    endpoint.events = vec!["invoice.paid".to_owned()];
    endpoint.state = EndpointState::Disabled(DisabledBecause::Operator);
    put(&store, &[endpoint]).await;
    store.enqueue(&[messages(12_000), unwanted(1_200)].concat()).await.unwrap();
    clock.ahead(40 * DAY);
    let mut forgotten = Vec::new();
    for _ in 0..3 {
        forgotten.push(store.prune_outbox(&Retention::default()).await.unwrap());
    }
    assert_eq!(forgotten, [1_000, 200, 0]);
    assert_eq!(store.depth().await.unwrap().pending, 12_000);
}

async fn a_search_for_old_messages_ends_where_they_are_kept_for_longer<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    store.enqueue(&unwanted(1_500)).await.unwrap();
    clock.ahead(2 * DAY);
    let keep = |age| Retention { age, messages: u64::MAX };
    assert_eq!(store.prune_outbox(&keep(DAY)).await.unwrap(), 1_000);
    assert_eq!(store.prune_outbox(&keep(3 * DAY)).await.unwrap(), 0);
    assert_eq!(store.prune_outbox(&keep(DAY)).await.unwrap(), 500);
}

async fn an_endpoint_is_deleted_with_any_number_of_deliveries<D: Database>(database: &D) {
    let store = database.store();
    let mut greedy = endpoint("greedy");
    greedy.limits.in_flight = 3_000;
    put(&store, &[greedy, endpoint("kept")]).await;
    store.enqueue(&messages(2_200)).await.unwrap();
    let claimed = store.claim(1_500, MINUTE).await.unwrap();
    let settled: Vec<_> = claimed.iter().map(delivered).collect();
    assert!(!store.settle(&settled).await.unwrap().is_empty());
    let (deleted, kept): (Vec<_>, Vec<_>) =
        claimed.iter().partition(|claimed| claimed.endpoint.id == "greedy");
    assert!(deleted.len() > 1_000);
    assert!(store.delete_endpoint("greedy").await.unwrap());
    assert_eq!(store.count(&DeliveryFilter::default()).await.unwrap(), 2_200);
    for (claimed, attempts) in [(&deleted, 0), (&kept, 1)] {
        let page = Page::default();
        assert_eq!(store.attempts(claimed[0].id, &page).await.unwrap().len(), attempts);
        assert_eq!(store.attempts(claimed[claimed.len() - 1].id, &page).await.unwrap().len(), attempts);
    }
    assert!(!store.delete_endpoint("greedy").await.unwrap());
}

/// An endpoint is gone before its deliveries are, which go in steps.
async fn what_an_interrupted_deletion_leaves_over_is_forgotten<D: Database>(database: &D) {
    let store = database.store();
    put(&store, &[endpoint("ep")]).await;
    store.enqueue(&messages(20_000)).await.unwrap();
    let deleting = store.clone();
    let deleting = tokio::spawn(async move { deleting.delete_endpoint("ep").await });
    while store.endpoint("ep").await.unwrap().is_some() {}
    deleting.abort();
    assert!(deleting.await.unwrap_err().is_cancelled());
    let mut left = store.count(&DeliveryFilter::default()).await.unwrap();
    assert!(left > 0);
    for _ in 0..100 {
        store.prune_outbox(&Retention::default()).await.unwrap();
        left = store.count(&DeliveryFilter::default()).await.unwrap();
    }
    assert_eq!(left, 0);
}

#[cfg(feature = "sqlite")]
mod of_sqlite {
    use super::*;

    /// As where the process ends between two steps.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_deliveries_of_an_endpoint_that_was_half_deleted_are_forgotten() {
        let fresh = crate::sqlite::Fresh::new().await;
        let store = fresh.store();
        put(&store, &[endpoint("a"), endpoint("deleted"), endpoint("z")]).await;
        store.enqueue(&messages(1_200)).await.unwrap();
        let half = "DELETE FROM countersign_endpoints WHERE id = 'deleted'";
        sqlx::query(half).execute(&fresh.pool().await).await.unwrap();
        for forgotten in [1_000, 200, 0] {
            assert_eq!(store.prune_outbox(&Retention::default()).await.unwrap(), forgotten);
        }
        assert_eq!(store.count(&DeliveryFilter::default()).await.unwrap(), 2_400);
    }

    /// Where there are many endpoints, a call looks at some of them.
    #[tokio::test(flavor = "multi_thread")]
    async fn an_endpoint_that_was_half_deleted_is_found_among_any_number() {
        let fresh = crate::sqlite::Fresh::new().await;
        let store = fresh.store();
        let pool = fresh.pool().await;
        let deliveries = "
            WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 2500)
            INSERT INTO countersign_deliveries
                (message_id, endpoint_id, kind, state, due_at, attempts, step, asked_for, created_at)
            SELECT 'msg', 'ep' || number, 'k', 'pending', 1, 0, 0, 0, 1 FROM numbers";
        put(&store, &[endpoint("ep1")]).await;
        sqlx::query(deliveries).execute(&pool).await.unwrap();
        let endpoints = "
            INSERT INTO countersign_endpoints
                (id, name, url, state, events, channels, in_flight, settings, created_at, failures, revision)
            SELECT endpoint_id, '', '', 'enabled', '[]', '[]', 1, settings, 1, 0, 1
            FROM countersign_deliveries AS delivery, countersign_endpoints AS like
            WHERE endpoint_id NOT IN ('ep1', 'ep7', 'ep999')";
        sqlx::query(endpoints).execute(&pool).await.unwrap();
        let mut forgotten = Vec::new();
        for _ in 0..4 {
            forgotten.push(store.prune_outbox(&Retention::default()).await.unwrap());
        }
        // By their names, ep7 and ep999 are both among the last.
        assert_eq!(forgotten, [0, 0, 2, 0]);
    }
}

#[cfg(feature = "postgres")]
mod of_postgres {
    use countersign_sql::PgStore;
    use countersign_store::{
        StoreError,
        outbox::{DeliveryState, SettleDelivery, Verdict},
    };
    use tokio::time::sleep;

    use super::*;
    use crate::postgres::Fresh;

    /// How long others are given to come to where they wait.
    const MOMENT: Duration = Duration::from_millis(300);
    const NOTHING: Retention = Retention { age: Duration::ZERO, messages: 0 };

    async fn rows(fresh: &Fresh) -> (i64, i64, i64) {
        let rows = "
            SELECT (SELECT count(*) FROM countersign_messages), (SELECT count(*) FROM countersign_deliveries),
                (SELECT count(*) FROM countersign_attempts)";
        sqlx::query_as(rows).fetch_one(&fresh.pool).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_enqueued_while_its_endpoint_was_deleted_is_forgotten() {
        let Some(fresh) = Fresh::new().await else { return };
        let clock = TestClock::new();
        let store = fresh.at(&clock);
        put(&store, &[endpoint("ep"), endpoint("kept")]).await;
        let mut transaction = fresh.pool.begin().await.unwrap();
        store.enqueue_in(&mut transaction, &messages(1)).await.unwrap();
        assert!(store.delete_endpoint("ep").await.unwrap());
        transaction.commit().await.unwrap();
        clock.ahead(MINUTE);
        assert_eq!(store.prune_outbox(&NOTHING).await.unwrap(), 1);
        assert_eq!((store.depth().await.unwrap().pending, rows(&fresh).await), (1, (1, 1, 0)));
        let _ = store.settle(&[delivered(&store.claim(1, MINUTE).await.unwrap()[0])]).await.unwrap();
        assert_eq!(store.prune_outbox(&NOTHING).await.unwrap(), 1);
        assert_eq!(rows(&fresh).await, (0, 0, 0));
        fresh.drop().await;
    }

    /// Runs `forget` while a delivery is being settled that it is to forget.
    async fn while_it_is_settled<F>(fresh: &Fresh, forget: impl FnOnce(PgStore) -> F)
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let store = fresh.store();
        let (mut endpoint, mut message) = (endpoint("ep"), messages(1).remove(0));
        (endpoint.tenant, message.tenant) = (Some("acme".to_owned()), Some("acme".to_owned()));
        put(&store, &[endpoint]).await;
        store.enqueue(&[message]).await.unwrap();
        let settle = delivered(&store.claim(1, MINUTE).await.unwrap()[0]);
        // As another settlement of the endpoint does.
        let mut holds_up = fresh.pool.begin().await.unwrap();
        let endpoint = sqlx::query("SELECT FROM countersign_endpoints WHERE id = 'ep' FOR UPDATE");
        endpoint.execute(&mut *holds_up).await.unwrap();
        let settling = store.clone();
        let settling = tokio::spawn(async move { settling.settle(&[settle]).await });
        sleep(MOMENT).await;
        let forgetting = tokio::spawn(forget(store));
        sleep(MOMENT).await;
        holds_up.rollback().await.unwrap();
        let _ = settling.await.unwrap().unwrap();
        forgetting.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_attempt_that_is_settled_while_its_endpoint_is_deleted_is_forgotten() {
        let Some(fresh) = Fresh::new().await else { return };
        let delete = |store: PgStore| async move { store.delete_endpoint("ep").await.map(drop) };
        while_it_is_settled(&fresh, delete).await;
        while fresh.store().prune_outbox(&NOTHING).await.unwrap() > 0 {}
        assert_eq!(rows(&fresh).await, (0, 0, 0));
        fresh.drop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_attempt_that_is_settled_while_its_tenant_is_forgotten_is_forgotten() {
        let Some(fresh) = Fresh::new().await else { return };
        let forget = |store: PgStore| async move {
            while store.tenant("acme").await?.is_some() {
                store.forget_tenant("acme").await?;
            }
            Ok(())
        };
        while_it_is_settled(&fresh, forget).await;
        assert_eq!(rows(&fresh).await, (0, 0, 0));
        fresh.drop().await;
    }

    /// Whichever of the two comes first: what was said to be sent again is sent.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_sent_again_while_it_is_pruned_is_kept_or_not_counted() {
        let Some(fresh) = Fresh::new().await else { return };
        for held_up in ["countersign_attempts", "countersign_deliveries", "countersign_messages"] {
            let clock = TestClock::new();
            let store = fresh.at(&clock);
            put(&store, &[endpoint("ep")]).await;
            store.enqueue(&messages(1)).await.unwrap();
            let settled = delivered(&store.claim(1, MINUTE).await.unwrap()[0]);
            let _ = store.settle(&[SettleDelivery { verdict: Verdict::Dead, ..settled }]).await.unwrap();
            clock.ahead(40 * DAY);
            let mut holds_up = fresh.pool.begin().await.unwrap();
            let rows = sqlx::AssertSqlSafe(format!("SELECT FROM {held_up} FOR KEY SHARE"));
            sqlx::query(rows).execute(&mut *holds_up).await.unwrap();
            let pruning = store.clone();
            let pruning = tokio::spawn(async move { pruning.prune_outbox(&Retention::default()).await });
            sleep(MOMENT).await;
            let mut dead = DeliveryFilter::default();
            dead.state = Some(DeliveryState::Dead);
            let redelivering = store.clone();
            let redelivering = tokio::spawn(async move { redelivering.redeliver(&dead, 10).await });
            sleep(MOMENT).await;
            holds_up.rollback().await.unwrap();
            pruning.await.unwrap().unwrap();
            let redelivered = redelivering.await.unwrap().unwrap().count;
            assert_eq!(store.depth().await.unwrap().pending, redelivered, "{held_up}");
            assert!(store.delete_endpoint("ep").await.unwrap());
        }
        fresh.drop().await;
    }
}
