//! Events in a Redis stream.

use std::{collections::HashMap, time::Duration};

use countersign_redis::RedisStreamForwarder;
use countersign_store::{Forward, StoreErrorKind};
use redis::{AsyncCommands, cmd};
use tokio::net::TcpListener;

use crate::support::{event, plain, unique, url};

#[tokio::test]
async fn an_event_stands_in_the_stream_byte_for_byte() {
    let Some(url) = url() else { return };
    let stream = unique("events");
    let forwarder = RedisStreamForwarder::connect(&url, &stream).await.unwrap();
    forwarder.forward(&event("key 1")).await.unwrap();
    let entries = entries(&url, &stream).await;
    let expected = [
        ("key", &b"key 1"[..]),
        ("source", b"stripe"),
        ("accepted_at", b"1700000000000000"),
        ("attempt", b"2"),
        ("type", b"invoice.paid"),
        ("id", b"evt_1"),
        ("header:x-shop-domain", b"a.example"),
        ("header::path", b"/in?a=1"),
        ("body", b"{\"amount\":\xff}\r\n\0"),
    ];
    let expected: HashMap<_, _> =
        expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    assert_eq!(entries, [expected]);
}

#[tokio::test]
async fn an_event_forwarded_twice_has_one_key() {
    let Some(url) = url() else { return };
    let stream = unique("events");
    let forwarder = RedisStreamForwarder::connect(&url, &stream).await.unwrap();
    forwarder.forward(&event("key 1")).await.unwrap();
    forwarder.forward(&event("key 1")).await.unwrap();
    let keys: Vec<_> = entries(&url, &stream).await.iter().map(|entry| entry["key"].clone()).collect();
    assert_eq!(keys, [b"key 1", b"key 1"]);
}

#[tokio::test]
async fn a_stream_with_a_limit_does_not_grow_past_it_for_long() {
    let Some(url) = url() else { return };
    let stream = unique("events");
    let forwarder = RedisStreamForwarder::connect(&url, &stream).await.unwrap().max_len(100);
    for number in 0..500 {
        forwarder.forward(&event(&number.to_string())).await.unwrap();
    }
    let length: usize = cmd("XLEN").arg(&stream).query_async(&mut plain(&url).await).await.unwrap();
    assert!((100..=300).contains(&length), "{length}");
}

#[tokio::test]
async fn an_event_that_no_replica_has_is_not_confirmed() {
    let Some(url) = url() else { return };
    let forwarder = RedisStreamForwarder::connect(&url, unique("events")).await.unwrap();
    let forwarder = forwarder.replicas(1).timeout(Duration::from_millis(100));
    let error = forwarder.forward(&event("key 1")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().ends_with("0 of 1 replicas have the event"), "{error}");
}

#[tokio::test]
async fn a_name_that_is_no_stream_is_no_fault_of_an_event() {
    let Some(url) = url() else { return };
    let name = unique("events");
    let () = plain(&url).await.set(&name, "hello").await.unwrap();
    let forwarder = RedisStreamForwarder::connect(&url, name).await.unwrap();
    let error = forwarder.forward(&event("key 1")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_down_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = RedisStreamForwarder::connect(&url, "events").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

async fn entries(url: &str, stream: &str) -> Vec<HashMap<String, Vec<u8>>> {
    let mut plain = plain(url).await;
    let read: Vec<(String, HashMap<String, Vec<u8>>)> =
        cmd("XRANGE").arg(stream).arg("-").arg("+").query_async(&mut plain).await.unwrap();
    read.into_iter().map(|(_, fields)| fields).collect()
}
