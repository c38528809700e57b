//! IPTVbp.

use countersign::{
    Timestamp,
    events::{
        TypedEvent,
        iptvbp::{Event, EventType},
    },
    scheme::TimeFormat,
};
use countersign_dispatch::{
    Outbox,
    profile::{ProfileErrorKind, iptvbp},
};
use countersign_store::outbox::{MemoryOutbox, OutboxStore};
use serde_json::{Value, json};

use super::{Vector, body_of, data, kind_of, site::Site};

const DATA: &str = r#"{"payment_id":1842,"amount":"19.99","currency":"EUR"}"#;

fn payment<T>(data: T) -> TypedEvent<EventType, T> {
    let (id, time) = (Some("evt_5f2a91c07d".to_owned()), Some("2026-03-14T09:26:53Z".to_owned()));
    TypedEvent { id, event_type: EventType::PaymentReceived, time, data }
}

#[tokio::test]
async fn an_event_arrives_as_it_was_sent_and_is_handled_once() {
    let (vector, site) = (Vector::of("iptvbp"), Site::new().await);
    let wanted = [EventType::PaymentReceived];
    let endpoint = iptvbp::endpoint("ep", &site.url("/hooks"), vector.secret(), &wanted).unwrap();
    let message = iptvbp::message(&payment(data(DATA))).unwrap();
    let read = |_: &_, verified: &_| Event::from_verified(verified);
    for seen in site.handles_once(&endpoint, message, 1, read, |dispatcher| dispatcher).await {
        assert_eq!(seen.event, payment(serde_json::from_str::<Value>(DATA).unwrap()));
        assert_eq!(seen.body, vector.body());
        assert_eq!(seen.headers["x-webhook-signature"], vector.header("X-Webhook-Signature"));
        assert_eq!(seen.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn a_test_reaches_an_endpoint_that_wants_nothing_else() {
    let site = Site::new().await;
    let endpoint = iptvbp::endpoint("ep", &site.url("/hooks"), "a-secret-that-is-long", &[]).unwrap();
    let test = iptvbp::test_event().unwrap();
    let id = test.id.clone();
    let read = |_: &_, verified: &_| Event::from_verified(verified);
    let seen = site.handles_once(&endpoint, test, 1, read, |dispatcher| dispatcher).await;
    assert_eq!(seen[1].event.id, id);
    assert_eq!((seen[1].event.event_type.as_str(), &seen[1].event.data), ("test.webhook", &json!({})));
}

#[test]
fn without_an_id_and_a_time_both_are_made() {
    let event = TypedEvent { id: None, time: None, ..payment(json!([1, 2])) };
    let (first, second) = (iptvbp::message(&event).unwrap(), iptvbp::message(&event).unwrap());
    assert_ne!(first.id, second.id);
    assert_eq!(first.idempotency_key, None);
    let body: Value = serde_json::from_str(body_of(&first)).unwrap();
    assert_eq!(body["id"].as_str(), first.id.as_deref());
    assert!(body["id"].as_str().unwrap().starts_with("evt_"));
    assert_eq!(body["data"], json!([1, 2]));
    let sent = Timestamp::parse(TimeFormat::Rfc3339, body["timestamp"].as_str().unwrap());
    assert!(sent.unwrap() > Timestamp::from_unix_seconds(1_764_000_000));
}

#[tokio::test]
async fn an_event_with_an_id_is_enqueued_once() {
    let outbox = Outbox::new(MemoryOutbox::new());
    let url = "https://example.com/hooks";
    let endpoint = iptvbp::endpoint("ep", url, "a-secret-that-is-long", EventType::DOCUMENTED).unwrap();
    outbox.store().put_endpoint(&endpoint).await.unwrap();
    let message = iptvbp::message(&payment(json!({}))).unwrap();
    let both = outbox.enqueue(&[message.clone(), message]).await.unwrap();
    assert_eq!(both.iter().map(|one| one.duplicate).collect::<Vec<_>>(), [false, true]);
    assert!(both.iter().all(|one| one.id == "evt_5f2a91c07d" && one.deliveries == 1));
}

#[test]
fn what_is_not_documented_is_refused() {
    let other = EventType::from("payment.refunded");
    let event = TypedEvent { event_type: other.clone(), ..payment(json!({})) };
    assert_eq!(kind_of(iptvbp::message(&event)), Some(ProfileErrorKind::UnknownEvent));
    let endpoint = |url, secret, wanted: &[EventType]| kind_of(iptvbp::endpoint("ep", url, secret, wanted));
    let (url, secret, wanted) = ("https://example.com", "a-secret-that-is-long", EventType::DOCUMENTED);
    assert_eq!(endpoint(url, secret, wanted), None);
    assert_eq!(endpoint(url, secret, &[other]), Some(ProfileErrorKind::UnknownEvent));
    for (url, secret) in [("ftp://example.com", secret), ("example.com", secret), (url, ""), (url, "short")] {
        assert_eq!(endpoint(url, secret, wanted), Some(ProfileErrorKind::InvalidEndpoint), "{url} {secret}");
    }
}

#[test]
fn an_event_that_no_receiver_could_read_is_refused() {
    let kind = |event| kind_of(iptvbp::message(&event));
    let event = payment(json!({}));
    for time in ["yesterday", "1764000000", "2026-03-14 09:26:53Z", ""] {
        let wrong = TypedEvent { time: Some(time.to_owned()), ..event.clone() };
        assert_eq!(kind(wrong), Some(ProfileErrorKind::InvalidEvent), "{time}");
    }
    let nameless = TypedEvent { id: Some(String::new()), ..event.clone() };
    assert_eq!(kind(nameless), Some(ProfileErrorKind::InvalidEvent));
    assert_eq!(kind(event), None);
}
