//! What handlers are given.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Router, body::Bytes, extract::State, http::Method, routing::post as on_post};
use countersign::ErrorKind;
use countersign_axum::{MissingLayer, Rejection, VerifiedBody, Webhook, WebhookRejection};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::support::{BODY, Log, ask, layer, post, send, signed};

#[derive(Debug, Deserialize)]
struct Invoice {
    amount: u64,
}

async fn paid(Webhook(event): Webhook<Invoice>) -> String {
    format!("{:?} {:?} {}", event.id, event.event_type, event.data.amount)
}

fn app() -> Router {
    Router::new().route("/", on_post(paid)).route_layer(layer())
}

#[tokio::test]
async fn a_handler_gets_the_event() {
    let (status, body) = ask(&app(), post("/", &signed(BODY), BODY)).await;
    assert_eq!((status, body.as_str()), (200, r#"Some("msg_1") Some("invoice.paid") 42"#));
}

#[tokio::test]
async fn a_handler_gets_the_body_beside_the_event_and_at_any_place() {
    async fn handler(
        State(()): State<()>,
        verified: VerifiedBody,
        method: Method,
        Webhook(event): Webhook<Value>,
        body: Bytes,
    ) -> String {
        assert_eq!(verified.bytes(), &body);
        assert_eq!(verified.body(), BODY.as_bytes());
        assert_eq!(verified.clone().into_verified().into_body(), body);
        format!("{method} {} {}", event.data["amount"], verified.idempotency_key().as_str())
    }
    let app = Router::new().route("/", on_post(handler)).route_layer(layer()).with_state(());
    let (_, body) = ask(&app, post("/", &signed(BODY), BODY)).await;
    assert_eq!(body, "POST 42 standard-webhooks/msg_1");
}

#[tokio::test]
async fn a_body_that_isnt_the_event_is_400_and_empty() {
    let cases = [
        ("not JSON", ErrorKind::MalformedBody),
        ("", ErrorKind::MalformedBody),
        (r#"{"type":"invoice.paid"}"#, ErrorKind::MalformedBody),
        (r#"{"type":"invoice.paid","data":{"amount":"many"}}"#, ErrorKind::MalformedBody),
        (r#"{"type":"invoice.paid","data":{"amount":1,"amount":2}}"#, ErrorKind::DuplicateKey),
    ];
    for (body, kind) in cases {
        let response = send(&app(), post("/", &signed(body), body)).await;
        assert_eq!(response.status(), 400, "{body}");
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), kind, "{body}");
        let (_, answer) = ask(&app(), post("/", &signed(body), body)).await;
        assert_eq!(answer, "");
    }
}

/// Counts how often a body was parsed.
static PARSED: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PARSED.fetch_add(1, Ordering::Relaxed);
        Value::deserialize(deserializer).map(|_| Counted)
    }
}

#[tokio::test]
async fn adv_38_nothing_is_parsed_before_it_is_verified() {
    async fn handler(Webhook(_): Webhook<Counted>) {}
    let app = Router::new().route("/", on_post(handler)).route_layer(layer());
    let large: &'static str = format!(r#"{{"type":"t","data":"{}"}}"#, "x".repeat(1_000_000)).leak();
    assert_eq!(ask(&app, post("/", &signed(BODY), large)).await.0, 401);
    assert_eq!(PARSED.load(Ordering::Relaxed), 0);
    assert_eq!(ask(&app, post("/", &signed(large), large)).await.0, 200);
    assert_eq!(PARSED.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn adv_58_without_the_layer_nothing_is_accepted_and_the_log_says_so() {
    async fn raw(_: VerifiedBody) {}
    let (log, _guard) = Log::start();
    let app = Router::new().route("/event", on_post(paid)).route("/raw", on_post(raw));
    for path in ["/event", "/raw"] {
        let response = send(&app, post(path, &signed(BODY), BODY)).await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), ErrorKind::Misconfigured);
        assert_eq!(ask(&app, post(path, &signed(BODY), BODY)).await.1, "");
    }
    let logged = log.text();
    assert!(
        logged.contains("ERROR countersign: no `countersign_axum::WebhookLayer` has verified"),
        "{logged}"
    );
}

#[test]
fn rejections_are_like_axums() {
    fn fits<T: std::error::Error + axum::response::IntoResponse + Send + Sync + 'static>() {}
    fits::<WebhookRejection>();
    fits::<MissingLayer>();
    fits::<countersign_axum::InvalidEvent>();
}
