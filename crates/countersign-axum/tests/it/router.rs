//! Which handler an event is given to.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    handler::Handler,
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::Response,
    routing::{any, post as on_post},
};
use countersign::{
    ErrorKind, Keyring, Message, Verifier, catalog,
    events::iptvbp::{self, EventType},
};
use countersign_axum::{EventRouter, Rejection, VerifiedBody, Webhook, WebhookLayer};
use serde::Deserialize;

use crate::support::{BODY, Log, ask, layer, layer_of, post, send, sign, signed};

async fn exact() -> &'static str {
    "exact"
}
async fn items() -> &'static str {
    "items"
}
async fn invoices() -> &'static str {
    "invoices"
}
async fn all() -> &'static str {
    "all"
}
async fn fallback() -> &'static str {
    "fallback"
}

/// The events behind a layer.
fn app(events: EventRouter) -> Router {
    app_of(events, layer())
}

fn app_of(events: EventRouter, layer: WebhookLayer) -> Router {
    Router::new().route("/", on_post(events)).route_layer(layer)
}

/// What is answered to an event of this type.
async fn answer(app: &Router, kind: &str) -> (u16, String) {
    let body = format!(r#"{{"type":"{kind}","data":{{}}}}"#).leak();
    ask(app, post("/", &signed(body), body)).await
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

#[tokio::test]
async fn the_most_specific_pattern_gets_the_event_whatever_the_order() {
    let new = EventRouter::new;
    let orders = [
        new().on("invoice.paid", exact).on("invoice.item.*", items).on("invoice.*", invoices).on("*", all),
        new().on("*", all).on("invoice.*", invoices).on("invoice.item.*", items).on("invoice.paid", exact),
        new().on("invoice.*", invoices).on("*", all).on("invoice.paid", exact).on("invoice.item.*", items),
    ];
    let cases = [
        ("invoice.paid", "exact"),
        ("invoice.item.added", "items"),
        ("invoice.item", "invoices"),
        ("invoice.paid.late", "invoices"),
        ("invoice", "all"),
        ("invoices.paid", "all"),
    ];
    for events in orders {
        let app = app(events.fallback(fallback));
        for (kind, expected) in cases {
            assert_eq!(answer(&app, kind).await, ok(expected), "{kind}");
        }
    }
}

#[tokio::test]
async fn handlers_are_those_of_axum_with_state_and_any_extractors() {
    #[derive(Deserialize)]
    struct Invoice {
        amount: u64,
    }
    async fn paid(State(seen): State<Arc<AtomicUsize>>, Webhook(event): Webhook<Invoice>) -> String {
        format!("{} {}", seen.fetch_add(1, Ordering::Relaxed), event.data.amount)
    }
    async fn rest(method: Method, verified: VerifiedBody, body: Bytes) -> (StatusCode, Bytes) {
        assert_eq!((method, verified.bytes()), (Method::POST, &body));
        (StatusCode::ACCEPTED, body)
    }
    let seen = Arc::new(AtomicUsize::new(0));
    let events = EventRouter::new().on("invoice.paid", paid).fallback(rest);
    let app = Router::new().route("/", on_post(events)).route_layer(layer()).with_state(Arc::clone(&seen));
    assert_eq!(ask(&app, post("/", &signed(BODY), BODY)).await, ok("0 42"));
    assert_eq!(ask(&app, post("/", &signed(BODY), BODY)).await, ok("1 42"));
    let other = r#"{"type":"other"}"#;
    assert_eq!(ask(&app, post("/", &signed(other), other)).await, (202, other.to_owned()));
    assert_eq!(answer(&app, "invoice.paid").await, (400, String::new()), "no amount");
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn without_a_match_or_a_type_the_fallback_gets_the_event() {
    let app =
        app(EventRouter::new().on("invoice.*", invoices).on("payment.received", exact).fallback(fallback));
    assert_eq!(answer(&app, "customer.created").await, ok("fallback"));
    assert_eq!(answer(&app, "payment.failed").await, ok("fallback"));
}

#[tokio::test]
async fn an_event_without_a_type_matches_no_pattern() {
    let with = app(EventRouter::new().on("*", all).fallback(fallback));
    let without = app(EventRouter::new().on("*", all));
    for body in [r#"{"data":{}}"#, r#"{"type":null}"#, r#"{"type":""}"#, r#"{"type":["a"]}"#, "[]", "1"] {
        assert_eq!(ask(&with, post("/", &signed(body), body)).await, ok("fallback"), "{body}");
        assert_eq!(ask(&without, post("/", &signed(body), body)).await, ok(""), "{body}");
    }
}

#[tokio::test]
async fn an_event_that_no_handler_takes_is_acknowledged_and_logged() {
    let (log, _guard) = Log::start();
    for events in [EventRouter::new(), EventRouter::default().on("invoice.paid", exact)] {
        assert_eq!(answer(&app(events), "customer.created").await, ok(""));
    }
    let lines = log.text();
    let expected = r#"no handler for this event: acknowledged event_type=Some("customer.created")"#;
    assert_eq!(lines.matches(expected).count(), 2, "{lines}");
    assert!(lines.contains("DEBUG"), "{lines}");
}

#[tokio::test]
async fn a_body_in_which_no_type_can_be_looked_for_is_400() {
    let app = app(EventRouter::new().on("*", all).fallback(fallback));
    let cases = [
        ("not JSON", ErrorKind::MalformedBody),
        ("", ErrorKind::MalformedBody),
        (r#"{"type":"invoice.paid","type":"invoice.void"}"#, ErrorKind::DuplicateKey),
    ];
    for (body, kind) in cases {
        let response = send(&app, post("/", &signed(body), body)).await;
        assert_eq!(response.status(), 400, "{body}");
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), kind, "{body}");
        assert_eq!(ask(&app, post("/", &signed(body), body)).await.1, "");
    }
}

#[tokio::test]
async fn adv_58_without_the_layer_no_handler_of_any_event_is_called() {
    let app = Router::new().route("/", on_post(EventRouter::new().on("*", all).fallback(fallback)));
    let response = send(&app, post("/", &signed(BODY), BODY)).await;
    assert_eq!(response.status(), 500);
    assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), ErrorKind::Misconfigured);
    assert_eq!(ask(&app, post("/", &signed(BODY), BODY)).await.1, "");
}

