//! What the store promises beyond the suite that every store passes.

use std::time::Duration;

use countersign_store::{Answer, Claim, IdempotencyStore, Settlement, StoreErrorKind};
use redis::AsyncCommands;

use crate::support::{claimed, plain, store, unique, url};

#[tokio::test]
async fn what_nobody_settles_is_forgotten_a_day_past_its_lease() {
    let Some(url) = url() else { return };
    let prefix = unique("test");
    let store = store(&url).await.prefix(&prefix);
    claimed(&store, "evt", LEASE).await;
    let left: i64 = plain(&url).await.pttl(format!("{prefix}evt")).await.unwrap();
    let day = 24 * 60 * 60 * 1000;
    assert!(left > day && left <= day + 60_000, "{left}");
}

#[tokio::test]
async fn stores_with_different_prefixes_share_nothing() {
    let Some(url) = url() else { return };
    let (one, other) = (store(&url).await, store(&url).await);
    let token = claimed(&one, "evt", LEASE).await;
    claimed(&other, "evt", LEASE).await;
    assert_eq!(one.complete(&token, ANSWER, LEASE).await.unwrap(), Settlement::Settled);
    assert!(matches!(other.claim("evt", LEASE).await.unwrap(), Claim::InFlight { .. }));
}

#[tokio::test]
async fn a_record_of_somebody_else_is_an_error() {
    let Some(url) = url() else { return };
    let prefix = unique("test");
    let store = store(&url).await.prefix(&prefix);
    let mut plain = plain(&url).await;
    for (key, text) in [("empty", ""), ("text", "hello"), ("status", "done 70000")] {
        let () = plain.set(format!("{prefix}{key}"), text).await.unwrap();
        assert_eq!(store.claim(key, LEASE).await.unwrap_err().kind(), StoreErrorKind::Invalid, "{key}");
    }
    let () = plain.lpush(format!("{prefix}list"), "hello").await.unwrap();
    assert_eq!(store.claim("list", LEASE).await.unwrap_err().kind(), StoreErrorKind::Invalid);
}

#[tokio::test]
async fn a_store_shows_no_password() {
    let Some(url) = url() else { return };
    let shown = format!("{:?}", store(&url).await);
    assert!(shown.starts_with("RedisStore { prefix: \"test:") && !shown.contains("127.0.0.1"), "{shown}");
}

const LEASE: Duration = Duration::from_secs(60);

const ANSWER: Answer = Answer { status: 204 };
