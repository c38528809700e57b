//! How SQLite finds what an operator looks for: by an index, or in the order of numbers, of which a page reads the
//! first.

use countersign_store::outbox::{DeliveryFilter, DeliveryState, MessageFilter, TenantFilter};
use sqlx::{AssertSqlSafe, Sqlite};

use super::{
    Conditions, FORGET_DELIVERIES, FORGET_MESSAGES, GIVE_BACK_CLAIMED, STILL_SETTLED, SqliteStore, attempt,
    due, filter, forget, statements, tenant,
};
use crate::api_keys;

/// What SQLite will do, step by step.
async fn plan(store: &SqliteStore, sql: &str) -> Vec<String> {
    let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explained).fetch_all(&store.pool).await.unwrap();
    steps.into_iter().map(|(.., step)| step).collect()
}

/// Checks that no step reads a whole table, nor sorts rows before the first is given.
async fn is_found(store: &SqliteStore, sql: &str) {
    let plan = plan(store, sql).await;
    assert!(!plan.iter().any(|step| is_whole(step)), "{sql}\n{plan:#?}");
    is_in_order(&plan, sql);
}

fn is_whole(step: &str) -> bool {
    step.starts_with("SCAN countersign_") && !step.contains("USING")
}

fn is_in_order(plan: &[String], sql: &str) {
    assert!(!plan.iter().any(|step| step.contains("ORDER BY")), "{sql}\n{plan:#?}");
}

async fn store() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap();
    (folder, store)
}

fn deliveries(change: impl FnOnce(&mut DeliveryFilter)) -> DeliveryFilter {
    let mut filter = DeliveryFilter::default();
    change(&mut filter);
    filter
}

/// A page of deliveries, and how many there are.
fn statements(asked: &DeliveryFilter) -> [String; 2] {
    let conditions = |begin| Conditions::<Sqlite>::new(begin).deliveries(asked);
    let page = conditions(statements::DELIVERIES).limit(filter::newest_first(asked.state), 51);
    let count = conditions(statements::COUNT).sql;
    [page, count].map(|built| built.sql().as_str().to_owned())
}

#[tokio::test]
async fn deliveries_are_found_by_an_index() {
    let (_folder, store) = store().await;
    let (text, tenant) = (|| Some("x".to_owned()), TenantFilter::Is("x".to_owned()));
    let states = [DeliveryState::Delivered, DeliveryState::Dead, DeliveryState::Cancelled];
    let mut filters = vec![
        deliveries(|filter| filter.id = Some(7)),
        deliveries(|filter| filter.endpoint_id = text()),
        deliveries(|filter| filter.message_id = text()),
        deliveries(|filter| filter.event_type = text()),
        deliveries(|filter| filter.tenant = tenant),
    ];
    for state in states {
        filters.push(deliveries(|filter| (filter.endpoint_id, filter.state) = (text(), Some(state))));
        filters.push(deliveries(|filter| (filter.event_type, filter.state) = (text(), Some(state))));
    }
    for state in [DeliveryState::Dead, DeliveryState::Cancelled] {
        filters.push(deliveries(|filter| filter.state = Some(state)));
    }
    for filter in &filters {
        for sql in statements(filter) {
            is_found(&store, &sql).await;
        }
    }
}

/// Of all that an endpoint or a tenant was sent only what was given up or cancelled is read.
#[tokio::test]
async fn the_few_that_were_not_delivered_are_read_alone() {
    let (_folder, store) = store().await;
    for (state, name) in [(DeliveryState::Dead, "dead"), (DeliveryState::Cancelled, "cancelled")] {
        let of_endpoint = deliveries(|filter| filter.endpoint_id = Some("x".to_owned()));
        let of_tenant = deliveries(|filter| filter.tenant = TenantFilter::Is("x".to_owned()));
        for (mut filter, whose) in [(of_endpoint, "endpoint"), (of_tenant, "tenant")] {
            filter.state = Some(state);
            for sql in statements(&filter) {
                let plan = plan(&store, &sql).await;
                assert!(plan[0].contains(&format!("deliveries_{name}_by_{whose} ")), "{sql}\n{plan:#?}");
                is_in_order(&plan, &sql);
            }
        }
    }
}

/// Of an endpoint for which many wait a step reads those that it cancels, and of a message its own.
#[tokio::test]
async fn what_is_cancelled_is_found_by_an_index() {
    let (_folder, store) = store().await;
    let of_endpoint = deliveries(|filter| filter.endpoint_id = Some("x".to_owned()));
    let of_message = deliveries(|filter| filter.message_id = Some("x".to_owned()));
    for (filter, index) in [(&of_endpoint, "deliveries_due"), (&of_message, "deliveries_by_message")] {
        let those = Conditions::<Sqlite>::new(statements::CANCEL_THOSE).deliveries(filter);
        let sql = those.waiting(0, 1_000).sql().as_str().to_owned() + ")";
        let plan = plan(&store, &sql).await;
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:#?}");
        assert!(!plan.iter().any(|step| is_whole(step)), "{plan:#?}");
        if filter.endpoint_id.is_some() {
            is_in_order(&plan, &sql);
        }
    }
}

