//! Who is let in, and to what.

use axum::{
    Extension,
    body::Body,
    http::{Request, StatusCode},
};
use countersign_server::{Caller, Scope};
use serde_json::json;

use crate::support::{api, request, send};

const PATH: &str = "/api/v1/endpoints";

#[tokio::test]
async fn without_a_key_nothing_is_answered_but_what_anybody_may_know() {
    let api = api();
    let plain = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    for path in [PATH, "/api/v1/messages", "/api/v1/stats", "/api/v1/event-types", "/api/v1/keys"] {
        let answer = api.send(plain(path)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    for path in ["/health", "/ready", "/api/v1/openapi.json"] {
        assert_eq!(api.send(plain(path)).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn adv_97_a_key_is_taken_from_one_authorization_header_and_from_nowhere_else() {
    let api = api();
    let key = api.keys.admin.clone();
    let with = |values: Vec<String>, path: String| {
        let mut request = Request::get(path);
        for value in values {
            request = request.header("authorization", value);
        }
        request.body(Body::empty()).unwrap()
    };
    let good = vec![format!("Bearer {key}")];
    assert_eq!(api.send(with(good.clone(), PATH.into())).await.status, StatusCode::OK);
    assert_eq!(api.send(with(vec![format!("bearer {key}")], PATH.into())).await.status, StatusCode::OK);
    let refused = [
        (vec![], format!("{PATH}?token={key}&key={key}&access_token={key}")),
        (vec![key.clone()], PATH.into()),
        (vec![format!("Basic {key}")], PATH.into()),
        (vec![format!("Bearer  {key}")], PATH.into()),
        (vec![format!("Bearer {key} ")], PATH.into()),
        (vec![format!("Bearer {key}x")], PATH.into()),
        (vec![format!("Bearer {}", &key[..46])], PATH.into()),
        (vec![good[0].clone(), good[0].clone()], PATH.into()),
    ];
    for (values, path) in refused {
        let answer = api.send(with(values.clone(), path)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{values:?}");
        assert!(!answer.text.contains(&key));
    }
}

#[tokio::test]
async fn a_key_that_reads_sees_everything_and_changes_nothing() {
    let api = api();
    let (admin, read) = (&api.keys.admin, &api.keys.read);
    let id = api.endpoint(admin).await;
    api.message(admin, "invoice.paid").await;
    for path in [PATH, &format!("{PATH}/{id}"), "/api/v1/messages", "/api/v1/deliveries", "/api/v1/stats"] {
        assert_eq!(api.get(read, path).await.status, StatusCode::OK, "{path}");
    }
    let endpoint = json!({ "url": "https://example.com/" });
    let changes = [
        ("POST", PATH.to_owned(), Some(endpoint)),
        ("PATCH", format!("{PATH}/{id}"), Some(json!({ "name": "x" }))),
        ("DELETE", format!("{PATH}/{id}"), None),
        ("POST", format!("{PATH}/{id}/enable"), None),
        ("POST", format!("{PATH}/{id}/disable"), None),
        ("POST", format!("{PATH}/{id}/rotate"), None),
        ("POST", format!("{PATH}/{id}/test"), None),
        ("POST", "/api/v1/messages".to_owned(), Some(json!({ "type": "x", "payload": 1 }))),
        ("POST", "/api/v1/deliveries/1/redeliver".to_owned(), None),
        ("POST", "/api/v1/deliveries/1/cancel".to_owned(), None),
        ("POST", "/api/v1/cancellations".to_owned(), Some(json!({ "filter": { "endpoint": id } }))),
        ("POST", "/api/v1/replays".to_owned(), Some(json!({ "filter": { "endpoint": id } }))),
        ("POST", "/api/v1/keys".to_owned(), Some(json!({ "label": "x", "scope": "read" }))),
        ("DELETE", "/api/v1/keys/key_1".to_owned(), None),
    ];
    for (method, path, body) in changes {
        let answer = api.call(read, method, &path, body).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::FORBIDDEN, "forbidden"),
            "{path}"
        );
    }
    assert_eq!(api.audited.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_reads_is_shown_no_path_of_a_url() {
    let api = api();
    let secret_path = json!({ "url": "https://hooks.example.com/services/TOKEN?x=1" });
    let made = api.post(&api.keys.admin, PATH, secret_path).await.json();
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    assert_eq!(api.get(&api.keys.read, &path).await.json()["url"], "https://hooks.example.com/…");
    assert_eq!(
        api.get(&api.keys.admin, &path).await.json()["url"],
        "https://hooks.example.com/services/TOKEN?x=1"
    );
}

#[tokio::test]
async fn an_application_can_let_in_whom_it_knows() {
    let api = api();
    let id = api.endpoint(&api.keys.a).await;
    let tenant = "b".to_owned();
    let known = Caller::new("alice", Scope::App { tenant });
    let router = api.router.clone().layer(Extension(known));
    let plain = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(send(&router, plain(PATH)).await.json()["items"], json!([]));
    assert_eq!(send(&router, plain(&format!("{PATH}/{id}"))).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn adv_95_whom_the_application_lets_in_asks_from_its_own_pages_or_by_a_program() {
    let api = api();
    let id = api.endpoint(&api.keys.admin).await;
    let let_in = api.router.clone().layer(Extension(Caller::new("sso", Scope::Admin)));
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(method).uri(path).header("host", "ops.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(&let_in, request.body(Body::empty()).unwrap()).await
    };
    let foreign: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://ops.example")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for headers in foreign {
        for change in ["disable", "enable", "rotate", "test"] {
            let answer = ask("POST", &format!("{PATH}/{id}/{change}"), headers).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::FORBIDDEN, "forbidden"),
                "{change} {headers:?}"
            );
        }
        assert_eq!(ask("DELETE", &format!("{PATH}/{id}"), headers).await.status, StatusCode::FORBIDDEN);
        // What only reads tells a page of another origin nothing: no header lets it see the answer.
        assert_eq!(ask("GET", PATH, headers).await.status, StatusCode::OK, "{headers:?}");
        let mut by_key = request(&api.keys.admin, "POST", &format!("{PATH}/{id}/enable"), None);
        by_key
            .headers_mut()
            .extend(headers.iter().map(|(name, value)| (name.parse().ok(), value.parse().unwrap())));
        assert_eq!(api.send(by_key).await.status, StatusCode::OK, "{headers:?}");
    }
    let own: [&[(&str, &str)]; 3] =
        [&[("sec-fetch-site", "same-origin")], &[("origin", "https://ops.example")], &[]];
    for headers in own {
        let answer = ask("POST", &format!("{PATH}/{id}/disable"), headers).await;
        assert_eq!(answer.status, StatusCode::OK, "{headers:?}");
    }
}

#[tokio::test]
async fn adv_95_what_another_site_can_send_by_itself_changes_nothing() {
    let api = api();
    let body = json!({ "url": "https://example.com/" }).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let mut request = request(&api.keys.admin, "POST", PATH, None);
        *request.body_mut() = Body::from(body.clone());
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        let answer = api.send(request).await;
        assert_eq!(answer.problem(), "unsupported-media-type", "{kind}");
    }
    // A browser's cookies are no key.
    let mut cookie = request("", "POST", PATH, Some(json!({ "url": "https://example.com/" })));
    cookie.headers_mut().remove("authorization");
    cookie.headers_mut().insert("cookie", format!("key={}", api.keys.admin).parse().unwrap());
    assert_eq!(api.send(cookie).await.status, StatusCode::UNAUTHORIZED);
    // Nor is another origin told that it may ask.
    let mut preflight = request(&api.keys.admin, "OPTIONS", PATH, None);
    preflight.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    preflight.headers_mut().insert("access-control-request-method", "POST".parse().unwrap());
    let answer = api.send(preflight).await;
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{answer:?}");
    assert!(api.audited.lock().unwrap().is_empty());
}
