//! How long each page of the dashboard and each list of the API takes, with much in the database: 100,000 messages
//! over 30 days, as many deliveries and attempts, 1,000 endpoints of which one has a fifth of it all, and 100 tenants.
//!
//! The server, its client and the database are on this machine, and each answer is asked for over a socket and read
//! to its end. PostgreSQL is measured where `COUNTERSIGN_TEST_POSTGRES` names a server:
//! `scripts/services run scripts/bench --bench pages`.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't go on must end")]

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Body};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use countersign_dispatch::Outbox;
use countersign_server::{Access, ApiKey, Dashboard, EventTypes, Scope, Server};
use countersign_sql::{PgStore, SqliteStore};
use countersign_store::outbox::{
    Attempt, Claimed, Effect, Endpoint, EndpointKey, NewMessage, OutboxStore, SettleDelivery, Verdict,
};
use http::{Request, StatusCode, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use sqlx::{AssertSqlSafe, postgres::PgPoolOptions};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["asked", "SQLite, median", "worst", "PostgreSQL, median", "worst"]);
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(BEGIN));
    let store = SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap().clock_micros(clock(&now));
    let sqlite = measure("SQLite", store, &now).await;
    let postgres = match env::var("COUNTERSIGN_TEST_POSTGRES") {
        Ok(url) => {
            now.store(BEGIN, Ordering::SeqCst);
            Some(measure("PostgreSQL", postgres(&url).await.clock_micros(clock(&now)), &now).await)
        }
        Err(_) => None,
    };
    for (place, (asked, times)) in sqlite.iter().enumerate() {
        let [median, worst] = times.shown();
        let [other, others_worst] =
            postgres.as_ref().map_or_else(Default::default, |postgres| postgres[place].1.shown());
        table.add_row([asked.clone(), median, worst, other, others_worst]);
    }
    println!("{table}");
    println!(
        "milliseconds, of {TIMES} requests one after another; {MESSAGES} messages, {ENDPOINTS} endpoints"
    );
    let slow = sqlite.iter().chain(postgres.iter().flatten()).filter(|(_, times)| times.worst() > TARGET);
    println!("above {} ms: {}", TARGET.as_millis(), slow.count());
}

/// Fills a store, and asks for everything that there is to see.
async fn measure(name: &str, store: impl OutboxStore, now: &Arc<AtomicI64>) -> Vec<(String, Times)> {
    let began = Instant::now();
    let outbox = Outbox::new(store);
    fill(outbox.store(), now).await;
    println!("{name}: filled in {:.0} s", began.elapsed().as_secs_f64());
    let visitor = Visitor::at(outbox, now).await;
    let mut measured = Vec::new();
    for path in PATHS {
        measured.push((path.to_owned(), visitor.times(path).await));
    }
    measured
}

/// How long a request took, each time, the shortest first.
struct Times(Vec<Duration>);

impl Times {
    fn worst(&self) -> Duration {
        self.0[TIMES - 1]
    }

    /// The median and the worst, in milliseconds.
    fn shown(&self) -> [String; 2] {
        [self.0[TIMES / 2], self.worst()].map(|time| format!("{:.1}", time.as_secs_f64() * 1e3))
    }
}

/// Who asks, with a session and a key.
struct Visitor {
    client: Client<HttpConnector, Body>,
    origin: String,
    cookie: String,
    key: String,
}

impl Visitor {
    async fn at(outbox: Outbox<impl OutboxStore>, now: &Arc<AtomicI64>) -> Visitor {
        let key = ApiKey::generate().unwrap();
        let access = Access::new().key("bench", key.digest(), Scope::Admin).unwrap();
        let server = Server::new(outbox, access)
            .event_types(EventTypes::preset("panel").unwrap())
            .clock_micros(clock(now));
        let dashboard = Dashboard::new().on_loopback();
        let mut visitor = Visitor {
            client: Client::builder(TokioExecutor::new()).build_http(),
            origin: serve(dashboard.on(server.router())).await,
            cookie: String::new(),
            key: key.expose().to_owned(),
        };
        visitor.sign_in().await;
        visitor
    }