#[tokio::test]
async fn the_few_that_are_leased_are_read_alone() {
    let (_folder, store) = store().await;
    for sql in statements(&deliveries(|filter| filter.state = Some(DeliveryState::Leased))) {
        let plan = plan(&store, &sql).await;
        for part in ["USING", "countersign_deliveries_leased"] {
            assert!(plan[0].contains(part), "{plan:#?}");
        }
    }
}

#[tokio::test]
async fn messages_are_found_by_an_index() {
    let (_folder, store) = store().await;
    for by_kind in [true, false] {
        let mut filter = MessageFilter::default();
        match by_kind {
            true => filter.event_type = Some("x".to_owned()),
            false => filter.tenant = TenantFilter::Is("x".to_owned()),
        }
        let conditions = Conditions::<Sqlite>::new(statements::MESSAGES).messages(&filter);
        is_found(&store, conditions.limit(" ORDER BY seq DESC", 51).sql().as_str()).await;
    }
    is_found(&store, statements::MESSAGE).await;
}

/// What has no condition but time is read in the order of numbers: the newest come first, and a page ends it.
#[tokio::test]
async fn the_newest_are_read_in_their_order() {
    let (_folder, store) = store().await;
    let mut messages = MessageFilter::default();
    for from in [None, Some(1)] {
        messages.from = from;
        let [page, _] = statements(&deliveries(|filter| filter.from = from));
        let messages = Conditions::<Sqlite>::new(statements::MESSAGES).messages(&messages);
        for sql in [&*page, messages.limit(" ORDER BY seq DESC", 51).sql().as_str()] {
            is_in_order(&plan(&store, sql).await, sql);
        }
    }
}

/// Each request that carries a stored key asks for its digest.
#[tokio::test]
async fn api_keys_are_found_by_an_index() {
    let (_folder, store) = store().await;
    is_found(&store, api_keys::BY_DIGEST).await;
    let mut page = Conditions::<Sqlite>::new(api_keys::ALL);
    page.text("id >", Some("x"));
    is_found(&store, page.limit(" ORDER BY id", 51).sql().as_str()).await;
}

/// The first name behind another is found by an index, and what is known of each; the names themselves are sorted.
#[tokio::test]
async fn tenants_are_found_by_an_index() {
    let (_folder, store) = store().await;
    for sql in [tenant::FIRST_PAGE, tenant::PAGE_BEHIND] {
        let plan = plan(&store, sql).await;
        assert!(!plan.iter().any(|step| is_whole(step)), "{sql}\n{plan:#?}");
    }
    is_found(&store, tenant::ONE).await;
    is_found(&store, tenant::some_messages!()).await;
    is_found(&store, tenant::DELETE_ENDPOINTS).await;
}

/// What is looked for each minute, and where nothing is found, too.
#[tokio::test]
async fn what_can_be_forgotten_is_found_by_an_index() {
    let (_folder, store) = store().await;
    for sql in [forget::END_OF_LOOK, forget::OLD, forget::some_deliveries!(), STILL_SETTLED] {
        is_found(&store, sql).await;
    }
    for sql in FORGET_MESSAGES.iter().chain(&FORGET_DELIVERIES) {
        is_found(&store, sql).await;
    }
    for sql in [forget::GONE, forget::BEYOND] {
        let plan = plan(&store, sql).await;
        assert!(!plan.iter().any(|step| is_whole(step)), "{sql}\n{plan:#?}");
    }
}

#[tokio::test]
async fn attempts_and_what_waits_are_found_by_an_index() {
    let (_folder, store) = store().await;
    is_found(&store, attempt::SELECT).await;
    is_found(&store, GIVE_BACK_CLAIMED).await;
    is_found(&store, due::FREE).await;
    is_found(&store, due::BUSY).await;
    let activity = format!("SELECT (at - 0) / 1{} WHERE at >= 0 AND at < 9 GROUP BY 1", statements::ACTIVITY);
    let counted = plan(&store, &activity).await;
    assert!(counted[0].contains("USING COVERING INDEX countersign_attempts_by_time"), "{counted:#?}");
    let depth = plan(&store, statements::DEPTH).await;
    assert!(!depth.iter().any(|step| is_whole(step)), "{depth:#?}");
}