#[tokio::test]
async fn types_that_are_paths_are_matched_by_their_prefix() {
    let keys = Keyring::accept_unsigned(&catalog::SNAPBILL).unwrap();
    let verifier = Verifier::builder(catalog::SNAPBILL).keys(keys).build().unwrap();
    let app = app_of(EventRouter::new().on("/invoice/*", invoices).on("/*", all), layer_of(verifier));
    let invoice = r#"{"uuid":"u","body":{"path":"/invoice/update/state"}}"#;
    assert_eq!(ask(&app, post("/", &[], invoice)).await, ok("invoices"));
    let client = r#"{"uuid":"u","body":{"path":"/client/create"}}"#;
    assert_eq!(ask(&app, post("/", &[], client)).await, ok("all"));
}

#[tokio::test]
async fn a_type_in_a_header_is_matched_whatever_the_body_is() {
    let keys = Keyring::new(&catalog::SHOPIFY, ["a-secret-of-some-length"]).unwrap();
    let verifier = Verifier::builder(catalog::SHOPIFY).keys(keys.clone()).build().unwrap();
    let app = app_of(EventRouter::new().on("orders/*", items).fallback(fallback), layer_of(verifier));
    let message = Message { event_type: Some("orders/create"), ..Message::new("1", b"not JSON") };
    let mut headers = sign(&catalog::SHOPIFY, keys, &message);
    assert_eq!(ask(&app, post("/", &headers, "not JSON")).await, ok("items"));
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-shopify-topic"));
    assert_eq!(ask(&app, post("/", &headers, "not JSON")).await, ok("fallback"));
}