    async fn sign_in(&mut self) {
        let request = Request::post(format!("{}/dashboard/sign-in", self.origin))
            .header(header::ORIGIN, &self.origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("key={}", self.key)))
            .unwrap();
        let answer = self.client.request(request).await.unwrap();
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
    }

    async fn times(&self, path: &str) -> Times {
        self.ask(path).await;
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let began = Instant::now();
            self.ask(path).await;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        Times(times)
    }

    async fn ask(&self, path: &str) {
        let request = Request::get(format!("{}{path}", self.origin))
            .header(header::COOKIE, &self.cookie)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .body(Body::empty())
            .unwrap();
        let answer = self.client.request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        axum::body::to_bytes(Body::new(answer.into_body()), 10 << 20).await.unwrap();
    }
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    origin
}

/// Lets 30 days pass: what is enqueued is attempted, but for the last batch, which waits.
async fn fill(store: &impl OutboxStore, now: &AtomicI64) {
    for number in 0..ENDPOINTS {
        store.put_endpoint(&endpoint(number)).await.unwrap();
    }
    let (batches, mut time) = (MESSAGES / BATCH, BEGIN);
    for batch in 0..batches {
        now.store(time, Ordering::SeqCst);
        let messages: Vec<_> = (batch * BATCH..(batch + 1) * BATCH).map(message).collect();
        store.enqueue(&messages).await.unwrap();
        if batch + 1 < batches {
            deliver(store, now).await;
        }
        time += STEP;
    }
    now.store(time, Ordering::SeqCst);
}

async fn deliver(store: &impl OutboxStore, now: &AtomicI64) {
    loop {
        let claimed = store.claim(1000, Duration::from_secs(60)).await.unwrap();
        if claimed.is_empty() {
            return;
        }
        let settled: Vec<_> = claimed.iter().map(|claimed| settled(claimed, now)).collect();
        store.settle(&settled).await.unwrap();
    }
}

