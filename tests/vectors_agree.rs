//! Every vector of `tests/vectors`, through the core and through the tower layer.

use std::convert::Infallible;

use bytes::Bytes;
use countersign::Verifier;
use countersign_tests::case::{self, Case, DISAGREEMENTS, is_disagreed};
use countersign_tower::{Verified, WebhookLayer};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tower::{Layer as _, ServiceExt as _};

#[test]
fn the_core_agrees_with_every_case() {
    let cases = case::all();
    assert!(cases.len() > 400, "only {} cases were found", cases.len());
    for case in &cases {
        let verdict = case.judge();
        let expected = (case.expect == "valid") != is_disagreed(&case.id);
        assert_eq!(verdict.valid, expected, "{}: {}", case.id, verdict.why);
        if let Some(response) = case.response.as_ref().filter(|_| case.kind == "handshake") {
            check_response(case, response, &verdict.response.clone().unwrap_or((200, None, String::new())));
        }
    }
}

#[test]
fn a_disagreement_is_about_a_case_that_exists() {
    let cases = case::all();
    for (id, reason) in DISAGREEMENTS {
        assert!(cases.iter().any(|case| case.id == *id), "{id}");
        assert!(!reason.is_empty());
    }
}

#[tokio::test]
async fn the_tower_layer_agrees_with_every_case() {
    for case in case::all() {
        // A secret that is refused leaves no layer to ask.
        let Ok(verifier) = case.verifier() else { continue };
        let (status, content_type, body) = through_the_layer(&case, verifier).await;
        let expected = (case.expect == "valid") != is_disagreed(&case.id);
        assert_eq!(status < 400, expected, "{}: {status}", case.id);
        if let Some(response) = case.response.as_ref().filter(|_| case.kind == "handshake") {
            check_response(&case, response, &(status, content_type, body));
        }
    }
}

/// The answer of the layer before a handler that answers 200 to whatever reaches it.
async fn through_the_layer(case: &Case, verifier: Verifier) -> (u16, Option<String>, String) {
    let now = case.now();
    let handler = tower::service_fn(|request: http::Request<Full<Bytes>>| async move {
        assert!(request.extensions().get::<Verified>().is_some());
        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::new())))
    });
    let service = WebhookLayer::new(verifier).clock(move || now).layer(handler);
    let mut request = http::Request::builder().method(&*case.method).uri(case.target());
    for (name, value) in &case.headers {
        request = request.header(name, http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    let request = request.body(Full::new(Bytes::from(case.body()))).expect("a request");
    let response = service.oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let content_type =
        parts.headers.get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = body.collect().await.expect("a body").to_bytes();
    (parts.status.as_u16(), content_type, String::from_utf8(body.to_vec()).expect("text"))
}

fn check_response(
    case: &Case,
    expected: &Value,
    (status, content_type, body): &(u16, Option<String>, String),
) {
    assert_eq!(expected["status"].as_u64(), Some(u64::from(*status)), "{}", case.id);
    if let Some(expected) = expected.get("content_type").and_then(Value::as_str) {
        assert_eq!(content_type.as_deref(), Some(expected), "{}", case.id);
    }
    if let Some(expected) = expected.get("body").and_then(Value::as_str) {
        assert_eq!(body, expected, "{}", case.id);
    }
    if let Some(expected) = expected.get("body_json") {
        assert_eq!(&serde_json::from_str::<Value>(body).expect("JSON"), expected, "{}", case.id);
    }
}
