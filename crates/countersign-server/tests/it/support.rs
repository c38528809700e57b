//! A server over an outbox in memory, and its callers.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use countersign_dispatch::Outbox;
use countersign_server::{Access, ApiKey, EventTypes, Scope, Server};
use countersign_store::outbox::{MemoryOutbox, NewMessage, OutboxStore};
use countersign_transport::Policy;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A server with four keys: an admin's, those of the tenants `a` and `b`, and one that reads.
pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) outbox: Outbox<MemoryOutbox>,
    pub(crate) keys: Keys,
    /// What the audit was shown: caller, action, subject.
    pub(crate) audited: Audited,
}

pub(crate) type Audited = Arc<Mutex<Vec<(String, &'static str, String)>>>;

pub(crate) struct Keys {
    pub(crate) admin: String,
    pub(crate) a: String,
    pub(crate) b: String,
    pub(crate) read: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The name of the problem.
    pub(crate) fn problem(&self) -> String {
        let problem = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], self.status.as_u16());
        let kind = problem["type"].as_str().unwrap();
        kind.strip_prefix("urn:countersign:problem:").unwrap().to_owned()
    }

    /// The fields that are named as wrong.
    pub(crate) fn fields(&self) -> Vec<String> {
        assert_eq!(
            (self.status, self.problem().as_str()),
            (StatusCode::BAD_REQUEST, "invalid"),
            "{}",
            self.text
        );
        let errors = self.json()["errors"].clone();
        errors.as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

/// A server as most tests want it.
pub(crate) fn api() -> Api {
    api_with(|server| server)
}

/// A server, changed in some way.
pub(crate) fn api_with(change: impl FnOnce(Server<MemoryOutbox>) -> Server<MemoryOutbox>) -> Api {
    let outbox = Outbox::new(MemoryOutbox::new());
    let (access, keys) = access();
    let audited = Audited::default();
    let noted = audited.clone();
    let server = Server::new(outbox.clone(), access)
        .stored_keys()
        .event_types(EventTypes::preset("snapbill").unwrap())
        .audit(move |action| {
            let entry = (action.caller.to_owned(), action.name, action.subject.to_owned());
            noted.lock().unwrap().push(entry);
        });
    Api { router: change(server).router(), outbox, keys, audited }
}

pub(crate) fn access() -> (Access, Keys) {
    let key = || ApiKey::generate().unwrap();
    let (admin, a, b, read) = (key(), key(), key(), key());
    let app = |tenant: &str| Scope::App { tenant: tenant.to_owned() };
    let access = Access::new()
        .key("admin", admin.digest(), Scope::Admin)
        .and_then(|access| access.key("app-a", a.digest(), app("a")))
        .and_then(|access| access.key("app-b", b.digest(), app("b")))
        .and_then(|access| access.key("read", read.digest(), Scope::Read { tenant: None }));
    let [admin, a, b, read] = [admin, a, b, read].map(|key| key.expose().to_owned());
    (access.unwrap(), Keys { admin, a, b, read })
}

/// `http` and the loopback too.
pub(crate) fn local() -> Policy {
    Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse().unwrap())
}

impl Api {
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }

    /// A request with a key, and a JSON body where there is one.
    pub(crate) async fn call(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(request(key, method, path, body)).await
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Answer {
        self.call(key, "GET", path, None).await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.call(key, "POST", path, Some(body)).await
    }

    /// Makes an endpoint of the key's tenant, and gives its id.
    pub(crate) async fn endpoint(&self, key: &str) -> String {
        let made = self.post(key, "/api/v1/endpoints", json!({ "url": "https://example.com/hooks" })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Enqueues a message of the key's tenant, and gives its id.
    pub(crate) async fn message(&self, key: &str, kind: &str) -> String {
        let body = json!({ "type": kind, "payload": { "amount": 42 } });
        let made = self.post(key, "/api/v1/messages", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Enqueues messages of a tenant past the API.
    pub(crate) async fn fill(&self, tenant: Option<&str>, count: usize) {
        let mut message = NewMessage::new("invoice.paid", "{}");
        message.tenant = tenant.map(str::to_owned);
        self.outbox.store().enqueue(&vec![message; count]).await.unwrap();
    }
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 10 << 20).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

pub(crate) fn request(key: &str, method: &str, path: &str, body: Option<Value>) -> Request<Body> {
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {key}"));
    match body {
        None => request.body(Body::empty()).unwrap(),
        Some(body) => {
            let request = request.header(header::CONTENT_TYPE, "application/json");
            request.body(Body::from(body.to_string())).unwrap()
        }
    }
}

/// Every byte, as a path or a query carries it.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
