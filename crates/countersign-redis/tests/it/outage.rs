//! Redis that can't be reached, hangs, or comes back.

use std::time::{Duration, Instant};

use countersign_redis::RedisStore;
use countersign_store::{Claim, IdempotencyStore, StoreErrorKind};
use redis::{
    Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{net::TcpListener, time::sleep};

use crate::{
    proxy::{Line, Proxy},
    support::{claimed, unique, url},
};

#[tokio::test]
async fn a_refused_connection_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    drop(listener);
    let begun = Instant::now();
    assert_eq!(RedisStore::connect(&url).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(6));
    assert_unavailable_in_time(&lazy(&url)).await;
}

#[tokio::test]
async fn a_listener_that_never_answers_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    assert_unavailable_in_time(&lazy(&url)).await;
    let begun = Instant::now();
    assert_eq!(RedisStore::connect(&url).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn what_is_no_url_is_invalid() {
    let error = RedisStore::connect("http://user:hunter2@127.0.0.1").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_connection_that_hangs_is_an_error_in_time_and_works_again_once_it_answers() {
    let Some(url) = url() else { return };
    let proxy = Proxy::start(&url).await;
    let store = proxied(&proxy).await;
    claimed(&store, "before", LEASE).await;
    proxy.set(Line::Silent);
    assert_unavailable_in_time(&store).await;
    proxy.set(Line::Open);
    claimed_at_last(&store).await;
    assert!(matches!(store.claim("before", LEASE).await.unwrap(), Claim::InFlight { .. }));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_made_again() {
    let Some(url) = url() else { return };
    let proxy = Proxy::start(&url).await;
    let store = proxied(&proxy).await;
    claimed(&store, "before", LEASE).await;
    proxy.set(Line::Cut);
    assert_unavailable_in_time(&store).await;
    proxy.set(Line::Open);
    claimed_at_last(&store).await;
    assert!(matches!(store.claim("before", LEASE).await.unwrap(), Claim::InFlight { .. }));
}

/// As behind a balancer that has forgotten the connection, and takes all that is sent to it.
#[tokio::test]
async fn a_connection_over_which_nothing_is_answered_any_more_is_made_again() {
    let Some(url) = url() else { return };
    let proxy = Proxy::start(&url).await;
    let store = proxied(&proxy).await;
    claimed(&store, "before", LEASE).await;
    proxy.set(Line::OpenToNew);
    assert_unavailable_in_time(&store).await;
    claimed_at_last(&store).await;
    assert!(matches!(store.claim("before", LEASE).await.unwrap(), Claim::InFlight { .. }));
}

async fn assert_unavailable_in_time(store: &impl IdempotencyStore) {
    let begun = Instant::now();
    let error = store.claim("evt", LEASE).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(begun.elapsed() < TIMEOUT + Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// A claim whose answer was lost may have been made, so each attempt has a key of its own.
async fn claimed_at_last(store: &RedisStore) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.claim(&unique("after"), LEASE).await.is_err() {
        assert!(Instant::now() < deadline, "the store works again");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A store whose connection is made at the first claim.
fn lazy(url: &str) -> RedisStore<ConnectionManager> {
    let client = Client::open(url).unwrap();
    let config = ConnectionManagerConfig::new();
    RedisStore::new(client.get_connection_manager_lazy(config).unwrap()).timeout(TIMEOUT)
}

async fn proxied(proxy: &Proxy) -> RedisStore {
    RedisStore::connect(&proxy.url).await.unwrap().prefix(unique("test")).timeout(TIMEOUT)
}

const TIMEOUT: Duration = Duration::from_millis(300);

const LEASE: Duration = Duration::from_secs(60);
