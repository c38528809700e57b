//! BillRun.

use axum::http::Uri;
use countersign::{
    Error,
    events::{
        TypedEvent,
        billrun::{Event, EventType, Module},
    },
};
use countersign_axum::Verified;
use countersign_dispatch::profile::{ProfileErrorKind, billrun};
use serde_json::json;

use super::{Vector, body_of, data, kind_of, site::Site};

fn event<T>(kind: EventType, data: T) -> TypedEvent<EventType, T> {
    TypedEvent { id: None, event_type: kind, time: None, data }
}

/// The module and the action are the last two parts of the path.
fn read(uri: &Uri, verified: &Verified) -> Result<Event, Error> {
    let mut parts = uri.path().rsplit('/');
    let (action, module) = (parts.next().unwrap(), parts.next().unwrap());
    Event::with_event_type(EventType::new(module, action), verified)
}

#[tokio::test]
async fn an_event_arrives_as_it_was_sent_and_is_handled_once() {
    let (vector, site) = (Vector::of("billrun"), Site::new().await);
    let kind = EventType::new("bills", "afterChargeSuccess");
    let url = site.url("/webhooks/billrun/bills/afterChargeSuccess");
    let endpoint = billrun::endpoint("ep", &url, &kind).unwrap();
    assert_eq!(endpoint.events, ["bills.afterChargeSuccess"]);
    let message = billrun::message(&event(kind.clone(), data(r#"{"aid":1001,"amount":42}"#))).unwrap();
    for seen in site.handles_once(&endpoint, message, 1, read, |dispatcher| dispatcher).await {
        assert_eq!(seen.event.event_type, kind);
        assert_eq!(seen.event.data["data"], json!({"aid": 1001, "amount": 42}));
        assert_eq!(seen.body, vector.body());
        assert!(!seen.headers.keys().any(|name| name.as_str().contains("signature")), "{:?}", seen.headers);
    }
}

#[tokio::test]
async fn a_step_of_collection_that_an_installation_defines_is_sent() {
    let (site, kind) = (Site::new().await, EventType::new(Module::Collection, "letter_sent"));
    let endpoint = billrun::endpoint("ep", &site.url("/hooks/collection/letter_sent"), &kind).unwrap();
    let message = billrun::message(&event(kind.clone(), json!({"aid": 1001}))).unwrap();
    let seen = site.handles_once(&endpoint, message, 1, read, |dispatcher| dispatcher).await;
    assert_eq!(seen[1].event.event_type, kind);
    assert_eq!(seen[1].event.data["webhook_action"], "letter_sent");
}

#[test]
fn every_documented_pair_is_sent_and_no_other_of_its_module() {
    let message = |kind: EventType| billrun::message(&event(kind, json!({})));
    for module in Module::DOCUMENTED {
        for action in module.actions() {
            let kind = EventType::new(module.clone(), action.clone());
            assert!(billrun::endpoint("ep", "https://example.com", &kind).is_ok(), "{kind}");
            let body = format!(r#"{{"webhook_module":"{module}","webhook_action":"{action}","data":{{}}}}"#);
            assert_eq!(body_of(&message(kind).unwrap()), body);
        }
        if *module != Module::Collection {
            let kind = EventType::new(module.clone(), "letter_sent");
            assert_eq!(kind_of(message(kind)), Some(ProfileErrorKind::UnknownEvent), "{module}");
        }
    }
}

#[test]
fn what_is_no_step_or_module_is_refused() {
    for (module, action) in [("collection", ""), ("collection", "*"), ("collection", "a.*"), ("x", "create")]
    {
        let kind = EventType::new(module, action);
        let endpoint = billrun::endpoint("ep", "https://example.com", &kind);
        assert_eq!(kind_of(endpoint), Some(ProfileErrorKind::UnknownEvent), "{kind}");
        let message = billrun::message(&event(kind, json!({})));
        assert_eq!(kind_of(message), Some(ProfileErrorKind::UnknownEvent));
    }
}
