//! The server of the tests, and names that no two tests share.

use std::{env, time::Duration};

use countersign_redis::RedisStore;
use countersign_store::{Claim, ClaimToken, Fence, IdempotencyStore, Leased, Received};
use redis::{Client, aio::MultiplexedConnection};

/// The server that `scripts/services` has started.
pub(crate) fn url() -> Option<String> {
    let url = env::var("COUNTERSIGN_TEST_REDIS").ok();
    url.or_else(|| skip("COUNTERSIGN_TEST_REDIS is not set: use scripts/services run"))
}

/// A test that can't run says so; in CI it fails.
pub(crate) fn skip<T>(why: &str) -> Option<T> {
    assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("SKIPPED: {why}");
    None
}

pub(crate) fn unique(what: &str) -> String {
    format!("{what}:{}:", Fence::random().expect("random numbers").as_i64())
}

pub(crate) async fn store(url: &str) -> RedisStore {
    RedisStore::connect(url).await.expect("Redis runs").prefix(unique("test"))
}

pub(crate) async fn plain(url: &str) -> MultiplexedConnection {
    let client = Client::open(url).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("Redis runs")
}

pub(crate) async fn claimed(store: &impl IdempotencyStore, key: &str, lease: Duration) -> ClaimToken {
    match store.claim(key, lease).await.expect("Redis runs") {
        Claim::Claimed(token) => token,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn event(key: &str) -> Leased {
    let mut received = Received::new(key, "stripe", &b"{\"amount\":\xff}\r\n\0"[..]);
    received.event_type = Some(String::from("invoice.paid"));
    received.event_id = Some(String::from("evt_1"));
    received.headers = [("x-shop-domain", "a.example"), (Received::TARGET, "/in?a=1")]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    Leased { id: 7, fence: Fence::from_i64(1), attempt: 2, accepted_at: 1_700_000_000_000_000, received }
}
