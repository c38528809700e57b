//! API keys that are made while the server runs.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{Router, body::Body, http::StatusCode};
use countersign_server::{Access, ApiKey, Scope, Server};
use countersign_store::{api_keys::ApiKeyStore, outbox::Page};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Api, api, api_with, request, send};

const KEYS: &str = "/api/v1/keys";
const ENDPOINTS: &str = "/api/v1/endpoints";
const NOW: i64 = 1_764_000_000_000_000;

/// Makes a key, and gives the answer.
async fn make(api: &Api, draft: Value) -> Value {
    let made = api.post(&api.keys.admin, KEYS, draft).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    assert!(ApiKey::parse(text(&made, "key")).is_ok());
    made
}

fn text<'a>(json: &'a Value, field: &str) -> &'a str {
    json[field].as_str().unwrap()
}

fn draft(label: &str) -> Value {
    json!({ "label": label, "scope": "admin" })
}

fn of_tenant(label: &str, scope: &str, tenant: &str) -> Value {
    json!({ "label": label, "scope": scope, "tenant": tenant })
}

async fn status(api: &Api, key: &str) -> StatusCode {
    api.get(key, ENDPOINTS).await.status
}

/// Serves a router over a socket, and gives its origin.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    origin
}

#[tokio::test]
async fn a_key_works_at_once_and_ends_at_once_on_every_server_of_the_store() {
    let api = api();
    let none = Access::new();
    let second = Server::new(api.outbox.clone(), none).stored_keys().router();
    let origins = [serve(api.router.clone()).await, serve(second).await];
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let ask = async |origin: &String, key: &str, method: &str, path: &str, body: Option<Value>| {
        let response = client.request(request(key, method, &format!("{origin}{path}"), body)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(Body::new(body), 1 << 20).await.unwrap();
        (parts.status, serde_json::from_slice::<Value>(&body).unwrap_or_default())
    };
    let (_, made) = ask(&origins[0], &api.keys.admin, "POST", KEYS, Some(draft("billing"))).await;
    let key = text(&made, "key");
    for origin in &origins {
        assert_eq!(ask(origin, key, "GET", ENDPOINTS, None).await.0, StatusCode::OK);
    }
    // Made at the first, removed at the second by itself, refused at both.
    let path = format!("{KEYS}/{}", text(&made, "id"));
    assert_eq!(ask(&origins[1], key, "DELETE", &path, None).await.0, StatusCode::NO_CONTENT);
    for origin in &origins {
        let (status, problem) = ask(origin, key, "GET", ENDPOINTS, None).await;
        assert_eq!((status, text(&problem, "title")), (StatusCode::UNAUTHORIZED, "A valid key is missing"));
    }
    let (status, problem) = ask(&origins[0], &api.keys.admin, "DELETE", &path, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
}

#[tokio::test]
async fn a_key_is_refused_from_the_time_at_which_it_expires() {
    let now = Arc::new(AtomicI64::new(NOW));
    let clock = now.clone();
    let api = api_with(|server| server.clock_micros(move || clock.load(Ordering::SeqCst)));
    let mut until = draft("until five");
    until["expires_at"] = json!("2025-11-24T17:00:00Z");
    let made = make(&api, until).await;
    assert_eq!(
        (&made["created_at"], &made["expires_at"]),
        (&json!("2025-11-24T16:00:00.000000Z"), &json!("2025-11-24T17:00:00.000000Z"))
    );
    let hour = 3_600_000_000;
    for (at, expected) in [(0, 200), (hour - 1, 200), (hour, 401), (2 * hour, 401)] {
        now.store(NOW + at, Ordering::SeqCst);
        assert_eq!(status(&api, text(&made, "key")).await.as_u16(), expected, "{at}");
    }
    assert_eq!(api.get(&api.keys.admin, KEYS).await.json()["items"][0]["label"], "until five");
    for past in ["2025-11-24T18:00:00Z", "1970-01-01T00:00:00Z"] {
        let mut draft = draft("late");
        draft["expires_at"] = json!(past);
        assert_eq!(api.post(&api.keys.admin, KEYS, draft).await.fields(), ["expires_at"]);
    }
}

#[tokio::test]
async fn adv_93_a_key_of_one_tenant_sees_nothing_of_another() {
    let api = api();
    let app = make(&api, of_tenant("app of c", "app", "c")).await;
    let reader = make(&api, of_tenant("reader of c", "read", "c")).await;
    let (app, reader) = (text(&app, "key"), text(&reader, "key"));
    let (others, own) = (api.endpoint(&api.keys.a).await, api.endpoint(app).await);
    for key in [app, reader] {
        let listed = api.get(key, ENDPOINTS).await.json();
        assert_eq!((&listed["items"][0]["id"], &listed["items"][1]), (&json!(own), &Value::Null));
        assert_eq!(api.get(key, &format!("{ENDPOINTS}/{others}")).await.problem(), "not-found");
    }
    assert_eq!(api.get(app, &format!("{ENDPOINTS}/{own}")).await.json()["tenant"], "c");
    let changed = api.call(reader, "DELETE", &format!("{ENDPOINTS}/{own}"), None).await;
    assert_eq!(changed.problem(), "forbidden");
}

#[tokio::test]
async fn adv_97_no_key_but_an_admins_makes_sees_or_removes_keys() {
    let api = api();
    let made = make(&api, of_tenant("app of a", "app", "a")).await;
    let path = format!("{KEYS}/{}", text(&made, "id"));
    let count = api.audited.lock().unwrap().len();
    for key in [&*api.keys.a, &*api.keys.read, text(&made, "key")] {
        for (method, path, body) in
            [("GET", KEYS, None), ("POST", KEYS, Some(draft("mine"))), ("DELETE", &path, None)]
        {
            let answer = api.call(key, method, path, body).await;
            assert_eq!((answer.status, &*answer.problem()), (StatusCode::FORBIDDEN, "forbidden"), "{method}");
        }
    }
    assert_eq!(api.audited.lock().unwrap().len(), count);
    assert_eq!(status(&api, text(&made, "key")).await, StatusCode::OK);
}

#[tokio::test]
async fn what_a_key_does_stands_in_the_log_under_its_label() {
    let api = api();
    let made = make(&api, draft("night shift")).await;
    let endpoint = api.endpoint(text(&made, "key")).await;
    let path = format!("{KEYS}/{}", text(&made, "id"));
    api.call(&api.keys.admin, "DELETE", &path, None).await;
    let id = text(&made, "id").to_owned();
    let expected = [
        ("admin".to_owned(), "key.created", id.clone()),
        ("night shift".to_owned(), "endpoint.created", endpoint),
        ("admin".to_owned(), "key.removed", id),
    ];
    assert_eq!(*api.audited.lock().unwrap(), expected);
}

#[tokio::test]
async fn adv_97_a_key_is_in_the_answer_that_makes_it_and_the_store_has_its_digest() {
    let api = api();
    let made = make(&api, of_tenant("billing", "read", "a")).await;
    let key = text(&made, "key");
    let stored = api.outbox.store().api_keys(&Page::default()).await.unwrap();
    let digest =
        format!("sha256:{}", stored[0].digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert_eq!(ApiKey::parse(key).unwrap().digest().to_string(), digest);
    let listed = api.get(&api.keys.admin, KEYS).await;
    let shown = json!({
        "id": made["id"], "label": "billing", "scope": "read", "tenant": "a",
        "created_at": made["created_at"], "expires_at": null,
    });
    assert_eq!(listed.json(), json!({ "items": [shown], "next": null }));
    let audited = format!("{:?} {stored:?}", api.audited.lock().unwrap());
    for text in [&listed.text, &audited] {
        assert!(!text.contains(&key[4..]) && !text.contains(&digest[7..]), "{text}");
    }
}

#[tokio::test]
async fn adv_97_what_is_like_a_key_is_none() {
    let api = api();
    let made = make(&api, draft("billing")).await;
    let key = text(&made, "key");
    assert_eq!(status(&api, key).await, StatusCode::OK);
    let digest = ApiKey::parse(key).unwrap().digest().to_string();
    let other = ApiKey::generate().unwrap();
    for text in
        [&key[..46], &format!("{key}A"), &key.to_uppercase(), &digest, &digest[7..], other.expose(), "csk_"]
    {
        assert_eq!(status(&api, text).await, StatusCode::UNAUTHORIZED, "{text}");
    }
}

#[tokio::test]
async fn a_label_that_is_taken_is_refused_be_it_the_configurations_or_the_stores() {
    let api = api();
    make(&api, draft("billing")).await;
    for label in ["billing", "admin", "app-a"] {
        let answer = api.post(&api.keys.admin, KEYS, draft(label)).await;
        assert_eq!((answer.status, &*answer.problem()), (StatusCode::CONFLICT, "conflict"), "{label}");
    }
    assert_eq!(api.get(&api.keys.admin, KEYS).await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_can_not_be_made_names_its_fields() {
    let api = api();
    let cases = [
        (json!({ "label": "x" }), "scope"),
        (json!({ "label": "x", "scope": "root" }), "scope"),
        (json!({ "label": "", "scope": "admin" }), "label"),
        (json!({ "label": "a\u{202E}b", "scope": "admin" }), "label"),
        (json!({ "label": "x".repeat(256), "scope": "admin" }), "label"),
        (json!({ "label": "x", "scope": "app" }), "tenant"),
        (json!({ "label": "x", "scope": "app", "tenant": "" }), "tenant"),
        (json!({ "label": "x", "scope": "read", "tenant": "a\0" }), "tenant"),
        (of_tenant("x", "admin", "a"), "tenant"),
        (json!({ "label": "x", "scope": "admin", "expires_at": "tomorrow" }), "expires_at"),
        (json!({ "label": "x", "scope": "admin", "key": "csk_chosen" }), "key"),
    ];
    for (body, field) in cases {
        assert_eq!(api.post(&api.keys.admin, KEYS, body.clone()).await.fields(), [field], "{body}");
    }
    assert_eq!(api.get(&api.keys.admin, KEYS).await.json()["items"], json!([]));
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let api = api();
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(make(&api, draft(&format!("key {number}"))).await["id"].clone());
    }
    let (mut listed, mut path) = (Vec::new(), format!("{KEYS}?limit=2"));
    loop {
        let page = api.get(&api.keys.admin, &path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        listed.extend(items.iter().map(|key| key["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{KEYS}?limit=2&cursor={next}");
    }
    assert_eq!(listed, made);
    assert_eq!(api.get(&api.keys.admin, &format!("{KEYS}?limit=201")).await.fields(), ["limit"]);
}

#[tokio::test]
async fn adv_98_a_server_without_stored_keys_takes_none_and_says_so() {
    let api = api();
    let made = make(&api, draft("billing")).await;
    let key = ApiKey::generate().unwrap();
    let access = Access::new().key("ops", key.digest(), Scope::Admin).unwrap();
    let router = Server::new(api.outbox.clone(), access).router();
    let ask = async |key: &str, path: &str| send(&router, request(key, "GET", path, None)).await;
    assert_eq!(ask(text(&made, "key"), ENDPOINTS).await.problem(), "unauthenticated");
    assert_eq!(ask(key.expose(), KEYS).await.problem(), "not-found");
    let nobody = Server::new(api.outbox.clone(), Access::new()).stored_keys().router();
    let answer = send(&nobody, request(key.expose(), "GET", KEYS, None)).await;
    assert_eq!(answer.problem(), "unauthenticated");
}