fn endpoint(number: usize) -> Endpoint {
    let mut endpoint =
        Endpoint::new(format!("ep_{number}"), "https://example.com/hooks", "standard-webhooks");
    endpoint.name = format!("Endpoint {number}");
    endpoint.tenant = tenant(number);
    endpoint.events = vec![format!("for.{number}")];
    endpoint.limits.in_flight = 1000;
    let (label, secret) = ("1".to_owned(), "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned());
    endpoint.keys.push(EndpointKey::new(label, secret));
    endpoint
}

/// Every fifth message is for the first endpoint; of the others each endpoint has as many.
fn message(number: usize) -> NewMessage {
    let to = if number.is_multiple_of(5) { 0 } else { number % ENDPOINTS };
    let body = format!(r#"{{"type":"for.{to}","data":"{:0>470}"}}"#, 42);
    let mut message = NewMessage::new(format!("for.{to}"), body);
    (message.id, message.tenant) = (Some(format!("msg_{number}")), tenant(to));
    message
}

/// Half of the endpoints are those of a hundred tenants.
fn tenant(endpoint: usize) -> Option<String> {
    (endpoint >= ENDPOINTS / 2).then(|| format!("tenant_{}", endpoint % 100))
}

/// One in twenty is given up.
fn settled(claimed: &Claimed, now: &AtomicI64) -> SettleDelivery {
    let mut attempt = Attempt::new(claimed.attempt, now.load(Ordering::SeqCst), claimed.trigger);
    attempt.request_headers = vec![("webhook-id".to_owned(), claimed.message.id.clone())];
    (attempt.latency, attempt.response_body) = (Duration::from_millis(42), "{}".into());
    let (status, verdict) = match claimed.id % 20 {
        0 => (500, Verdict::Dead),
        _ => (200, Verdict::Delivered),
    };
    attempt.status = Some(status);
    attempt.error = (status != 200).then(|| format!("answered {status}"));
    let (id, fence, endpoint) = (claimed.id, claimed.fence, claimed.endpoint.clone());
    SettleDelivery { id, fence, endpoint, verdict, effect: Effect::Well, attempt: Some(attempt) }
}

async fn postgres(url: &str) -> PgStore {
    let pool = PgPoolOptions::new().max_connections(8).connect(url).await.unwrap();
    let store = PgStore::new(pool.clone());
    store.migrate().await.unwrap();
    let tables = "countersign_attempts, countersign_deliveries, countersign_messages, countersign_endpoints";
    sqlx::raw_sql(AssertSqlSafe(format!("TRUNCATE {tables} RESTART IDENTITY"))).execute(&pool).await.unwrap();
    store
}

fn clock(now: &Arc<AtomicI64>) -> impl Fn() -> i64 + Send + Sync + 'static {
    let now = now.clone();
    move || now.load(Ordering::SeqCst)
}

const MESSAGES: usize = 100_000;
const ENDPOINTS: usize = 1_000;
const BATCH: usize = 500;
const TIMES: usize = 20;
const TARGET: Duration = Duration::from_millis(100);
/// 2026-10-21T16:00:00Z.
const BEGIN: i64 = 1_792_598_400_000_000;
/// Of 200 batches, over 30 days.
const STEP: i64 = 12_960_000_000;
/// Everything that there is to see, with filters that match much, little and nothing.
const PATHS: [&str; 53] = [
    "/dashboard",
    "/dashboard?span=week",
    "/dashboard?span=month",
    "/dashboard/endpoints",
    "/dashboard/endpoints?cursor=ep_500",
    "/dashboard/endpoints/ep_0",
    "/dashboard/endpoints/ep_0?cursor=500",
    "/dashboard/endpoints/ep_0?status=dead",
    "/dashboard/endpoints/ep_0?status=cancelled",
    "/dashboard/endpoints/ep_7",
    "/dashboard/endpoints/ep_7/edit",
    "/dashboard/endpoints/ep_0/replay?status=delivered",
    "/dashboard/endpoints/ep_0/replay?status=dead",
    "/dashboard/deliveries",
    "/dashboard/deliveries?cursor=500",
    "/dashboard/deliveries?status=pending",
    "/dashboard/deliveries?status=leased",
    "/dashboard/deliveries?status=dead",
    "/dashboard/deliveries?status=cancelled",
    "/dashboard/deliveries?type=for.7",
    "/dashboard/deliveries?type=for.nobody",
    "/dashboard/deliveries?from=2026-10-21T16:00&until=2026-10-21T20:00",
    "/dashboard/deliveries?status=dead&type=for.nobody",
    "/dashboard/deliveries/20",
    "/dashboard/messages",
    "/dashboard/messages?cursor=msg_500",
    "/dashboard/messages?type=for.7",
    "/dashboard/messages?type=for.nobody",
    "/dashboard/messages?from=2026-10-21T16:00&until=2026-10-21T20:00",
    "/dashboard/messages/msg_5",
    "/dashboard/tenants",
    "/dashboard/endpoints?tenant=tenant_7",
    "/dashboard/deliveries?tenant=tenant_7",
    "/dashboard/messages?tenant=tenant_7",
    "/api/v1/tenants?limit=200",
    "/api/v1/tenants?cursor=tenant_40",
    "/api/v1/tenants/tenant_7",
    "/api/v1/messages?tenant=tenant_7",
    "/api/v1/endpoints?limit=200",
    "/api/v1/event-types",
    "/api/v1/messages?limit=200",
    "/api/v1/messages?type=for.nobody",
    "/api/v1/messages?tenant=nobody",
    "/api/v1/deliveries?limit=200",
    "/api/v1/deliveries?endpoint=ep_0&limit=200",
    "/api/v1/deliveries?endpoint=ep_0&status=pending",
    "/api/v1/deliveries?message=msg_5",
    "/api/v1/deliveries?tenant=nobody",
    "/api/v1/deliveries/20/attempts",
    "/api/v1/replays/count?endpoint=ep_0&status=delivered",
    "/api/v1/stats",
    "/api/v1/stats/activity",
    "/api/v1/stats/activity?endpoint=ep_0&from=2026-10-21T16:00:00Z&step_seconds=86400",
];
