//! Callers that go away while a change of theirs is made.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Extension, Router,
    body::Body,
    http::{Method, Request},
};
use countersign_dispatch::Outbox;
use countersign_server::{Caller, Dashboard, Scope, Server};
use countersign_store::{
    Settlement, StoreError,
    outbox::{
        Activity, ActivityFilter, Attempt, Claimed, Delivery, DeliveryFilter, Depth, Endpoint, EndpointState,
        Enqueued, HealthChange, MemoryOutbox, Message, MessageFilter, NewMessage, OutboxStore, Page,
        Redelivered, Retention, SettleDelivery, Tenant, TenantFilter,
    },
};
use futures_util::FutureExt as _;
use tokio::{task::yield_now, time::sleep};
use tower::ServiceExt as _;

use crate::support::{Audited, Keys, access};

/// A store that answers somewhat later than it changes something, as one does across a network.
#[derive(Default)]
pub(crate) struct Late {
    store: MemoryOutbox,
    /// How long it takes to count attempts.
    counting: Duration,
    /// How often they were counted.
    pub(crate) counted: Arc<AtomicUsize>,
    /// How long a probe takes.
    probing: Duration,
    pub(crate) probed: Arc<AtomicUsize>,
}

impl Late {
    pub(crate) fn counting_for(counting: Duration) -> Self {
        Late { counting, ..Late::default() }
    }

    pub(crate) fn probing_for(probing: Duration) -> Self {
        Late { probing, ..Late::default() }
    }
}

macro_rules! delegate {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty $(, $late:ident)?;)*) => {$(
        async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
            let answer = self.store.$name($($argument),*).await;
            $($late().await;)?
            answer
        }
    )*};
}

impl OutboxStore for Late {
    delegate! {
        put_endpoint(endpoint: &Endpoint) -> (), yield_now;
        put_endpoint_if_unchanged(endpoint: &Endpoint) -> (), yield_now;
        endpoint(id: &str) -> Option<Endpoint>;
        endpoints(tenant: &TenantFilter, page: &Page) -> Vec<Endpoint>;
        any_secret_begins(with: &str) -> bool;
        delete_endpoint(id: &str) -> bool, yield_now;
        set_state(id: &str, state: EndpointState) -> bool, yield_now;
        enqueue(messages: &[NewMessage]) -> Vec<Enqueued>, yield_now;
        message(id: &str) -> Option<Message>;
        messages(filter: &MessageFilter, page: &Page) -> Vec<Message>;
        claim(limit: u32, lease: Duration) -> Vec<Claimed>;
        settle(settled: &[SettleDelivery]) -> Vec<Settlement>;
        next_due() -> Option<Duration>;
        turn_failure_clocks(warn_after: Duration, disable_after: Duration) -> Vec<HealthChange>;
        deliveries(filter: &DeliveryFilter, page: &Page) -> Vec<Delivery>;
        count(filter: &DeliveryFilter) -> u64;
        attempts(delivery: i64, page: &Page) -> Vec<Attempt>;
        redeliver(filter: &DeliveryFilter, limit: u32) -> Redelivered, yield_now;
        cancel(filter: &DeliveryFilter, limit: u32) -> u64, yield_now;
        depth() -> Depth;
        tenants(page: &Page) -> Vec<Tenant>;
        tenant(name: &str) -> Option<Tenant>;
        forget_tenant(name: &str) -> u64, yield_now;
        prune_outbox(keep: &Retention) -> u64;
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.probed.fetch_add(1, Ordering::SeqCst);
        sleep(self.probing).await;
        self.store.probe().await
    }

    async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<Activity>, StoreError> {
        self.counted.fetch_add(1, Ordering::SeqCst);
        sleep(self.counting).await;
        self.store.activity(filter).await
    }
}

/// A server of an endpoint `ep`, what its audit is shown, and its keys.
async fn late() -> (Router, Outbox<Late>, Audited, Keys) {
    let outbox = Outbox::new(Late::default());
    let mut endpoint = Endpoint::new("ep", "https://example.com/", "billrun");
    (endpoint.events, endpoint.tenant) = (vec!["bills.afterDenial".to_owned()], Some("a".to_owned()));
    outbox.store().put_endpoint(&endpoint).await.unwrap();
    let (access, keys) = access();
    let audited = Audited::default();
    let noted = audited.clone();
    let server = Server::new(outbox.clone(), access).billrun(true).audit(move |action| {
        let entry = (action.caller.to_owned(), action.name, action.subject.to_owned());
        noted.lock().unwrap().push(entry);
    });
    (server.router(), outbox, audited, keys)
}

/// Sends a request, and goes away as soon as nothing is answered at once.
async fn go_away(router: Router, request: Request<Body>) {
    assert!(router.oneshot(request).now_or_never().is_none(), "the answer was there at once");
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_change_whose_caller_goes_away_is_made_and_audited() {
    for (method, path, change) in [
        (Method::DELETE, "/api/v1/endpoints/ep", "endpoint.deleted"),
        (Method::POST, "/api/v1/endpoints/ep/disable", "endpoint.disabled"),
        (Method::POST, "/api/v1/endpoints/ep/test", "endpoint.tested"),
        (Method::DELETE, "/api/v1/tenants/a", "tenant.forgotten"),
        (Method::POST, "/plugins/webhooks/delete/ep", "endpoint.deleted"),
        // BillRun's API changes something by this method too.
        (Method::GET, "/plugins/webhooks/delete/ep", "endpoint.deleted"),
    ] {
        let (router, _, audited, keys) = late().await;
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("authorization", format!("Bearer {}", keys.admin))
            .header("content-type", "application/json");
        let body = if path.ends_with("test") { "{}" } else { "" };
        go_away(router, request.body(Body::from(body)).unwrap()).await;
        let audited: Vec<_> = audited.lock().unwrap().iter().map(|(_, name, _)| *name).collect();
        assert_eq!(audited, [change], "{method} {path}");
    }
}

#[tokio::test]
async fn a_change_on_the_dashboard_whose_browser_goes_away_is_made_and_audited() {
    let (router, outbox, audited, _) = late().await;
    let caller = Extension(Caller::new("somebody", Scope::Admin));
    let router = Dashboard::new().on(router).layer(caller);
    let request = Request::post("/dashboard/endpoints/ep/delete").header("sec-fetch-site", "same-origin");
    go_away(router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(outbox.store().endpoint("ep").await.unwrap(), None);
    assert_eq!(audited.lock().unwrap().len(), 1);
}
