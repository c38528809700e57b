//! Texts that somebody else means to be something else.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::support::{api, encoded};

const TEXTS: [&str; 6] = ["'; DROP TABLE countersign_endpoints; --", "%", "_", "\\", "x\0y", "1 OR 1=1"];

#[tokio::test]
async fn adv_92_a_filter_finds_what_it_says_or_is_refused() {
    let api = api();
    let key = &api.keys.admin;
    api.endpoint(key).await;
    api.message(key, "invoice.paid").await;
    let long = "x".repeat(20_000);
    for text in TEXTS.into_iter().chain([long.as_str(), ""]) {
        let filters = [
            ("messages", "type"),
            ("messages", "tenant"),
            ("deliveries", "type"),
            ("deliveries", "endpoint"),
            ("deliveries", "message"),
            ("deliveries", "tenant"),
            ("endpoints", "tenant"),
            ("stats/activity", "endpoint"),
        ];
        for (list, filter) in filters {
            let answer = api.get(key, &format!("/api/v1/{list}?{filter}={}", encoded(text))).await;
            match answer.status {
                StatusCode::OK => assert_eq!(answer.json()["items"], json!([]), "{list} {filter} {text:.40}"),
                _ => assert_eq!(answer.fields(), [filter], "{text:.40}"),
            }
        }
        let refused = text.is_empty() || text.len() > 4096 || text.contains('\0');
        let answer = api.get(key, &format!("/api/v1/deliveries?type={}", encoded(text))).await;
        assert_eq!(answer.status.is_client_error(), refused, "{text:.40}");
        for cursor in ["messages", "deliveries"] {
            let answer = api.get(key, &format!("/api/v1/{cursor}?cursor={}", encoded(text))).await;
            assert_eq!(answer.fields(), ["cursor"], "{text:.40}");
        }
    }
}

#[tokio::test]
async fn adv_92_an_id_that_is_none_is_not_found() {
    let api = api();
    let key = &api.keys.admin;
    let long = "x".repeat(20_000);
    for text in TEXTS.into_iter().chain([long.as_str(), "9223372036854775808", "-1", "1.0", "../endpoints"]) {
        for thing in ["endpoints", "messages", "deliveries", "event-types"] {
            let answer = api.get(key, &format!("/api/v1/{thing}/{}", encoded(text))).await;
            assert_eq!(answer.problem(), "not-found", "{thing} {text:.40}");
        }
        for action in ["redeliver", "cancel"] {
            let path = format!("/api/v1/deliveries/{}/{action}", encoded(text));
            let answer = api.call(key, "POST", &path, None).await;
            assert_eq!(answer.problem(), "not-found", "{action} {text:.40}");
        }
    }
    assert_eq!(api.get(key, "/api/v1/endpoints/%FF").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn adv_94_what_looks_like_markup_is_data_in_json_that_no_browser_runs() {
    let api = api();
    let key = &api.keys.admin;
    let markup = "</script><img src=x onerror=alert(1)>";
    let draft = json!({ "url": "https://example.com/", "name": markup });
    let made = api.post(key, "/api/v1/endpoints", draft).await;
    assert_eq!((made.status, &made.json()["name"]), (StatusCode::CREATED, &json!(markup)));
    let message = api.post(key, "/api/v1/messages", json!({ "type": "x", "payload": markup })).await.json();
    let shown = api.get(key, &format!("/api/v1/messages/{}", message["id"].as_str().unwrap())).await;
    assert_eq!(shown.json()["payload"], markup);
    assert_eq!(shown.header("content-type"), "application/json");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://example.com/\"onload=x y",
        "JAVASCRIPT://x/%0aalert(1)",
    ] {
        let answer = api.post(key, "/api/v1/endpoints", json!({ "url": url })).await;
        assert_eq!(answer.fields(), ["url"], "{url}");
    }
    for text in ["a\u{202E}b", "\u{2066}", "\u{1b}[2J", "a\nb"] {
        let cases = [
            ("endpoints", json!({ "url": "https://example.com/", "name": text }), "name"),
            ("endpoints", json!({ "url": "https://example.com/", "events": [text] }), "events"),
            ("messages", json!({ "type": text, "payload": {} }), "type"),
        ];
        for (list, body, field) in cases {
            let answer = api.post(key, &format!("/api/v1/{list}"), body).await;
            assert_eq!(answer.fields(), [field], "{text:?}");
        }
    }
}

#[tokio::test]
async fn adv_96_a_refusal_repeats_nothing_of_what_was_sent() {
    let api = api();
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let bodies: [Value; 6] = [
        json!({ "url": { "x": secret } }),
        json!({ "url": secret }),
        json!({ "url": "https://example.com/", "limits": secret }),
        json!({ "url": "https://example.com/", "scheme": secret }),
        json!({ "url": "https://example.com/", "scheme": format!("name = \"x\"\nkey = {secret}\n") }),
        json!({ "url": "https://example.com/", "headers": [{ "name": "x y", "value": secret }] }),
    ];
    for body in bodies {
        let answer = api.post(&api.keys.a, "/api/v1/endpoints", body).await;
        assert!(!answer.fields().is_empty() && !answer.text.contains(secret), "{}", answer.text);
    }
    let key = api.keys.admin.clone();
    let answer = api.get(&key, &format!("/api/v1/messages?limit={secret}&from={secret}")).await;
    assert!(!answer.text.contains(secret), "{}", answer.text);
}

#[tokio::test]
async fn adv_92_what_stands_twice_is_named() {
    let api = api();
    let url = "\"url\": \"https://example.com/\"";
    let cases = [
        (format!("{{ {url}, {url} }}"), "url"),
        (format!("{{ {url}, \"limits\": {{ \"in_flight\": 1, \"in_flight\": 2 }} }}"), "limits.in_flight"),
    ];
    for (body, field) in cases {
        let request = Request::post("/api/v1/endpoints")
            .header("authorization", format!("Bearer {}", api.keys.admin))
            .header("content-type", "application/json");
        let answer = api.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.fields(), [field], "{}", answer.text);
        assert!(answer.text.contains("stands twice"), "{}", answer.text);
    }
    let answer = api.get(&api.keys.admin, "/api/v1/deliveries?limit=1&limit=2").await;
    assert_eq!(answer.fields(), ["limit"], "{}", answer.text);
}
