//! Pages that are kept up to date while they are looked at.

use std::{ops::RangeInclusive, sync::atomic::Ordering, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use countersign_dispatch::Outbox;
use countersign_server::{Caller, Dashboard, Scope, Server};
use countersign_store::outbox::{Endpoint, NewMessage, OutboxStore};
use http_body_util::BodyExt as _;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{Instant, sleep, timeout},
};
use tower::ServiceExt as _;

use super::{browser::Browser, stored_keys::StoredAdmin};
use crate::{
    carried::Late,
    support::{access, api},
};

/// A stream, as a browser reads it.
struct Stream(Body);

impl Stream {
    /// What is sent next, and after how many seconds; nothing, where the stream has ended.
    async fn next(&mut self) -> (u64, Option<String>) {
        let asked = Instant::now();
        let frame = self.0.frame().await.map(|frame| frame.unwrap().into_data().unwrap());
        (asked.elapsed().as_secs(), frame.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
    }

    /// The HTML that is sent next, and what it is known by.
    async fn news(&mut self) -> (String, String) {
        loop {
            let event = self.next().await.1.expect("the stream goes on");
            let field = |name: &str| {
                let lines = event.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                lines.collect::<Vec<_>>().join("\n")
            };
            if !field("data").is_empty() {
                return (field("data"), field("id"));
            }
        }
    }

    /// Waits for the end, and says after how many seconds it came.
    async fn end(mut self) -> u64 {
        let mut waited = 0;
        loop {
            let (seconds, event) = self.next().await;
            waited += seconds;
            if event.is_none() {
                return waited;
            }
        }
    }
}

/// The value of an attribute of a page.
fn attribute(page: &str, name: &str) -> String {
    let rest = page.split_once(&format!(" {name}=\"")).expect("the attribute").1;
    rest.split_once('"').unwrap().0.replace("&#38;", "&")
}

/// What a browser asks for when a page tells where its stream is.
fn source(page: &str) -> Request<Body> {
    let path = attribute(page, "sse-connect");
    Request::get(path).header(header::ACCEPT, "text/event-stream").body(Body::empty()).unwrap()
}

async fn open(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

fn value<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

/// A dashboard for whom the application lets in.
fn trusted(dashboard: &Dashboard) -> Router {
    dashboard.on(api().router).layer(Extension(Caller::new("sso", Scope::Admin)))
}

fn overview() -> Request<Body> {
    Request::get("/dashboard/live").body(Body::empty()).unwrap()
}

impl Browser {
    /// Opens the stream of a page, past the sockets: their time doesn't stand still.
    async fn watch(&self, page: &str) -> Stream {
        let response = self.stream(source(page)).await;
        assert_eq!(response.status(), StatusCode::OK);
        Stream(response.into_body())
    }

    async fn stream(&self, mut request: Request<Body>) -> Response<Body> {
        request.headers_mut().insert(header::COOKIE, self.cookie.parse().unwrap());
        open(&self.dashboard.on(self.api.router.clone()), request).await
    }
}

#[tokio::test]
async fn what_has_changed_is_sent_as_the_page_has_it_and_nothing_else_is() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    browser.message("invoice.paid").await;
    browser.settle(200, "").await;
    for path in ["/dashboard", "/dashboard?span=week", "/dashboard/deliveries/1", &endpoint] {
        let page = browser.page(path).await;
        let mut stream = browser.watch(&page).await;
        assert_eq!(stream.next().await, (0, Some("retry: 3000\n\n".to_owned())), "{path}");
        browser.message("</section><script>alert(1)</script>").await;
        browser.post("/dashboard/deliveries/1/redeliver", &[]).await;
        browser.settle(500, "no space\rleft").await;
        let (parts, id) = stream.news().await;
        let now = browser.page(path).await;
        let newest = parts.lines().filter(|line| !line.is_empty()).all(|line| now.contains(line));
        assert!(newest && !parts.contains("<script"), "{path} {parts}");
        assert!(attribute(&now, "sse-connect").ends_with(&format!("since={id}")), "{path}");
        tokio::time::pause();
        let quiet: RangeInclusive<u64> = 14..=16;
        let (seconds, event) = stream.next().await;
        assert!(quiet.contains(&seconds) && event.as_deref() == Some(":\n\n"), "{path} {seconds} {event:?}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn what_was_missed_is_sent_first() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    let page = browser.page(&endpoint).await;
    browser.message("invoice.paid").await;
    let (parts, id) = browser.watch(&page).await.news().await;
    assert!(parts.contains("invoice.paid"));
    let mut again = source(&page);
    again.headers_mut().insert("last-event-id", id.parse().unwrap());
    let mut stream = Stream(browser.stream(again).await.into_body());
    assert_eq!(stream.next().await.1.as_deref(), Some("retry: 3000\n\n"));
}

/// A glance at its deliveries doesn't tell.
#[tokio::test]
async fn that_an_endpoint_was_disabled_is_sent_within_ten_seconds() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    let mut stream = browser.watch(&browser.page(&endpoint).await).await;
    browser.post(&format!("{endpoint}/disable"), &[]).await;
    tokio::time::pause();
    let began = Instant::now();
    assert!(stream.news().await.0.contains("somebody has disabled it"));
    assert!(began.elapsed() <= Duration::from_secs(11));
}

#[tokio::test]
async fn older_rows_are_not_kept_up_to_date() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    browser.api.fill(None, 30).await;
    let older = browser.page(&format!("{endpoint}?cursor=10")).await;
    assert!(older.contains("<table") && !older.contains("sse-connect") && !older.contains("/htmx.js"));
}

#[tokio::test]
async fn adv_93_without_a_session_there_is_no_stream() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    browser.message("invoice.paid").await;
    let router = browser.dashboard.on(browser.api.router.clone());
    for path in ["/dashboard", &endpoint, "/dashboard/deliveries/1"] {
        let answer = open(&router, source(&browser.page(path).await)).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(browser.stream(overview()).await.status(), StatusCode::OK);
    }
    let other = open(&router, overview()).await;
    assert_eq!((other.status(), value(&other, "location")), (StatusCode::SEE_OTHER, "/dashboard/sign-in"));
}

