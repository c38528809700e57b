//! What others try.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use countersign_store::{
    api_keys::{ApiKeyStore, Scope, StoredKey},
    outbox::{Endpoint, NewMessage, OutboxStore},
};

use super::browser::Browser;

const MARKUP: &str = "</script></pre><script>alert(1)</script>\"><img src=x onerror=alert(1)>'\u{202E}gpj";

/// Every page, with an endpoint and a delivery of these ids.
fn pages(endpoint: &str, message: &str) -> Vec<String> {
    let endpoint = format!("/endpoints/{endpoint}");
    let below = ["", "/edit", "/delete", "/secret", "/replay"].map(|page| format!("{endpoint}{page}"));
    let others = [
        "",
        "/endpoints",
        "/endpoints/new",
        "/deliveries",
        "/deliveries/1",
        "/messages",
        &format!("/messages/{message}"),
        "/tenants",
        "/keys",
        "/keys/new",
        "/keys/key_%3Cscript%3E/remove",
    ];
    let all = below.into_iter().chain(others.map(str::to_owned));
    all.map(|path| format!("/dashboard{path}")).collect()
}

/// Every form.
fn forms(endpoint: &str) -> Vec<String> {
    let endpoint = format!("/endpoints/{endpoint}");
    let below = ["edit", "enable", "disable", "delete", "secret", "test", "replay", "cancel"];
    let below = below.map(|form| format!("{endpoint}/{form}"));
    let others = ["/endpoints/new", "/deliveries/1/redeliver", "/deliveries/1/cancel"];
    let keys = ["/keys/new", "/keys/key_%3Cscript%3E/remove"];
    let others = others.into_iter().chain(keys).map(str::to_owned);
    below.into_iter().chain(others).map(|path| format!("/dashboard{path}")).collect()
}

