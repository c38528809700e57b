//! A server with a dashboard on a real socket, and a browser that keeps its cookie.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use countersign_server::{Dashboard, Server};
use countersign_store::outbox::{Attempt, Effect, MemoryOutbox, OutboxStore, SettleDelivery, Verdict};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;

use crate::support::{Answer, Api, api_with, local};

/// When everything happens: 2025-11-24T16:00:00Z, in microseconds.
pub(crate) const NOW: i64 = 1_764_000_000_000_000;

/// A server, its dashboard and one browser.
pub(crate) struct Browser {
    pub(crate) api: Api,
    pub(crate) dashboard: Dashboard,
    /// The clock of the server and of the dashboard.
    pub(crate) now: Arc<AtomicI64>,
    pub(crate) origin: String,
    /// The cookie, as it is sent.
    pub(crate) cookie: String,
    client: Client<HttpConnector, Body>,
}

impl Browser {
    /// A browser that isn't signed in.
    pub(crate) async fn new() -> Self {
        Browser::of(|server| server, |router| router).await
    }

    /// A browser that is.
    pub(crate) async fn signed_in() -> Self {
        let mut browser = Browser::new().await;
        browser.sign_in().await;
        browser
    }

    /// A browser at a server, and a router, that are changed in some way.
    pub(crate) async fn of(
        server: impl FnOnce(Server<MemoryOutbox>) -> Server<MemoryOutbox>,
        router: impl FnOnce(Router) -> Router,
    ) -> Self {
        let now = Arc::new(AtomicI64::new(NOW));
        let (one, other) = (now.clone(), now.clone());
        let api =
            api_with(|made| server(made.policy(local()).clock_micros(move || one.load(Ordering::SeqCst))));
        let dashboard = Dashboard::new().on_loopback().clock_micros(move || other.load(Ordering::SeqCst));
        let origin = serve(router(dashboard.on(api.router.clone()))).await;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Browser { api, dashboard, now, origin, cookie: String::new(), client }
    }

    pub(crate) async fn sign_in(&mut self) {
        let key = self.api.keys.admin.clone();
        self.sign_in_with(&key).await;
    }

    pub(crate) async fn sign_in_with(&mut self, key: &str) {
        let answer = self.post("/dashboard/sign-in", &[("key", key)]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/dashboard"));
        self.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now.fetch_add(time.as_micros().try_into().unwrap(), Ordering::SeqCst);
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        if !self.cookie.is_empty() {
            request.headers_mut().insert(header::COOKIE, self.cookie.parse().unwrap());
        }
        let response = self.client.request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(Body::new(body), 10 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// The body that a URL begins to answer with.
    pub(crate) async fn open(&self, url: &str) -> Body {
        Body::new(
            self.client.request(Request::get(url).body(Body::empty()).unwrap()).await.unwrap().into_body(),
        )
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(format!("{}{path}", self.origin)).body(Body::empty()).unwrap()).await
    }

    /// The text of a page that is there.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        check_elements(&answer.text);
        answer.text
    }

    /// Sends a form, as a page of the dashboard does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.form(path, fields, &self.origin)).await
    }

    /// The request of a form on a page of this origin.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)], origin: &str) -> Request<Body> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Request::post(format!("{}{path}", self.origin))
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap()
    }

    /// Makes an endpoint, and gives its path.
    pub(crate) async fn endpoint(&self) -> String {
        format!("/dashboard/endpoints/{}", self.api.endpoint(&self.api.keys.admin).await)
    }

    /// Enqueues a message, and gives its id.
    pub(crate) async fn message(&self, kind: &str) -> String {
        self.api.message(&self.api.keys.admin, kind).await
    }

    /// Settles what is due as a dispatcher would, with this answer.
    pub(crate) async fn settle(&self, status: u16, body: &'static str) {
        self.settle_with(status, body, NOW - 60_000_000, FAILED).await;
    }

    /// Settles what is due, with attempts that began at this time.
    pub(crate) async fn settle_at(&self, status: u16, at: i64) {
        self.settle_with(status, "", at, FAILED).await;
    }

    /// Settles what is due, with failures after which the endpoint is left alone for a while.
    pub(crate) async fn settle_open(&self, open_for: Duration) {
        let failed = Effect::Failed { open_for: Some(open_for) };
        self.settle_with(503, "", NOW - 60_000_000, failed).await;
    }

    /// Gives up all that waits, by failures that say nothing of the endpoints.
    pub(crate) async fn give_up_all(&self) {
        while self.api.outbox.store().depth().await.unwrap().pending > 0 {
            self.settle_with(500, "", NOW - 60_000_000, Effect::None).await;
        }
    }

    async fn settle_with(&self, status: u16, body: &'static str, at: i64, failed: Effect) {
        let store = self.api.outbox.store();
        for claimed in store.claim(1000, Duration::from_secs(60)).await.unwrap() {
            let mut attempt = Attempt::new(claimed.attempt, at, claimed.trigger);
            attempt.request_headers = vec![("webhook-id".to_owned(), claimed.message.id.clone())];
            attempt.response_headers = vec![("server".to_owned(), body.to_owned())];
            (attempt.status, attempt.latency) = (Some(status), Duration::from_micros(12_345));
            attempt.response_body = body.into();
            let is_success = (200..300).contains(&status);
            attempt.error = (!is_success).then(|| format!("answered {status}"));
            let (verdict, effect) = match is_success {
                true => (Verdict::Delivered, Effect::Well),
                false => (Verdict::Dead, failed),
            };
            let (id, fence, endpoint) = (claimed.id, claimed.fence, claimed.endpoint);
            let settled = SettleDelivery { id, fence, endpoint, verdict, effect, attempt: Some(attempt) };
            store.settle(&[settled]).await.unwrap();
        }
    }
}

/// Checks that every element of a page ends where it should.
#[track_caller]
fn check_elements(page: &str) {
    let mut open = Vec::new();
    for tag in page.split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag that ends").0) {
        let name = tag.split_whitespace().next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(ended) => assert_eq!(open.pop(), Some(ended), "{page}"),
            None if tag.ends_with('/') || VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?} in {page}");
}

const FAILED: Effect = Effect::Failed { open_for: None };
/// Elements without an end.
const VOID: [&str; 5] = ["!doctype", "br", "input", "link", "meta"];

pub(crate) async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    origin
}