#[tokio::test]
async fn adv_97_a_stream_ends_with_its_session() {
    let browser = Browser::signed_in().await;
    let mut stream = browser.watch(&browser.page("/dashboard").await).await;
    stream.next().await;
    browser.post("/dashboard/sign-out", &[]).await;
    tokio::time::pause();
    assert_eq!(stream.end().await, 1);

    tokio::time::resume();
    let browser = Browser::signed_in().await;
    let stream = browser.watch(&browser.page("/dashboard").await).await;
    browser.pass(Duration::from_secs(12 * 3600));
    tokio::time::pause();
    assert_eq!(stream.end().await, 1);
}

#[tokio::test]
async fn adv_97_a_stream_ends_within_a_second_when_the_key_that_signed_in_is_removed_or_expires() {
    let mut browser = Browser::new().await;
    let removed = StoredAdmin::make(&browser, None).await;
    browser.sign_in_with(&removed.key).await;
    let mut stream = browser.watch(&browser.page("/dashboard").await).await;
    stream.next().await;
    removed.remove_elsewhere(&browser).await;
    tokio::time::pause();
    assert_eq!(stream.end().await, 1);

    tokio::time::resume();
    let expiring = StoredAdmin::make(&browser, Some("2025-11-24T17:00:00Z")).await;
    browser.sign_in_with(&expiring.key).await;
    let mut stream = browser.watch(&browser.page("/dashboard").await).await;
    stream.next().await;
    browser.pass(Duration::from_secs(3599));
    tokio::time::pause();
    assert_eq!(stream.next().await, (15, Some(":\n\n".to_owned())));
    browser.pass(Duration::from_secs(1));
    assert_eq!(stream.end().await, 1);
}

