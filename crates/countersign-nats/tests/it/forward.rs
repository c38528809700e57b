//! Events in a stream.

use std::time::Duration;

use async_nats::jetstream::stream;
use bytes::Bytes;
use countersign_nats::NatsForwarder;
use countersign_store::{Forward, MAX_KEY, StoreErrorKind};

use crate::support::{context, count, event, stream, stream_of, unique, url};

#[tokio::test]
async fn an_event_stands_in_the_stream_byte_for_byte() {
    let Some(url) = url() else { return };
    let prefix = unique("hooks");
    let stream = stream(&context(&url).await, &prefix).await;
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix(&prefix);
    forwarder.forward(&event("acme evt_1")).await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    let subject = format!("{prefix}.stripe.invoice.paid");
    assert_eq!(message.subject.as_str(), subject);
    assert_eq!(&message.payload[..], b"{\"amount\":\xff}\r\n\0");
    let id = format!("{subject} acme%20evt_1");
    let headers = [
        ("Nats-Msg-Id", id.as_str()),
        ("Countersign-Key", "acme%20evt_1"),
        ("Countersign-Source", "stripe"),
        ("Countersign-Accepted-At", "1700000000000000"),
        ("Countersign-Attempt", "2"),
        ("Countersign-Type", "invoice.paid"),
        ("Countersign-Id", "evt_1"),
        ("Countersign-Header-x-shop", "a%20b"),
        ("Countersign-Header-%3Apath", "/in?a=1"),
    ];
    for (name, value) in headers {
        assert_eq!(message.headers.get(name).map(|value| value.as_str()), Some(value), "{name}");
    }
    assert_eq!(message.headers.len(), headers.len());
}

#[tokio::test]
async fn an_event_forwarded_twice_is_stored_once() {
    let Some(url) = url() else { return };
    let prefix = unique("hooks");
    let stream = stream(&context(&url).await, &prefix).await;
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix(&prefix);
    forwarder.forward(&event("one")).await.unwrap();
    forwarder.forward(&event("one")).await.unwrap();
    forwarder.forward(&event("two")).await.unwrap();
    assert_eq!(count(&stream).await, 2);
}

#[tokio::test]
async fn two_inboxes_that_feed_one_stream_lose_nothing_of_each_other() {
    let Some(url) = url() else { return };
    let (billing, shop) = (unique("billing"), unique("shop"));
    let stream = stream_of(&context(&url).await, &[&billing, &shop]).await;
    for prefix in [billing, shop] {
        let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix(prefix);
        forwarder.forward(&event("one")).await.unwrap();
        forwarder.forward(&event("one")).await.unwrap();
    }
    assert_eq!(count(&stream).await, 2);
}

#[tokio::test]
async fn an_event_of_the_longest_texts_is_known_when_it_comes_again() {
    let Some(url) = url() else { return };
    let prefix = unique("hooks");
    let stream = stream(&context(&url).await, &prefix).await;
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix(&prefix);
    let mut longest = event(&"\u{e9}".repeat(MAX_KEY / 2));
    longest.received.event_type = Some("t".repeat(900));
    longest.received.event_id = Some("\u{e9}".repeat(512));
    longest.received.tenant = Some("\u{e9}".repeat(512));
    forwarder.forward(&longest).await.unwrap();
    forwarder.forward(&longest).await.unwrap();
    assert_eq!(count(&stream).await, 1);
}

#[tokio::test]
async fn a_hostile_event_goes_where_its_source_goes() {
    let Some(url) = url() else { return };
    let prefix = unique("hooks");
    let stream = stream(&context(&url).await, &prefix).await;
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix(&prefix);
    let mut hostile = event("evt\r\nNats-Rollup: all");
    hostile.received.source = String::from("a.b >");
    hostile.received.event_type = Some(String::from("..> *\r\nPUB other 0\r\n"));
    hostile.received.event_id = Some(String::from("\r\nNats-Expected-Stream: other"));
    hostile.received.tenant = Some(String::from(" é "));
    forwarder.forward(&hostile).await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    let expected = format!("{prefix}.a%2Eb%20%3E._._.%3E%20%2A%0D%0APUB%20other%200%0D%0A");
    assert_eq!(message.subject.as_str(), expected);
    assert_eq!(message.headers.len(), 10);
}

#[tokio::test]
async fn an_event_without_a_type_is_forwarded() {
    let Some(url) = url() else { return };
    let prefix = unique("hooks");
    let stream = stream(&context(&url).await, &prefix).await;
    let forwarder = NatsForwarder::new(context(&url).await).prefix(&prefix);
    let mut untyped = event("one");
    untyped.received.event_type = None;
    forwarder.forward(&untyped).await.unwrap();
    assert_eq!(stream.get_raw_message(1).await.unwrap().subject.as_str(), format!("{prefix}.stripe._"));
}

#[tokio::test]
async fn a_subject_that_no_stream_takes_is_a_clear_error() {
    let Some(url) = url() else { return };
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix("nobody");
    let error = forwarder.forward(&event("one")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let shown = error.to_string();
    assert!(shown.contains("no JetStream stream takes the subject nobody.stripe.invoice.paid"), "{shown}");
}

#[tokio::test]
async fn an_event_that_nats_can_not_take_is_invalid_and_harms_no_other() {
    let Some(url) = url() else { return };
    let prefix = unique("hooks");
    let stream = stream(&context(&url).await, &prefix).await;
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix(&prefix);
    let mut long_type = event("one");
    long_type.received.event_type = Some("t".repeat(10_000));
    let mut large = event("two");
    large.received.body = Bytes::from(vec![b' '; 1 << 20]);
    for refused in [long_type, large] {
        assert_eq!(forwarder.forward(&refused).await.unwrap_err().kind(), StoreErrorKind::Invalid);
    }
    forwarder.forward(&event("three")).await.unwrap();
    assert_eq!(count(&stream).await, 1);
}

#[tokio::test]
async fn an_event_that_is_too_large_for_its_stream_is_invalid_and_shows_no_body() {
    let Some(url) = url() else { return };
    let prefix = unique("hooks");
    let config = stream::Config {
        name: prefix.clone(),
        subjects: vec![format!("{prefix}.>")],
        max_message_size: 1000,
        ..Default::default()
    };
    context(&url).await.create_stream(config).await.unwrap();
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix(&prefix);
    let mut large = event("one");
    large.received.body = Bytes::from("hush".repeat(500));
    let error = forwarder.forward(&large).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    let shown = error.to_string();
    assert!(shown.contains("message size exceeds maximum allowed") && !shown.contains("hush"), "{shown}");
    forwarder.forward(&event("two")).await.unwrap();
}

#[tokio::test]
async fn a_prefix_that_is_too_long_for_a_subject_is_no_fault_of_an_event() {
    let Some(url) = url() else { return };
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix("p".repeat(2000));
    let error = forwarder.forward(&event("one")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("the subject's prefix and source have 2008 bytes"), "{error}");
}

#[tokio::test]
async fn a_forwarder_shows_no_password() {
    let Some(url) = url() else { return };
    let forwarder = NatsForwarder::connect(&url).await.unwrap().timeout(Duration::from_secs(2));
    assert_eq!(format!("{forwarder:?}"), "NatsForwarder { prefix: \"countersign\", timeout: 2s, .. }");
}
