//! The self-hosted panel.

use countersign::events::{
    TypedEvent,
    panel::{Event, EventType},
};
use countersign_axum::Verified;
use countersign_dispatch::profile::{ProfileErrorKind, panel};
use serde_json::{Value, json};

use super::{
    Vector, body_of, data, kind_of,
    site::{Read, Site},
};

const READ: Read<Event> = |_, verified: &Verified| Event::from_verified(verified);
const SECRET: &str = "a-secret-that-is-long";

fn event<T>(kind: EventType, data: T) -> TypedEvent<EventType, T> {
    TypedEvent { id: None, event_type: kind, time: None, data }
}

#[tokio::test]
async fn an_event_arrives_as_it_was_sent_and_is_handled_once() {
    let (vector, site) = (Vector::of("panel"), Site::new().await);
    let wanted = [EventType::TransactionSuccess];
    let endpoint = panel::endpoint("ep", &site.url("/hooks"), vector.secret(), &wanted).unwrap();
    let transaction = data(r#"{"transaction":{"id":42,"amount":"5.00"}}"#);
    let message = panel::message(&event(EventType::TransactionSuccess, transaction)).unwrap();
    for seen in site.handles_once(&endpoint, message, 1, READ, |dispatcher| dispatcher).await {
        assert_eq!(seen.event.event_type, EventType::TransactionSuccess);
        assert_eq!(seen.event.data["transaction"], json!({"id": 42, "amount": "5.00"}));
        assert_eq!(seen.body, vector.body());
        assert_eq!(seen.headers["x-webhook-signature"], vector.header("X-Webhook-Signature"));
    }
}

#[tokio::test]
async fn send_test_reaches_an_endpoint_that_wants_nothing_else() {
    let site = Site::new().await;
    let endpoint = panel::endpoint("ep", &site.url("/hooks"), SECRET, &[]).unwrap();
    let test = panel::test_event().unwrap();
    let seen = site.handles_once(&endpoint, test, 1, READ, |dispatcher| dispatcher).await;
    assert_eq!(
        (&seen[1].event.event_type, &*seen[1].body),
        (&EventType::Test, r#"{"event":"test.webhook"}"#)
    );
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let site = Site::new().await;
    let wanted = [EventType::UserCreated, EventType::Test];
    let endpoint = panel::unsigned_endpoint("ep", &site.url("/hooks"), &wanted).unwrap();
    assert_eq!(endpoint.events, ["user.created", "test.webhook"]);
    let message = panel::message(&event(EventType::UserCreated, json!({"user": {"id": 7}}))).unwrap();
    for seen in site.handles_once(&endpoint, message, 1, READ, |dispatcher| dispatcher).await {
        assert_eq!(seen.event.data["user"]["id"], 7);
        assert!(!seen.headers.keys().any(|name| name.as_str().contains("signature")), "{:?}", seen.headers);
    }
}

#[test]
fn what_is_not_documented_is_refused() {
    let other = EventType::from("server.rebooted");
    let message = |kind: &EventType, data: Value| panel::message(&event(kind.clone(), data));
    assert_eq!(kind_of(message(&other, json!({}))), Some(ProfileErrorKind::UnknownEvent));
    let wanted = [other];
    let signed = panel::endpoint("ep", "https://example.com", SECRET, &wanted);
    assert_eq!(kind_of(signed), Some(ProfileErrorKind::UnknownEvent));
    let unsigned = panel::unsigned_endpoint("ep", "https://example.com", &wanted);
    assert_eq!(kind_of(unsigned), Some(ProfileErrorKind::UnknownEvent));
    for kind in EventType::DOCUMENTED {
        assert_eq!(body_of(&message(kind, json!({})).unwrap()), format!(r#"{{"event":"{kind}"}}"#));
    }
}

#[test]
fn data_whose_fields_have_no_place_beside_the_type_is_refused() {
    for data in [json!(null), json!(7), json!([]), json!("text"), json!({"event": "user.deleted"})] {
        let message = panel::message(&event(EventType::UserCreated, &data));
        assert_eq!(kind_of(message), Some(ProfileErrorKind::InvalidEvent), "{data}");
    }
}
