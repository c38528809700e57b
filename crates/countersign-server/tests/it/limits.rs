//! Limits of bodies, pages and times, and what every answer carries.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Extension, body::Body, http::StatusCode};
use bytes::Bytes;
use countersign_dispatch::Outbox;
use countersign_server::{Caller, Dashboard, Scope, Server};
use http_body::{Body as HttpBody, Frame};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    carried::Late,
    support::{access, api, api_with, request, send},
};

const MESSAGES: &str = "/api/v1/messages";

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_it_says_its_length_or_not() {
    let api = api_with(|server| server.body_limit(100));
    let body = json!({ "type": "x", "payload": "y".repeat(100) });
    let answer = api.post(&api.keys.a, MESSAGES, body.clone()).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    let mut streamed = request(&api.keys.a, "POST", MESSAGES, Some(Value::Null));
    *streamed.body_mut() = Body::new(Endless);
    assert_eq!(api.send(streamed).await.problem(), "too-large");
    let small = json!({ "type": "x", "payload": {} });
    assert_eq!(api.post(&api.keys.a, MESSAGES, small).await.status, StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_too_slowly_is_refused() {
    let api = api_with(|server| server.body_timeout(Duration::from_secs(3)));
    let mut slow = request(&api.keys.a, "POST", MESSAGES, Some(Value::Null));
    *slow.body_mut() = Body::new(Silent);
    let answer = api.send(slow).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::REQUEST_TIMEOUT, "too-slow"));
}

/// A connection to the store that was lost without a word has no answer, ever.
#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_keeps_nobody_waiting() {
    let (access, keys) = access();
    let server = Server::new(Outbox::new(Late::counting_for(Duration::MAX)), access);
    let router = Dashboard::new().on(server.router()).layer(Extension(Caller::new("sso", Scope::Admin)));
    for (path, kind) in [("/api/v1/stats/activity", "application/problem+json"), ("/dashboard", "text/html")]
    {
        let asked = Instant::now();
        let answer = send(&router, request(&keys.admin, "GET", path, None)).await;
        assert_eq!(
            (answer.status, asked.elapsed()),
            (StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(30))
        );
        assert!(answer.header("content-type").starts_with(kind), "{path}");
        assert!(answer.text.contains("there was no answer within 30 s"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let api = api();
    let long = "[".repeat(100_000);
    for body in
        ["", "{", "nonsense", "{}{}", "{\"type\":\"x\",\"type\":\"y\",\"payload\":1}", "\u{FEFF}{}", &long]
    {
        let mut request = request(&api.keys.a, "POST", MESSAGES, Some(Value::Null));
        *request.body_mut() = Body::from(body.to_owned());
        let answer = api.send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body:.20}");
        assert!(!answer.fields().is_empty());
    }
}

#[tokio::test]
async fn every_list_is_bounded() {
    let api = api();
    api.endpoint(&api.keys.a).await;
    api.fill(Some("a"), 300).await;
    let paths = ["/api/v1/endpoints", MESSAGES, "/api/v1/deliveries", "/api/v1/deliveries/1/attempts"];
    for path in paths {
        for limit in ["0", "201", "-1", "x", "4294967296", ""] {
            let answer = api.get(&api.keys.a, &format!("{path}?limit={limit}")).await;
            assert_eq!(answer.fields(), ["limit"], "{path} {limit}");
        }
        let page = api.get(&api.keys.a, &format!("{path}?limit=200")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
    }
    for path in [MESSAGES, "/api/v1/deliveries"] {
        let count = async |query: &str| {
            let page = api.get(&api.keys.a, &format!("{path}{query}")).await.json();
            assert!(page["next"].is_string(), "{path}");
            page["items"].as_array().unwrap().len()
        };
        assert_eq!((count("").await, count("?limit=200").await), (50, 200), "{path}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_unknown_is_refused_and_not_passed_over() {
    let api = api();
    let paths = [
        "endpoints",
        "messages",
        "deliveries",
        "deliveries/1/attempts",
        "replays/count",
        "cancellations/count",
        "stats/activity",
    ];
    for path in paths {
        let answer = api.get(&api.keys.a, &format!("/api/v1/{path}?tennant=a")).await;
        assert_eq!(answer.fields(), ["tennant"], "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_it_safe() {
    let api = api_with(|server| server.billrun(true));
    let id = api.endpoint(&api.keys.a).await;
    let cases = [
        ("GET", "/health".to_owned(), 200),
        ("GET", "/ready".to_owned(), 200),
        ("GET", "/nothing".to_owned(), 404),
        ("GET", "/api/v1/nothing".to_owned(), 404),
        ("GET", "/api/v1/openapi.json".to_owned(), 200),
        ("GET", format!("/api/v1/endpoints/{id}"), 200),
        ("GET", "/api/v1/endpoints/none".to_owned(), 404),
        ("PUT", "/api/v1/endpoints".to_owned(), 405),
        ("POST", "/health".to_owned(), 405),
        ("POST", "/api/v1/endpoints".to_owned(), 415),
        ("GET", format!("/plugins/webhooks/read/{id}"), 200),
        ("GET", "/plugins/webhooks/other".to_owned(), 404),
    ];
    for (method, path, status) in cases {
        let answer = api.call(&api.keys.a, method, &path, None).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert!(answer.header("content-type").contains("json"), "{method} {path} {answer:?}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
        if status == 405 {
            assert!(!answer.header("allow").is_empty(), "{method} {path}");
        }
    }
}

/// A body without an end.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"          ")))))
    }
}

/// A body that never comes.
struct Silent;

impl HttpBody for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}