#[tokio::test]
async fn adv_93_without_a_session_every_page_and_form_leads_to_the_sign_in() {
    let mut browser = Browser::new().await;
    let endpoint = browser.endpoint().await;
    let id = endpoint.rsplit('/').next().unwrap();
    let message = browser.message("invoice.paid").await;
    for cookie in ["", "countersign=", "countersign=nonsense", "other=1; countersign=x; y"] {
        browser.cookie = cookie.to_owned();
        for path in pages(id, &message).into_iter().chain([format!("/dashboard/messages/{message}/payload")])
        {
            let answer = browser.get(&path).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::SEE_OTHER, "/dashboard/sign-in"),
                "{path}"
            );
            assert_eq!(answer.text, "");
        }
        for path in forms(id) {
            let answer = browser.post(&path, &[("url", "https://example.com/")]).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::SEE_OTHER, "/dashboard/sign-in"),
                "{path}"
            );
        }
    }
    assert_eq!(browser.api.audited.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn adv_95_a_form_of_another_origin_does_nothing_whatever_cookie_comes_with_it() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    let id = endpoint.rsplit('/').next().unwrap();
    let others = ["/dashboard/sign-in".to_owned(), "/dashboard/sign-out".to_owned()];
    for path in forms(id).into_iter().chain(others) {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"] {
            let answer = browser.send(browser.form(&path, &[URL], origin)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {origin}");
        }
        let mut fetched = browser.form(&path, &[URL], &browser.origin);
        fetched.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        assert_eq!(browser.send(fetched).await.status, StatusCode::FORBIDDEN, "{path}");
        let mut silent = browser.form(&path, &[URL], &browser.origin);
        silent.headers_mut().remove(header::ORIGIN);
        assert_eq!(browser.send(silent).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    browser.page(&endpoint).await;
    assert_eq!(browser.api.audited.lock().unwrap().len(), 1);
}

const URL: (&str, &str) = ("url", "https://example.com/");

#[tokio::test]
async fn adv_95_json_as_plain_text_is_no_form_and_a_cookie_is_no_key_of_the_api() {
    let browser = Browser::signed_in().await;
    let request = |path: &str, kind: &str| {
        Request::post(format!("{}{path}", browser.origin))
            .header(header::ORIGIN, &browser.origin)
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from("{\"url\":\"https://example.com/\"}"))
            .unwrap()
    };
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        let answer = browser.send(request("/dashboard/endpoints/new", kind)).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let answer = browser.send(request("/api/v1/endpoints", "application/json")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn adv_94_hostile_texts_are_shown_as_text_on_every_page() {
    let browser = Browser::signed_in().await;
    let store = browser.api.outbox.store();
    let mut endpoint = Endpoint::new("ep_<script>", format!("https://example.com/{MARKUP}"), MARKUP);
    endpoint.name = MARKUP.to_owned();
    (endpoint.events, endpoint.channels) = (vec!["*".to_owned(), MARKUP.to_owned()], vec![MARKUP.to_owned()]);
    endpoint.headers = vec![(MARKUP.to_owned(), "x".to_owned())];
    store.put_endpoint(&endpoint).await.unwrap();
    let mut message = NewMessage::new(MARKUP, MARKUP);
    (message.content_type, message.endpoint_id) = (MARKUP.to_owned(), Some("ep_<script>".to_owned()));
    let id = store.enqueue(&[message]).await.unwrap().remove(0).id;
    browser.settle(500, MARKUP).await;
    let mut of_tenant = NewMessage::new("x", "{}");
    of_tenant.tenant = Some(MARKUP.to_owned());
    store.enqueue(&[of_tenant]).await.unwrap();
    store.add_api_key(&hostile_key()).await.unwrap();
    let mut shown = 0;
    for path in pages("ep_%3Cscript%3E", &id) {
        let page = browser.page(&path).await;
        assert!(!page.contains("<script>") && !page.contains("<img"), "{path}");
        // A form holds what it would save.
        assert!(path.ends_with("/edit") || !page.contains('\u{202E}'), "{path}");
        shown += page.matches("&#60;img src=x onerror=alert(1)&#62;&#39;\\u{202e}gpj").count();
    }
    assert!(shown > 20, "{shown}");
    let encoded: String = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    for path in [
        "messages?type=",
        "messages?id=",
        "messages?from=",
        "endpoints?cursor=",
        "endpoints?tenant=",
        "deliveries?tenant=",
        "messages?tenant=",
        "tenants?cursor=",
        "keys?cursor=",
        "sign-in?token=",
        "?done=",
        "?span=",
    ] {
        let answer = browser.get(&format!("/dashboard/{path}{encoded}")).await;
        assert!(!answer.text.contains("<script>") && !answer.text.contains("<img"), "{path}");
    }
}

/// A key whose label and tenant are markup.
fn hostile_key() -> StoredKey {
    StoredKey {
        id: "key_<script>".to_owned(),
        label: MARKUP.to_owned(),
        digest: [7; 32],
        scope: Scope::App { tenant: MARKUP.to_owned() },
        created_at: 0,
        expires_at: None,
    }
}

#[tokio::test]
async fn adv_94_a_form_that_comes_back_shows_what_was_typed_as_text() {
    let browser = Browser::signed_in().await;
    let fields = ["name", "url", "events", "channels", "scheme", "tenant", "limits.in_flight"]
        .map(|name| (name, MARKUP));
    let answer = browser.post("/dashboard/endpoints/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text.contains("<script>") && !answer.text.contains("<img"));
    let fields = ["label", "scope", "tenant", "expires_at"].map(|name| (name, MARKUP));
    let answer = browser.post("/dashboard/keys/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text.contains("<script>") && !answer.text.contains("<img"));
    for url in ["javascript:alert(1)", "JAVASCRIPT://x/%0aalert(1)", "data:text/html,x"] {
        let answer = browser.post("/dashboard/endpoints/new", &[("url", url), ("scheme", "github")]).await;
        assert!(answer.text.contains("id=\"url-mistake\""), "{url}");
    }
}

#[tokio::test]
async fn adv_94_every_answer_has_the_policy_and_a_payload_is_a_file_of_plain_text() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    let id = endpoint.rsplit('/').next().unwrap();
    let message = browser.message("invoice.paid").await;
    let files = ["sign-in", "dashboard.css", "copy.js", "htmx.js", "live.js", "nothing"];
    let files = files.map(|name| format!("/dashboard/{name}"));
    for path in pages(id, &message).into_iter().chain(files) {
        let answer = browser.get(&path).await;
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{path} {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        // No inline script, style or handler, which the policy would refuse.
        assert!(!answer.text.contains(" style=\"") && !answer.text.contains(" onclick"), "{path}");
        assert!(
            answer.text.split("<script").skip(1).all(|tag| tag.starts_with(" src=\"/dashboard/")),
            "{path}"
        );
    }
    let file = browser.get(&format!("/dashboard/messages/{message}/payload")).await;
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"payload.txt\"");
    assert_eq!(file.text, "{\"amount\":42}");
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let browser = Browser::signed_in().await;
    let long = "x".repeat(2 << 20);
    let answer = browser.post("/dashboard/endpoints/new", &[("name", &long)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