#[tokio::test]
async fn the_stream_of_an_endpoint_that_is_deleted_ends() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    let page = browser.page(&endpoint).await;
    let stream = browser.watch(&page).await;
    browser.post(&format!("{endpoint}/delete"), &[]).await;
    tokio::time::pause();
    assert!(stream.end().await <= 11);
    assert_eq!(browser.stream(source(&page)).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_by_itself_after_ten_minutes_and_says_something_each_quarter_of_a_minute() {
    let response = open(&trusted(&Dashboard::new()), overview()).await;
    let headers = ["content-type", "cache-control", "x-accel-buffering"].map(|name| value(&response, name));
    assert_eq!(headers, ["text/event-stream", "no-store", "no"]);
    let mut stream = Stream(response.into_body());
    assert!(stream.next().await.1.unwrap().contains("\ndata: <div id=\"figures\" hx-swap-oob=\"morph\">"));
    let (began, mut said) = (Instant::now(), 0);
    while let (seconds, Some(_)) = stream.next().await {
        assert!(seconds <= 16, "{seconds}");
        said += 1;
    }
    assert_eq!((began.elapsed().as_secs(), said), (600, 39));
}

/// Counting a million attempts takes SQLite a second, in which nothing is delivered.
#[tokio::test(start_paused = true)]
async fn what_takes_long_to_count_is_counted_seldom_however_much_happens() {
    let store = Late::counting_for(Duration::from_secs(2));
    let (counted, outbox) = (store.counted.clone(), Outbox::new(store));
    outbox.store().put_endpoint(&Endpoint::new("ep", "https://example.com/", "github")).await.unwrap();
    let server = Server::new(outbox.clone(), access().0);
    let router = Dashboard::new().on(server.router()).layer(Extension(Caller::new("sso", Scope::Admin)));
    let mut stream = Stream(open(&router, overview()).await.into_body());
    let busy = async {
        loop {
            outbox.enqueue(&[NewMessage::new("invoice.paid", "{}")]).await.unwrap();
            sleep(Duration::from_millis(500)).await;
        }
    };
    let looked_at = async { while stream.next().await.1.is_some() {} };
    let (begun, minute) = (counted.load(Ordering::SeqCst), Duration::from_secs(60));
    let _ = timeout(minute, async { tokio::join!(busy, looked_at) }).await;
    assert!((2..=4).contains(&(counted.load(Ordering::SeqCst) - begun)), "{counted:?}");
}

#[tokio::test]
async fn adv_99_streams_are_bounded_and_a_page_is_shown_all_the_same() {
    let router = trusted(&Dashboard::new().max_streams(2));
    let (one, other) = (open(&router, overview()).await, open(&router, overview()).await);
    assert_eq!((one.status(), other.status()), (StatusCode::OK, StatusCode::OK));
    assert_eq!(open(&router, overview()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let page = Request::get("/dashboard").body(Body::empty()).unwrap();
    assert_eq!(open(&router, page).await.status(), StatusCode::OK);
    drop(one);
    assert_eq!(open(&router, overview()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn mounted_under_a_path_and_with_an_authentication_of_its_own_a_page_has_its_stream() {
    let router = Router::new().nest("/a\"b/{tenant}", trusted(&Dashboard::new()));
    let request = Request::get("/a\"b/x/dashboard?span=week").body(Body::empty()).unwrap();
    let page = open(&router, request).await.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(attribute(&page, "sse-connect").starts_with("/a&#34;b/x/dashboard/live?span=week&since="));
    let request = Request::get("/a\"b/x/dashboard/live?span=week").body(Body::empty()).unwrap();
    let mut stream = Stream(open(&router, request).await.into_body());
    assert!(stream.next().await.1.unwrap().contains("data: <dl class=\"tiles\">"));
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_streams() {
    let dashboard = Dashboard::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    let (router, ending) = (trusted(&dashboard), dashboard.clone());
    let serving = axum::serve(listener, router.clone()).with_graceful_shutdown(async move {
        stopped.await.unwrap();
        ending.end_streams();
    });
    let serving = tokio::spawn(async { serving.await });
    let browser = Browser::new().await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(Stream(browser.open(&format!("{origin}/dashboard/live")).await));
        assert!(streams.last_mut().unwrap().next().await.1.unwrap().contains("retry: 3000"));
    }
    let told = Instant::now();
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
    for mut stream in streams {
        assert_eq!(stream.next().await.1, None);
    }
    assert_eq!(open(&router, overview()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}