#[tokio::test]
async fn a_handler_of_any_event_can_read_it_typed() {
    async fn on_event(verified: VerifiedBody) -> Result<String, StatusCode> {
        let event = iptvbp::Event::from_verified(&verified).map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(match event.event_type {
            EventType::TrialExpired => format!("trial {}", event.data["trial_id"]),
            EventType::Other(kind) => format!("other {kind}"),
            kind => kind.to_string(),
        })
    }
    let keys = || Keyring::new(&catalog::IPTVBP, ["a-secret-of-some-length"]).unwrap();
    let verifier = Verifier::builder(catalog::IPTVBP).keys(keys()).build().unwrap();
    let app = app_of(EventRouter::new().on("*", on_event), layer_of(verifier));
    let cases = [
        (r#"{"id":"e","type":"trial.expired","data":{"trial_id":7}}"#, ok("trial 7")),
        (r#"{"id":"e","type":"trial.paused","data":{}}"#, ok("other trial.paused")),
        (r#"{"id":"e","type":"invoice.paid","data":null}"#, ok("invoice.paid")),
        (r#"{"id":"e","type":"invoice.paid"}"#, (400, String::new())),
    ];
    for (body, expected) in cases {
        let message = Message::new("e", body.as_bytes());
        let headers = sign(&catalog::IPTVBP, keys(), &message);
        assert_eq!(ask(&app, post("/", &headers, body)).await, expected, "{body}");
    }
}

#[tokio::test]
async fn it_goes_wherever_a_handler_goes_and_its_handlers_take_layers() {
    async fn mark(request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        response.headers_mut().append("x-mark", "seen".parse().unwrap());
        response
    }
    let events = || EventRouter::new().on("invoice.*", invoices.layer(middleware::from_fn(mark)));
    let apps: [Router; 5] = [
        Router::new().route("/", on_post(events())).layer(layer()),
        Router::new().route("/", any(events()).layer(layer())),
        Router::new().route("/", on_post(events().layer(layer()))),
        Router::new().fallback(events()).layer(layer()),
        Router::new().route_service("/", Handler::with_state(events(), ())).route_layer(layer()),
    ];
    for app in apps {
        let response = send(&app, post("/", &signed(BODY), BODY)).await;
        assert_eq!(
            (response.status().as_u16(), response.headers()["x-mark"].as_bytes()),
            (200, &b"seen"[..])
        );
        assert_eq!(ask(&app, post("/", &[], BODY)).await.0, 401);
        assert_eq!(answer(&app, "other").await, ok(""));
    }
}

#[tokio::test]
async fn a_clone_that_is_changed_leaves_the_first_as_it_is() {
    let first = EventRouter::new().on("invoice.paid", exact);
    let second = first.clone().on("*", all);
    assert_eq!(answer(&app(first), "other").await, ok(""));
    assert_eq!(answer(&app(second), "other").await, ok("all"));
}

#[test]
fn it_shows_its_patterns() {
    let events: EventRouter = EventRouter::new().on("*", all).on("invoice.paid", exact);
    assert_eq!(format!("{events:?}"), r#"EventRouter { on: {"invoice.paid", "*"}, fallback: false }"#);
}

#[test]
#[should_panic(expected = "event pattern \"invoice*\" has a `*` where none can stand: write `*` alone")]
fn a_bad_pattern_panics_with_its_name_and_what_to_write() {
    let _: EventRouter = EventRouter::new().on("invoice*", all);
}

#[test]
#[should_panic(expected = "event pattern \"invoice.*\" is there already")]
fn two_handlers_of_one_pattern_panic() {
    let _: EventRouter = EventRouter::new().on("invoice.*", invoices).on("invoice.*", all);
}

#[test]
#[should_panic(expected = "an `EventRouter` has one fallback")]
fn two_fallbacks_panic() {
    let _: EventRouter = EventRouter::new().fallback(fallback).fallback(all);
}
