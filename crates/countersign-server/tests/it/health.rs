//! A store that can't be reached.

use std::{sync::atomic::Ordering, time::Duration};

use axum::{Router, http::StatusCode};
use countersign_dispatch::Outbox;
use countersign_server::{ApiKey, Server};
use countersign_store::{
    Settlement, StoreError,
    api_keys::{ApiKeyStore, StoredKey},
    outbox::{
        Activity, ActivityFilter, Attempt, Claimed, Delivery, DeliveryFilter, Depth, Endpoint, EndpointState,
        Enqueued, HealthChange, Message, MessageFilter, NewMessage, OutboxStore, Page, Redelivered,
        Retention, SettleDelivery, Tenant, TenantFilter,
    },
};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    carried::Late,
    support::{access, api, request, send},
};

#[tokio::test]
async fn a_server_is_healthy_and_ready() {
    let api = api();
    for (path, status) in [("/health", "ok"), ("/ready", "ready")] {
        let answer = api.get("", path).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "status": status })));
    }
}

#[tokio::test]
async fn without_its_store_a_server_is_healthy_and_not_ready() {
    let (router, _) = broken();
    assert_eq!(send(&router, request("", "GET", "/health", None)).await.status, StatusCode::OK);
    let answer = send(&router, request("", "GET", "/ready", None)).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
}

/// Nobody has to have a key to ask.
#[tokio::test(start_paused = true)]
async fn adv_99_however_many_ask_whether_it_is_ready_the_store_is_asked_once_a_second() {
    for (probing, status) in [(0, StatusCode::OK), (20, StatusCode::SERVICE_UNAVAILABLE)] {
        let store = Late::probing_for(Duration::from_secs(probing));
        let probed = store.probed.clone();
        let router = Server::new(Outbox::new(store), access().0).router();
        for probes in 1..4 {
            let asked = Instant::now();
            let answers = join_all((0..100).map(|_| send(&router, request("", "GET", "/ready", None)))).await;
            assert!(answers.iter().all(|answer| answer.status == status));
            assert_eq!(asked.elapsed(), Duration::from_secs(if probing > 0 { 2 } else { 0 }));
            assert_eq!(probed.load(Ordering::SeqCst), probes);
            sleep(Duration::from_secs(probing.max(1))).await;
        }
    }
}

/// One that never answers is asked again: it may be a connection that was lost without a word.
#[tokio::test(start_paused = true)]
async fn a_probe_that_is_never_answered_is_given_up() {
    let store = Late::probing_for(Duration::MAX);
    let probed = store.probed.clone();
    let router = Server::new(Outbox::new(store), access().0).router();
    let ready = async || send(&router, request("", "GET", "/ready", None)).await.status;
    for probes in 1..4 {
        assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(probed.load(Ordering::SeqCst), probes);
        sleep(Duration::from_secs(30)).await;
    }
}

#[tokio::test]
async fn without_its_store_every_operation_says_when_to_come_back_and_not_why() {
    let (router, key) = broken();
    let operations = [
        ("GET", "endpoints", None),
        ("POST", "endpoints", Some(json!({ "url": "https://example.com/" }))),
        ("GET", "endpoints/ep_1", None),
        ("DELETE", "endpoints/ep_1", None),
        ("GET", "messages", None),
        ("POST", "messages", Some(json!({ "type": "x", "payload": {} }))),
        ("GET", "messages/msg_1", None),
        ("GET", "deliveries", None),
        ("GET", "deliveries/1", None),
        ("GET", "deliveries/1/attempts", None),
        ("POST", "deliveries/1/redeliver", None),
        ("POST", "deliveries/1/cancel", None),
        ("GET", "cancellations/count?message=x", None),
        ("POST", "cancellations", Some(json!({ "filter": { "message": "x" } }))),
        ("GET", "replays/count?message=x", None),
        ("POST", "replays", Some(json!({ "filter": { "message": "x" } }))),
        ("GET", "stats", None),
        ("GET", "stats/activity", None),
        ("GET", "keys", None),
        ("POST", "keys", Some(json!({ "label": "x", "scope": "admin" }))),
        ("DELETE", "keys/key_1", None),
    ];
    for (method, path, body) in operations {
        let answer = send(&router, request(&key, method, &format!("/api/v1/{path}"), body)).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        );
        assert_eq!(answer.header("retry-after"), "1", "{method} {path}");
        assert!(!answer.text.contains(CAUSE), "{method} {path}");
    }
}

