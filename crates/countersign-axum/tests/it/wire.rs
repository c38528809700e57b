//! Attacks over real sockets, on axum's own server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, routing::post as on_post};
use countersign_axum::{EventRouter, VerifiedBody, Webhook, WebhookLayer};
use serde_json::Value;

use crate::support::{BODY, exchange, layer, serve, signed, status};

#[derive(Clone, Debug, Default)]
struct Handled(Arc<AtomicUsize>);

async fn handler(State(handled): State<Handled>, _: VerifiedBody) {
    handled.0.fetch_add(1, Ordering::Relaxed);
}

async fn start(layer: WebhookLayer) -> (std::net::SocketAddr, Handled) {
    let handled = Handled::default();
    let app = Router::new().route("/", on_post(handler)).route_layer(layer).with_state(handled.clone());
    (serve(app).await, handled)
}

fn head(method: &str, headers: &[(String, String)]) -> String {
    let mut head = format!("{method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    head
}

fn with_length(head: &str, length: usize, body: &str) -> String {
    format!("{head}Content-Length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn adv_54_to_59_what_the_server_answers() {
    let (address, handled) = start(layer().body_timeout(Duration::from_millis(300))).await;
    let good = head("POST", &signed(BODY));
    let mut twice = signed(BODY);
    twice.push(twice[0].clone());
    let mut late = signed(BODY);
    late.retain(|(name, _)| name != "webhook-signature");
    let chunks = format!("{:x}\r\n{BODY}\r\n", BODY.len());
    let cases = [
        ("good", with_length(&good, BODY.len(), BODY), 200),
        ("good, in chunks", format!("{good}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"), 200),
        ("changed", with_length(&good, BODY.len(), &BODY.replace("42", "43")), 401),
        ("huge length", with_length(&good, 99_999_999_999, ""), 413),
        (
            "too many chunks",
            format!(
                "{good}Transfer-Encoding: chunked\r\n\r\n{}",
                format!("10000\r\n{}\r\n", "x".repeat(65_536)).repeat(17)
            ),
            413,
        ),
        ("short", with_length(&good, BODY.len() + 1, BODY), 408),
        ("malformed chunk", format!("{good}Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400),
        ("header twice", with_length(&head("POST", &twice), BODY.len(), BODY), 401),
        (
            "signature in a trailer",
            format!(
                "{}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\nwebhook-signature: v1,AAAA\r\n\r\n",
                head("POST", &late)
            ),
            401,
        ),
        ("GET", format!("{}\r\n", head("GET", &signed(""))), 405),
        ("HEAD", format!("{}\r\n", head("HEAD", &signed(""))), 405),
        ("OPTIONS", format!("{}\r\n", head("OPTIONS", &signed(""))), 405),
    ];
    for (what, request, expected) in cases {
        assert_eq!(status(&exchange(address, request.as_bytes()).await), expected, "{what}");
    }
    assert_eq!(handled.0.load(Ordering::Relaxed), 2);
}

/// axum and hyper answer alike; the table of the layer's own tests has the same rows.
#[tokio::test]
async fn adv_57_ambiguous_requests_are_those_of_the_golden_table() {
    let (address, handled) = start(layer()).await;
    let good = head("POST", &signed(BODY));
    let length = BODY.len();
    let chunk = format!("{length:x}\r\n{BODY}\r\n0\r\n\r\n");
    let golden = [
        (
            "length and chunks",
            format!("{good}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"),
            200,
        ),
        ("two lengths", format!("{good}Content-Length: {length}\r\nContent-Length: 4\r\n\r\n{BODY}"), 400),
        ("signed length", format!("{good}Content-Length: +{length}\r\n\r\n{BODY}"), 400),
        ("folded line", format!("{good}X-A: b\r\n c\r\nContent-Length: {length}\r\n\r\n{BODY}"), 400),
        ("space before colon", format!("{good}X-A : b\r\nContent-Length: {length}\r\n\r\n{BODY}"), 400),
        ("bare line feeds", with_length(&good, length, BODY).replace("\r\n", "\n"), 200),
    ];
    for (what, request, expected) in golden {
        assert_eq!(status(&exchange(address, request.as_bytes()).await), expected, "{what}");
    }
    assert_eq!(handled.0.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn each_event_reaches_the_handler_of_its_type() {
    async fn paid(Webhook(event): Webhook<Value>) -> String {
        format!("paid {}", event.data["amount"])
    }
    async fn fallback() -> &'static str {
        "fallback"
    }
    let events = EventRouter::new().on("invoice.*", paid).fallback(fallback);
    let address = serve(Router::new().route("/", on_post(events)).route_layer(layer())).await;
    for (body, expected, text) in
        [(BODY, 200, "paid 42"), (r#"{"type":"x"}"#, 200, "fallback"), ("not JSON", 400, "")]
    {
        let request = with_length(&head("POST", &signed(body)), body.len(), body);
        let answer = exchange(address, request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{body}");
        assert!(answer.ends_with(&format!("\r\n\r\n{text}")), "{answer}");
    }
}
