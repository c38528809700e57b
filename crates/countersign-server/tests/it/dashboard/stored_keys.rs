//! Signing in with a key that the store holds, and for how long that lasts.

use std::time::Duration;

use axum::http::StatusCode;
use countersign_server::{ApiKey, Server};
use countersign_store::{api_keys::ApiKeyStore, outbox::Page};
use serde_json::{Value, json};

use super::browser::{Browser, serve};
use crate::{
    health::broken,
    support::{access, request, send},
};

const KEYS: &str = "/api/v1/keys";
const SIGN_IN: &str = "/dashboard/sign-in";

/// A key of the store that may do everything.
pub(crate) struct StoredAdmin {
    pub(crate) key: String,
    id: String,
}

impl StoredAdmin {
    pub(crate) async fn make(browser: &Browser, expires_at: Option<&str>) -> Self {
        let label = format!("until {}", expires_at.unwrap_or("removed"));
        let made = make(browser, json!({ "label": label, "scope": "admin", "expires_at": expires_at })).await;
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        StoredAdmin { key: text("key"), id: text("id") }
    }

    /// Removes it at another server of the same store.
    pub(crate) async fn remove_elsewhere(&self, browser: &Browser) {
        let (access, keys) = access();
        let second = Server::new(browser.api.outbox.clone(), access).stored_keys().router();
        let path = format!("{KEYS}/{}", self.id);
        let removed = send(&second, request(&keys.admin, "DELETE", &path, None)).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text);
    }
}

async fn make(browser: &Browser, draft: Value) -> Value {
    let made = browser.api.post(&browser.api.keys.admin, KEYS, draft).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()
}

/// Checks that a page isn't shown, but where one can sign in.
#[track_caller]
fn is_sent_to_sign_in(answer: &crate::support::Answer) {
    let location = answer.header("location");
    assert_eq!((answer.status, location, &*answer.text), (StatusCode::SEE_OTHER, SIGN_IN, ""));
}

#[tokio::test]
async fn adv_97_an_admin_signs_in_with_a_key_of_the_store_and_no_other_holder_does() {
    let mut browser = Browser::new().await;
    for (scope, tenant) in [("app", json!("a")), ("read", json!("a")), ("read", Value::Null)] {
        let label = format!("{scope} of {tenant}");
        let made = make(&browser, json!({ "label": label, "scope": scope, "tenant": tenant })).await;
        let key = made["key"].as_str().unwrap();
        let answer = browser.post(SIGN_IN, &[("key", key)]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""), "{label}");
        assert!(answer.text.contains("This key is not an admin&#39;s") && !answer.text.contains(key));
    }
    let unknown = ApiKey::generate().unwrap();
    let answer = browser.post(SIGN_IN, &[("key", unknown.expose())]).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""));
    assert!(answer.text.contains("This is no key of this server."));

    let admin = StoredAdmin::make(&browser, None).await;
    browser.sign_in_with(&admin.key).await;
    assert!(browser.page("/dashboard").await.contains("Sign out"));
    let endpoint = [("url", "https://example.com/hooks"), ("scheme", "github")];
    assert_eq!(browser.post("/dashboard/endpoints/new", &endpoint).await.status, StatusCode::OK);
    let (caller, action, _) = browser.api.audited.lock().unwrap().last().unwrap().clone();
    assert_eq!((&*caller, action), ("until removed", "endpoint.created"));
}

#[tokio::test]
async fn a_session_ends_at_once_when_another_server_removes_the_key_that_began_it() {
    let mut browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    let admin = StoredAdmin::make(&browser, None).await;
    let mut other = std::mem::take(&mut browser.cookie);
    browser.sign_in_with(&admin.key).await;
    browser.page(&endpoint).await;
    let stored = browser.api.outbox.store().api_keys(&Page::default()).await.unwrap().remove(0);
    admin.remove_elsewhere(&browser).await;
    is_sent_to_sign_in(&browser.post(&format!("{endpoint}/delete"), &[]).await);
    is_sent_to_sign_in(&browser.get(&endpoint).await);
    let again = browser.post(SIGN_IN, &[("key", &admin.key)]).await;
    assert_eq!((again.status, again.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""));
    // It has ended, were the key to come back, from a backup of the database for instance.
    assert!(browser.api.outbox.store().add_api_key(&stored).await.unwrap());
    is_sent_to_sign_in(&browser.get(&endpoint).await);
    // Who has signed in otherwise goes on.
    std::mem::swap(&mut browser.cookie, &mut other);
    browser.page(&endpoint).await;
}

#[tokio::test]
async fn a_session_ends_when_the_key_that_began_it_expires() {
    let mut browser = Browser::new().await;
    let admin = StoredAdmin::make(&browser, Some("2025-11-24T17:00:00Z")).await;
    browser.sign_in_with(&admin.key).await;
    browser.pass(Duration::from_secs(3599));
    browser.page("/dashboard").await;
    browser.pass(Duration::from_secs(1));
    is_sent_to_sign_in(&browser.get("/dashboard").await);
    let again = browser.post(SIGN_IN, &[("key", &admin.key)]).await;
    assert_eq!((again.status, again.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""));
}

#[tokio::test]
async fn adv_98_while_the_store_is_away_a_key_that_it_holds_lets_nobody_in() {
    let mut browser = Browser::signed_in().await;
    let configured = std::mem::take(&mut browser.cookie);
    let admin = StoredAdmin::make(&browser, None).await;
    browser.sign_in_with(&admin.key).await;
    let (here, away) = (browser.origin.clone(), serve(browser.dashboard.on(broken().0)).await);
    browser.origin = away;
    for path in ["/dashboard/endpoints/new", "/dashboard/live"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
        assert!(answer.text.contains("The store can&#39;t be reached") && !answer.text.contains("Sign out"));
    }
    let answer = browser.post(SIGN_IN, &[("key", &admin.key)]).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::SERVICE_UNAVAILABLE, ""));
    // What can't be a key is not asked for, nor is who is known without the store.
    assert_eq!(browser.post(SIGN_IN, &[("key", "csk_x")]).await.status, StatusCode::UNAUTHORIZED);
    let stored = std::mem::replace(&mut browser.cookie, configured);
    browser.page("/dashboard/endpoints/new").await;
    // Where the store is there again the session goes on.
    (browser.origin, browser.cookie) = (here, stored);
    browser.page("/dashboard/endpoints/new").await;
}

#[tokio::test]
async fn adv_98_a_server_without_stored_keys_takes_no_session_of_one() {
    let mut browser = Browser::new().await;
    let admin = StoredAdmin::make(&browser, None).await;
    browser.sign_in_with(&admin.key).await;
    let (access, _) = access();
    let router = Server::new(browser.api.outbox.clone(), access).router();
    browser.origin = serve(browser.dashboard.on(router)).await;
    is_sent_to_sign_in(&browser.get("/dashboard").await);
    let answer = browser.post(SIGN_IN, &[("key", &admin.key)]).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""));
}
