//! A server with a dashboard on a file, its dispatcher, and a receiver that verifies.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use countersign::{Keyring, RequestView, Verifier, catalog};
use countersign_dispatch::{Dispatcher, Outbox, Schedule, Sealer};
use countersign_server::{Access, Dashboard, EventTypes, Server};
use countersign_sql::SqliteStore;
use countersign_store::outbox::{OutboxStore, Page};
use countersign_transport::{Policy, Transport};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A server, its dashboard, and what they keep.
pub(crate) struct Site {
    pub(crate) origin: String,
    pub(crate) dashboard: Dashboard,
    pub(crate) outbox: Outbox<SqliteStore>,
    /// The time at this site, in microseconds since 1970: the system's, where it is 0.
    pub(crate) now: Arc<AtomicI64>,
    _folder: TempDir,
}

impl Site {
    /// A site that sends nothing.
    pub(crate) async fn start() -> Site {
        let now = Arc::new(AtomicI64::new(0));
        let clock = || {
            let now = now.clone();
            move || time(&now)
        };
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap().clock(clock());
        let outbox = Outbox::new(store);
        let server = Server::new(outbox.clone(), Access::new())
            .event_types(EventTypes::preset("snapbill").unwrap())
            .sealer(sealer())
            .policy(policy())
            .clock(clock());
        let dashboard = Dashboard::new().on_loopback().clock(clock());
        let origin = serve(dashboard.on(server.router())).await;
        Site { origin, dashboard, outbox, now, _folder: folder }
    }

    /// A site that sends: two attempts, the second soon after the first.
    pub(crate) async fn sending() -> Site {
        let site = Site::start().await;
        let transport = Transport::builder().policy(policy()).build().unwrap();
        let dispatcher = Dispatcher::new(site.outbox.clone(), transport)
            .schedule(Schedule::new([Duration::from_millis(200)]))
            .sealer(sealer());
        tokio::spawn(dispatcher.run(std::future::pending()));
        site
    }

    /// The URLs of the endpoints that there are.
    pub(crate) async fn urls(&self) -> Vec<String> {
        let page = Page { after: None, limit: 10 };
        let endpoints = self.outbox.store().endpoints(None, &page).await.unwrap();
        endpoints.into_iter().map(|endpoint| endpoint.url).collect()
    }
}

/// A receiver that verifies what arrives, and answers what it is told to.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<Mutex<Receiving>>,
}

struct Receiving {
    secret: String,
    answer: (StatusCode, &'static str),
    /// The types of the events that have arrived, and were verified.
    arrived: Vec<String>,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let receiving =
            Receiving { secret: String::new(), answer: (StatusCode::OK, "thank you"), arrived: Vec::new() };
        let state = Arc::new(Mutex::new(receiving));
        let app = Router::new().route("/hooks", post(receive)).with_state(state.clone());
        Receiver { url: format!("{}/hooks", serve(app).await), state }
    }

    /// Verifies with this secret from now on.
    pub(crate) fn trust(&self, secret: &str) {
        self.state.lock().unwrap().secret = secret.to_owned();
    }

    pub(crate) fn answer(&self, status: StatusCode, body: &'static str) {
        self.state.lock().unwrap().answer = (status, body);
    }

    pub(crate) fn arrived(&self) -> Vec<String> {
        self.state.lock().unwrap().arrived.clone()
    }
}

async fn receive(
    State(state): State<Arc<Mutex<Receiving>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let mut receiving = state.lock().unwrap();
    let scheme = catalog::STANDARD_WEBHOOKS;
    let keys = Keyring::new(&scheme, [&*receiving.secret]).unwrap();
    let verifier = Verifier::builder(scheme).keys(keys).build().unwrap();
    match verifier.verify(&RequestView::post(&headers), &body, unix_micros() / 1_000_000) {
        Ok(verified) => {
            let kind = verified.event_type().unwrap().unwrap().into_owned();
            receiving.arrived.push(kind);
            receiving.answer
        }
        Err(error) => panic!("what was sent is not authentic: {error}"),
    }
}

pub(crate) async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    origin
}

/// `http` and this machine too.
fn policy() -> Policy {
    Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse().unwrap())
}

fn sealer() -> Sealer {
    Sealer::new(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]).unwrap()
}

fn time(now: &AtomicI64) -> i64 {
    match now.load(Ordering::SeqCst) {
        0 => unix_micros(),
        set => set,
    }
}

fn unix_micros() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}
