//! Events in a queue.

use std::{collections::BTreeSet, time::Duration};

use amqprs::{DELIVERY_MODE_PERSISTENT, FieldTable, FieldValue};
use bytes::Bytes;
use countersign_rabbitmq::RabbitMqForwarder;
use countersign_store::{Forward, Leased, MAX_KEY, StoreErrorKind};

use crate::support::{Broker, event, unique, url};

/// An exchange with a queue for what matches the pattern, both of this name, and a forwarder to it.
async fn exchange_for(pattern: &str) -> Option<(Broker, String, RabbitMqForwarder)> {
    let url = url()?;
    let (broker, name) = (Broker::connect(&url).await, unique("hooks"));
    broker.declare(&name, pattern).await;
    let forwarder = RabbitMqForwarder::connect(&url).await.unwrap().exchange(&name);
    Some((broker, name, forwarder))
}

#[tokio::test]
async fn an_event_stands_in_the_queue_byte_for_byte() {
    let Some((broker, name, forwarder)) = exchange_for("stripe.invoice.*").await else { return };
    forwarder.forward(&event("acme é evt_1")).await.unwrap();
    let held = broker.take(&name).await.unwrap();
    assert_eq!(held.routing_key, "stripe.invoice.paid");
    assert_eq!(held.body, b"{\"amount\":\xff}\r\n\0");
    assert_eq!(held.properties.message_id().map(String::as_str), Some("acme é evt_1"));
    assert_eq!(held.properties.message_type().map(String::as_str), Some("invoice.paid"));
    assert_eq!(held.properties.timestamp(), Some(1_700_000_000));
    assert_eq!(held.properties.delivery_mode(), Some(DELIVERY_MODE_PERSISTENT));
    let headers = [
        ("Countersign-Key", "acme é evt_1"),
        ("Countersign-Source", "stripe"),
        ("Countersign-Accepted-At", "1700000000000000"),
        ("Countersign-Attempt", "2"),
        ("Countersign-Type", "invoice.paid"),
        ("Countersign-Id", "evt_1"),
        ("Countersign-Header-x-shop", "a b"),
        ("Countersign-Header-:path", "/in?a=1"),
    ];
    for (name, value) in headers {
        assert_eq!(held.header(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(held.properties.headers().unwrap().as_ref().len(), headers.len());
    assert!(broker.take(&name).await.is_none());
}

#[tokio::test]
async fn a_queue_is_given_events_without_an_exchange_of_ours() {
    let Some(url) = url() else { return };
    let (broker, name) = (Broker::connect(&url).await, unique("hooks"));
    broker.declare_queue(&name, FieldTable::new()).await;
    let forwarder = RabbitMqForwarder::connect(&url).await.unwrap().queue(&name);
    forwarder.forward(&event("one")).await.unwrap();
    assert_eq!(broker.take(&name).await.unwrap().routing_key, name);
}

#[tokio::test]
async fn many_events_at_once_arrive_each() {
    let Some((broker, name, forwarder)) = exchange_for("#").await else { return };
    let forwarding: Vec<_> = (0..400)
        .map(|number| {
            let forwarder = forwarder.clone();
            tokio::spawn(async move { forwarder.forward(&event(&number.to_string())).await })
        })
        .collect();
    for one in forwarding {
        one.await.unwrap().unwrap();
    }
    let held = broker.take_all(&name).await;
    let keys: BTreeSet<_> = held.iter().map(|held| held.header("Countersign-Key").unwrap()).collect();
    assert_eq!((held.len(), keys.len()), (400, 400));
}

#[tokio::test]
async fn a_body_of_many_frames_and_an_empty_one_arrive() {
    let Some((broker, name, forwarder)) = exchange_for("#").await else { return };
    for length in [0, 1, 131_064, 131_072, 1 << 20] {
        let mut sent = event("one");
        sent.received.body = (0..length).map(|at: usize| (at % 251) as u8).collect();
        forwarder.forward(&sent).await.unwrap();
        assert_eq!(broker.take(&name).await.unwrap().body, sent.received.body, "{length}");
    }
}

#[tokio::test]
async fn an_event_that_no_queue_takes_is_an_error_until_one_is_bound() {
    let Some((broker, name, forwarder)) = exchange_for("shopify.#").await else { return };
    for _ in 0..2 {
        let error = forwarder.forward(&event("one")).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(error.to_string().contains("no queue takes the event: bind one to the exchange"), "{error}");
    }
    broker.bind(&name, &name, "stripe.#").await;
    forwarder.forward(&event("one")).await.unwrap();
    assert_eq!(broker.take_all(&name).await.len(), 1);
}

#[tokio::test]
async fn an_exchange_or_queue_that_is_not_there_is_a_clear_error() {
    let Some(url) = url() else { return };
    let forwarder = RabbitMqForwarder::connect(&url).await.unwrap();
    let error = forwarder.clone().exchange("nobody").forward(&event("one")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("no exchange 'nobody'"), "{error}");
    let error = forwarder.clone().queue("nobody").forward(&event("one")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let error = forwarder.queue("q".repeat(256)).forward(&event("one")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_until_there_is_room() {
    let Some(url) = url() else { return };
    let (broker, name) = (Broker::connect(&url).await, unique("hooks"));
    let mut arguments = FieldTable::new();
    arguments.insert("x-max-length".try_into().unwrap(), FieldValue::I(1));
    arguments.insert("x-overflow".try_into().unwrap(), FieldValue::S("reject-publish".try_into().unwrap()));
    broker.declare_queue(&name, arguments).await;
    let forwarder = RabbitMqForwarder::connect(&url).await.unwrap().queue(&name);
    forwarder.forward(&event("one")).await.unwrap();
    let error = forwarder.forward(&event("two")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    broker.take(&name).await.unwrap();
    forwarder.forward(&event("two")).await.unwrap();
}

#[tokio::test]
async fn what_rabbitmq_can_not_take_is_invalid_and_harms_nothing_that_is_under_way() {
    let Some((broker, name, forwarder)) = exchange_for("#").await else { return };
    let changed = |change: fn(&mut Leased)| {
        let mut event = event("refused");
        change(&mut event);
        event
    };
    let refused = [
        changed(|event| event.received.event_type = Some("t".repeat(249))),
        changed(|event| event.received.headers.push(("x".repeat(250), String::new()))),
        changed(|event| event.received.headers.push(("x-large".into(), "v".repeat(131_072)))),
        // The server's limit is 2 MiB in these tests.
        changed(|event| event.received.body = Bytes::from("hush".repeat(524_289))),
    ];
    for refused in refused {
        let ordinary = event("ordinary");
        let (refused, taken) = tokio::join!(forwarder.forward(&refused), forwarder.forward(&ordinary));
        taken.unwrap();
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
    assert_eq!(broker.take_all(&name).await.len(), 4);
}

#[tokio::test]
async fn an_event_of_the_longest_texts_is_forwarded() {
    let Some((broker, name, forwarder)) = exchange_for("#").await else { return };
    let mut longest = event(&"\u{e9}".repeat(MAX_KEY / 2));
    longest.received.event_type = Some("t".repeat(248));
    longest.received.event_id = Some("\u{e9}".repeat(5000));
    longest.received.headers = vec![("x".repeat(235), "v".repeat(100_000))];
    forwarder.forward(&longest).await.unwrap();
    let held = broker.take(&name).await.unwrap();
    assert_eq!(held.header("Countersign-Key").as_ref(), Some(&longest.received.key));
    assert_eq!((held.properties.message_id(), held.routing_key.len()), (None, 255));
}

#[tokio::test]
async fn a_hostile_event_goes_where_its_source_goes() {
    let Some((broker, name, forwarder)) = exchange_for("a%2Eb%25#.#").await else { return };
    let mut hostile = event("evt\r\n\0");
    hostile.received.source = String::from("a.b%#");
    hostile.received.event_type = Some(String::from("..# *\r\n\0"));
    hostile.received.headers = vec![("x".into(), "1".into()), ("x".into(), "2".into())];
    forwarder.forward(&hostile).await.unwrap();
    let held = broker.take(&name).await.unwrap();
    assert_eq!(held.routing_key, "a%2Eb%25#...# *\r\n\0");
    assert_eq!(held.header("Countersign-Key").as_deref(), Some("evt\r\n\0"));
    assert_eq!(held.header("Countersign-Header-x").as_deref(), Some("1, 2"));
}

#[tokio::test]
async fn an_event_without_a_type_is_forwarded() {
    let Some((broker, name, forwarder)) = exchange_for("stripe._").await else { return };
    let mut untyped = event("one");
    untyped.received.event_type = None;
    forwarder.forward(&untyped).await.unwrap();
    let held = broker.take(&name).await.unwrap();
    assert_eq!((held.header("Countersign-Type"), held.properties.message_type()), (None, None));
}

#[tokio::test]
async fn a_forwarder_shows_no_password() {
    let Some(url) = url() else { return };
    let forwarder = RabbitMqForwarder::connect(&url).await.unwrap().timeout(Duration::from_secs(2));
    let shown = "RabbitMqForwarder { route: Exchange(\"countersign\"), timeout: 2s, .. }";
    assert_eq!(format!("{forwarder:?}"), shown);
}
