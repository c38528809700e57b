//! Who is let in, and for how long.

use std::time::Duration;

use axum::{Extension, Router, http::StatusCode};
use countersign_server::{Caller, Dashboard, Scope};

use super::browser::Browser;
use crate::support::{api, request, send};

#[tokio::test]
async fn without_a_dashboard_a_server_has_no_pages() {
    let api = api();
    for path in ["/dashboard", "/dashboard/sign-in", "/dashboard/dashboard.css"] {
        let answer = send(&api.router, request("", "GET", path, None)).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::NOT_FOUND, "not-found"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn adv_97_a_session_begins_with_an_admins_key_and_its_cookie_is_for_this_dashboard_alone() {
    let browser = Browser::new().await;
    assert!(browser.page("/dashboard/sign-in").await.contains("Key of an admin"));
    let key = browser.api.keys.admin.clone();
    let answer = browser.post("/dashboard/sign-in", &[("key", &key)]).await;
    let cookie = answer.header("set-cookie").to_owned();
    let (text, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(text.strip_prefix("countersign=").unwrap().len(), 43);
    assert_eq!(attributes, " Path=/dashboard; Max-Age=43200; HttpOnly; SameSite=Strict");
    assert!(!answer.text.contains(&key) && !cookie.contains(&key));
}

#[tokio::test]
async fn a_cookie_is_secure_but_on_loopback() {
    let browser = Browser::new().await;
    let secure = Dashboard::new();
    let origin = super::browser::serve(secure.on(browser.api.router.clone())).await;
    let mut elsewhere = Browser::new().await;
    elsewhere.origin = origin;
    let link = secure.sign_in_link().unwrap();
    let token = link.split_once("token=").unwrap().1;
    let answer = elsewhere.post("/dashboard/sign-in", &[("token", token)]).await;
    assert!(answer.header("set-cookie").ends_with("; HttpOnly; SameSite=Strict; Secure"));
}

#[tokio::test]
async fn other_keys_and_no_key_are_not_let_in() {
    let browser = Browser::new().await;
    let keys = &browser.api.keys;
    for key in ["", "csk_x", &keys.a, &keys.read] {
        let answer = browser.post("/dashboard/sign-in", &[("key", key)]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""), "{key}");
        assert!(answer.text.contains("role=\"alert\"") && (key.is_empty() || !answer.text.contains(key)));
    }
}

#[tokio::test]
async fn adv_98_a_link_signs_in_once_within_ten_minutes_and_looking_at_it_uses_nothing_up() {
    let mut browser = Browser::new().await;
    let link = browser.dashboard.sign_in_link().unwrap();
    let token = link.strip_prefix("/dashboard/sign-in?token=").unwrap();
    for _ in 0..2 {
        let looked = browser.get(&link).await;
        assert!(looked.text.contains(token) && looked.header("set-cookie").is_empty());
    }
    let entered = browser.post("/dashboard/sign-in", &[("token", token)]).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
    let again = browser.post("/dashboard/sign-in", &[("token", token)]).await;
    assert_eq!((again.status, again.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""));
    assert!(again.text.contains("used already"));

    let link = browser.dashboard.sign_in_link().unwrap();
    browser.pass(Duration::from_secs(600));
    let late = browser.post("/dashboard/sign-in", &[("token", link.split_once("token=").unwrap().1)]).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    browser.cookie = entered.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(browser.page("/dashboard").await.contains("Sign out"));
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours() {
    let browser = Browser::signed_in().await;
    browser.pass(Duration::from_secs(12 * 3600 - 1));
    browser.page("/dashboard").await;
    browser.pass(Duration::from_secs(1));
    let answer = browser.get("/dashboard").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/dashboard/sign-in"));
}

#[tokio::test]
async fn signing_out_ends_the_session_for_whoever_has_its_cookie() {
    let browser = Browser::signed_in().await;
    let answer = browser.post("/dashboard/sign-out", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/dashboard/sign-in"));
    assert!(answer.header("set-cookie").starts_with("countersign=; Path=/dashboard; Max-Age=0"));
    assert_eq!(browser.get("/dashboard").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_that_somebody_else_has_chosen_is_never_taken_over() {
    let mut browser = Browser::new().await;
    browser.cookie = format!("countersign={}", "A".repeat(43));
    let planted = browser.cookie.clone();
    browser.sign_in().await;
    assert_ne!(browser.cookie, planted);
    let first = std::mem::replace(&mut browser.cookie, planted);
    assert_eq!(browser.get("/dashboard").await.status, StatusCode::SEE_OTHER);
    // Who signs in again has a new session, and the old one has ended.
    browser.cookie = first.clone();
    browser.sign_in().await;
    let second = std::mem::replace(&mut browser.cookie, first);
    assert_eq!(browser.get("/dashboard").await.status, StatusCode::SEE_OTHER);
    browser.cookie = second;
    browser.page("/dashboard").await;
}

#[tokio::test]
async fn whom_the_application_lets_in_needs_no_session_and_must_be_an_admin() {
    let caller = |scope| move |router: Router| router.layer(Extension(Caller::new("sso", scope)));
    let admin = Browser::of(|server| server, caller(Scope::Admin)).await;
    let page = admin.page("/dashboard/endpoints").await;
    assert!(page.contains("Create an endpoint") && !page.contains("Sign out"));
    let tenant = Scope::App { tenant: "a".to_owned() };
    for scope in [tenant, Scope::Read { tenant: None }] {
        let other = Browser::of(|server| server, caller(scope)).await;
        let answer = other.get("/dashboard/endpoints").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.text.contains("the dashboard is for admins"));
    }
}

#[tokio::test]
async fn mounted_under_a_path_every_link_and_the_cookie_keep_to_it() {
    let mut browser = Browser::of(|server| server, |router| Router::new().nest("/admin", router)).await;
    let key = browser.api.keys.admin.clone();
    let answer = browser.post("/admin/dashboard/sign-in", &[("key", &key)]).await;
    assert_eq!(answer.header("location"), "/admin/dashboard");
    assert!(answer.header("set-cookie").contains("; Path=/admin/dashboard;"));
    browser.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    for path in ["/admin/dashboard", "/admin/dashboard/endpoints", "/admin/dashboard/messages"] {
        let text = browser.page(path).await;
        let links: Vec<_> = text.split("=\"/").skip(1).collect();
        let keeps = |link: &&str| link.starts_with("admin/dashboard") || link.starts_with("admin/api/docs\"");
        assert!(links.len() > 4 && links.iter().all(keeps), "{path}");
    }
}