#[tokio::test]
async fn adv_98_without_its_store_a_server_lets_in_by_its_configuration_alone() {
    let (router, key) = broken();
    let ask = async |key: &str| send(&router, request(key, "GET", "/api/v1/event-types", None)).await;
    assert_eq!(ask(&key).await.status, StatusCode::OK);
    let unknown = ask(ApiKey::generate().unwrap().expose()).await;
    assert_eq!((unknown.status, &*unknown.problem()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert!(!unknown.text.contains(CAUSE));
    // What can't be a key isn't asked for.
    for text in ["", "csk_", "csk_secret", &"x".repeat(47), &key[1..]] {
        assert_eq!(ask(text).await.status, StatusCode::UNAUTHORIZED, "{text}");
    }
}

const CAUSE: &str = "no route to db.internal";

pub(crate) fn broken() -> (Router, String) {
    let (access, keys) = access();
    (Server::new(Outbox::new(Broken), access).stored_keys().router(), keys.admin)
}

/// A store that can't be reached.
struct Broken;

fn error<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable(CAUSE))
}

impl OutboxStore for Broken {
    async fn put_endpoint(&self, _: &Endpoint) -> Result<(), StoreError> {
        error()
    }

    async fn put_endpoint_if_unchanged(&self, _: &Endpoint) -> Result<(), StoreError> {
        error()
    }

    async fn endpoint(&self, _: &str) -> Result<Option<Endpoint>, StoreError> {
        error()
    }

    async fn endpoints(&self, _: &TenantFilter, _: &Page) -> Result<Vec<Endpoint>, StoreError> {
        error()
    }

    async fn any_secret_begins(&self, _: &str) -> Result<bool, StoreError> {
        error()
    }

    async fn delete_endpoint(&self, _: &str) -> Result<bool, StoreError> {
        error()
    }

    async fn set_state(&self, _: &str, _: EndpointState) -> Result<bool, StoreError> {
        error()
    }

    async fn enqueue(&self, _: &[NewMessage]) -> Result<Vec<Enqueued>, StoreError> {
        error()
    }

    async fn message(&self, _: &str) -> Result<Option<Message>, StoreError> {
        error()
    }

    async fn messages(&self, _: &MessageFilter, _: &Page) -> Result<Vec<Message>, StoreError> {
        error()
    }

    async fn claim(&self, _: u32, _: Duration) -> Result<Vec<Claimed>, StoreError> {
        error()
    }

    async fn settle(&self, _: &[SettleDelivery]) -> Result<Vec<Settlement>, StoreError> {
        error()
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        error()
    }

    async fn turn_failure_clocks(&self, _: Duration, _: Duration) -> Result<Vec<HealthChange>, StoreError> {
        error()
    }

    async fn deliveries(&self, _: &DeliveryFilter, _: &Page) -> Result<Vec<Delivery>, StoreError> {
        error()
    }

    async fn count(&self, _: &DeliveryFilter) -> Result<u64, StoreError> {
        error()
    }

    async fn attempts(&self, _: i64, _: &Page) -> Result<Vec<Attempt>, StoreError> {
        error()
    }

    async fn redeliver(&self, _: &DeliveryFilter, _: u32) -> Result<Redelivered, StoreError> {
        error()
    }

    async fn cancel(&self, _: &DeliveryFilter, _: u32) -> Result<u64, StoreError> {
        error()
    }

    async fn probe(&self) -> Result<(), StoreError> {
        error()
    }

    async fn depth(&self) -> Result<Depth, StoreError> {
        error()
    }

    async fn activity(&self, _: &ActivityFilter) -> Result<Vec<Activity>, StoreError> {
        error()
    }

    async fn tenants(&self, _: &Page) -> Result<Vec<Tenant>, StoreError> {
        error()
    }

    async fn tenant(&self, _: &str) -> Result<Option<Tenant>, StoreError> {
        error()
    }

    async fn forget_tenant(&self, _: &str) -> Result<u64, StoreError> {
        error()
    }

    async fn prune_outbox(&self, _: &Retention) -> Result<u64, StoreError> {
        error()
    }
}

impl ApiKeyStore for Broken {
    async fn add_api_key(&self, _: &StoredKey) -> Result<bool, StoreError> {
        error()
    }

    async fn api_key(&self, _: &[u8; 32]) -> Result<Option<StoredKey>, StoreError> {
        error()
    }

    async fn api_key_by_id(&self, _: &str) -> Result<Option<StoredKey>, StoreError> {
        error()
    }

    async fn api_keys(&self, _: &Page) -> Result<Vec<StoredKey>, StoreError> {
        error()
    }

    async fn remove_api_key(&self, _: &str) -> Result<bool, StoreError> {
        error()
    }
}
