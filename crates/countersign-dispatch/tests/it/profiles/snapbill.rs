//! SnapBill.

use std::{
    future::ready,
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use countersign::events::snapbill::{Body, Event, EventType};
use countersign_axum::Verified;
use countersign_dispatch::profile::{ProfileErrorKind, snapbill};
use countersign_store::outbox::Message;
use serde_json::json;

use super::{
    Vector, kind_of,
    site::{Read, Site},
};

const READ: Read<Event> = |_, verified: &Verified| Event::from_verified(verified);
const PATH: EventType = EventType::InvoiceUpdateState;

fn content(state: &str) -> Body {
    let invoice = json!({"id": 42, "state": state});
    Body {
        id: json!(7301),
        details: json!({"state": state}),
        rest: [("invoice".to_owned(), invoice)].into_iter().collect(),
    }
}

/// Tells the states in turn, the last for ever.
fn source(
    states: &'static [&'static str],
) -> impl Fn(EventType, String) -> std::future::Ready<io::Result<Option<Body>>> {
    let asked = AtomicUsize::new(0);
    move |kind, reference| {
        assert_eq!((kind, &*reference), (PATH, "42"));
        let turn = asked.fetch_add(1, Ordering::SeqCst).min(states.len() - 1);
        ready(Ok(Some(content(states[turn]))))
    }
}

#[tokio::test]
async fn an_event_shows_the_state_at_delivery_and_is_sent_until_it_is_handled_once() {
    let (vector, site) = (Vector::of("snapbill"), Site::new().await);
    let endpoint = snapbill::endpoint("ep", &site.url("/hooks"), &[PATH]).unwrap();
    let mut message = snapbill::message(&PATH, "42").unwrap();
    message.id = Some("6f1c2b52-7d0e-4e0b-9a39-0d6f4c1c3c11".to_owned());
    let late = snapbill::Late::new(source(&["open", "sent", "overdue", "paid", "refunded"]));
    // Three refusals are more than the schedule's two attempts bear.
    let seen =
        site.handles_once(&endpoint, message, 3, READ, |dispatcher| dispatcher.payload_source(late)).await;
    let states: Vec<_> = seen.iter().map(|seen| seen.event.resource().unwrap()["state"].clone()).collect();
    assert_eq!(states, ["open", "sent", "overdue", "paid"]);
    for seen in &seen {
        assert_eq!(seen.event.id.as_deref(), Some("6f1c2b52-7d0e-4e0b-9a39-0d6f4c1c3c11"));
        assert_eq!((&seen.event.event_type, &seen.event.data.id), (&PATH, &json!(7301)));
        assert!(!seen.headers.keys().any(|name| name.as_str().contains("signature")), "{:?}", seen.headers);
    }
    assert_eq!(seen[3].body, vector.body());
}

#[test]
fn the_uuid_is_made_with_the_message_and_stands_in_the_envelope() {
    let (first, second) = (snapbill::message(&PATH, "42").unwrap(), snapbill::message(&PATH, "42").unwrap());
    assert_ne!(first.id, second.id);
    let stored = Message::stored(&first, first.id.clone().unwrap(), 0);
    let body = snapbill::envelope(&stored, &content("paid")).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["uuid"].as_str(), first.id.as_deref());
    assert_eq!(body["body"]["path"], "/invoice/update/state");
}

#[test]
fn a_path_names_a_resource() {
    for path in ["/invoice/update/state", "/client/create", "/client"] {
        assert!(snapbill::message(&path.into(), "1").is_ok(), "{path}");
        let endpoint = snapbill::endpoint("ep", "https://example.com", &[path.into()]).unwrap();
        assert_eq!((endpoint.events, endpoint.until_delivered), (vec![path.to_owned()], true));
    }
    for path in ["", "/", "invoice", "invoice/update", "//x", "/client/*"] {
        let refused = Some(ProfileErrorKind::UnknownEvent);
        assert_eq!(kind_of(snapbill::message(&path.into(), "1")), refused, "{path}");
        assert_eq!(kind_of(snapbill::endpoint("ep", "https://example.com", &[path.into()])), refused);
    }
}

#[test]
fn content_without_its_resource_or_with_a_field_of_the_envelope_is_refused() {
    let new = snapbill::message(&PATH, "42").unwrap();
    let message = Message::stored(&new, "uuid", 0);
    let with = |name: &str| {
        let mut content = content("paid");
        content.rest.insert(name.to_owned(), json!("x"));
        kind_of(snapbill::envelope(&message, &content))
    };
    assert_eq!(with("note"), None);
    for taken in ["id", "path", "details"] {
        assert_eq!(with(taken), Some(ProfileErrorKind::InvalidEvent), "{taken}");
    }
    let empty = snapbill::envelope(&message, &Body::default());
    assert_eq!(kind_of(empty), Some(ProfileErrorKind::InvalidEvent));
}
