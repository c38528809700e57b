//! What one tenant sees of another: nothing.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Api, api, request};

/// The ids of what a tenant has.
struct Own {
    endpoint: String,
    message: String,
    delivery: String,
    key: String,
}

async fn fill(api: &Api, key: &str) -> Own {
    let endpoint = api.endpoint(key).await;
    let message = api.message(key, "invoice.paid").await;
    let deliveries = api.get(key, "/api/v1/deliveries").await.json();
    let draft = json!({ "label": endpoint, "scope": "read" });
    let made = api.post(&api.keys.admin, "/api/v1/keys", draft).await.json();
    let key = made["id"].as_str().unwrap().to_owned();
    Own { endpoint, message, delivery: deliveries["items"][0]["id"].to_string(), key }
}

/// The routes of the description that name something: method, path, and a body where one is needed.
async fn routes_of_things(api: &Api) -> Vec<(String, String, bool)> {
    let document = api.get("", "/api/v1/openapi.json").await.json();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if path.contains('{') && !path.contains("{name}") {
                let needs_body = operation["requestBody"]["required"] == true;
                routes.push((method.to_uppercase(), format!("/api/v1{path}"), needs_body));
            }
        }
    }
    routes
}

#[tokio::test]
async fn adv_93_what_is_another_tenants_is_answered_as_what_does_not_exist_on_every_route() {
    let api = api();
    let (a, b) = (api.keys.a.clone(), api.keys.b.clone());
    let (own, others) = (fill(&api, &b).await, fill(&api, &a).await);
    let nothing =
        Own { endpoint: "ep_0".into(), message: "msg_0".into(), delivery: "99".into(), key: "key_0".into() };
    let routes = routes_of_things(&api).await;
    assert!(routes.len() == 12, "{routes:?}");
    let at = |path: &str, ids: &Own| {
        let path = path.replace("{endpoint}", &ids.endpoint).replace("{message}", &ids.message);
        path.replace("{delivery}", &ids.delivery).replace("{key}", &ids.key)
    };
    for (method, path, needs_body) in &routes {
        let body = || needs_body.then(|| json!({}));
        let answer = api.call(&b, method, &at(path, &others), body()).await;
        // Keys are for admins: those of others aren't looked up at all.
        let expected = if path.contains("{key}") { "forbidden" } else { "not-found" };
        assert_eq!(answer.problem(), expected, "{method} {path}");
        let missing = api.call(&b, method, &at(path, &nothing), body()).await;
        assert_eq!(answer.text, missing.text, "{method} {path}");
    }
    // Nothing of it was done, and each route answers its owner otherwise.
    let untouched = api.get(&a, &format!("/api/v1/endpoints/{}", others.endpoint)).await.json();
    assert_eq!((&untouched["enabled"], untouched["secrets"].as_array().unwrap().len()), (&json!(true), 1));
    for (method, path, needs_body) in routes.iter().filter(|(method, ..)| method != "DELETE") {
        let answer = api.call(&b, method, &at(path, &own), needs_body.then(|| json!({}))).await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
}

#[tokio::test]
async fn adv_93_lists_counts_and_replays_hold_nothing_of_another_tenant() {
    let api = api();
    let (a, b) = (api.keys.a.clone(), api.keys.b.clone());
    let others = fill(&api, &a).await;
    let empty = [
        "/api/v1/endpoints".to_owned(),
        "/api/v1/messages".to_owned(),
        "/api/v1/deliveries".to_owned(),
        format!("/api/v1/deliveries?endpoint={}", others.endpoint),
        format!("/api/v1/deliveries?message={}", others.message),
        format!("/api/v1/stats/activity?endpoint={}", others.endpoint),
        format!("/api/v1/endpoints?cursor={}", &others.endpoint[..4]),
    ];
    for path in &empty {
        assert_eq!(api.get(&b, path).await.json()["items"], json!([]), "{path}");
    }
    assert_eq!(api.get(&b, "/api/v1/stats").await.json()["pending"], 0);
    let count = format!("/api/v1/replays/count?endpoint={}", others.endpoint);
    assert_eq!(api.get(&b, &count).await.json()["count"], 0);
    let replay = json!({ "filter": { "endpoint": others.endpoint } });
    assert_eq!(api.post(&b, "/api/v1/replays", replay).await.json()["redelivered"], 0);
    // Another's message is no place to go on from, and their tenant no filter.
    let cursor = format!("/api/v1/messages?cursor={}", others.message);
    assert_eq!(api.get(&b, &cursor).await.fields(), ["cursor"]);
    for path in ["/api/v1/endpoints", "/api/v1/messages", "/api/v1/deliveries", "/api/v1/stats/activity"] {
        assert_eq!(api.get(&b, &format!("{path}?tenant=a")).await.fields(), ["tenant"], "{path}");
        assert_eq!(api.get(&b, &format!("{path}?tenant=b")).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(api.get(&b, "/api/v1/replays/count?tenant=a&message=x").await.fields(), ["tenant"]);
}

#[tokio::test]
async fn adv_93_nothing_is_made_for_another_tenant() {
    let api = api();
    let b = &api.keys.b;
    let made = [
        ("/api/v1/endpoints", json!({ "url": "https://example.com/", "tenant": "a" })),
        ("/api/v1/messages", json!({ "type": "x", "payload": {}, "tenant": "a" })),
    ];
    for (path, body) in made {
        assert_eq!(api.post(b, path, body).await.fields(), ["tenant"], "{path}");
    }
    let (endpoint, message) = (api.endpoint(b).await, api.message(b, "x").await);
    for path in [format!("/api/v1/endpoints/{endpoint}"), format!("/api/v1/messages/{message}")] {
        assert_eq!(api.get(&api.keys.admin, &path).await.json()["tenant"], "b");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_a_tenants_own() {
    let api = api();
    let enqueue = async |key: &str| {
        let body = json!({ "type": "x", "payload": {} });
        let mut request = request(key, "POST", "/api/v1/messages", Some(body));
        request.headers_mut().insert("idempotency-key", "\"one\"".parse().unwrap());
        api.send(request).await.json()
    };
    let (of_a, of_b) = (enqueue(&api.keys.a).await, enqueue(&api.keys.b).await);
    assert_ne!(of_a["id"], of_b["id"]);
    assert_eq!((&of_a["duplicate"], &of_b["duplicate"]), (&Value::Bool(false), &Value::Bool(false)));
}
