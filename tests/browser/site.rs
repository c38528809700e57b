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
use countersign_store::outbox::{Endpoint, EndpointKey, NewMessage, OutboxStore, Page, TenantFilter};
use countersign_transport::{Policy, Transport};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::sample::SECRET;

/// A server, its dashboard, and what they keep.
pub(crate) struct Site {
    pub(crate) origin: String,
    pub(crate) dashboard: Dashboard,
    pub(crate) outbox: Outbox<SqliteStore>,
    /// The time at this site, in microseconds since 1970: the system's, where it is 0.
    pub(crate) now: Arc<AtomicI64>,
    serving: Serving,
    _folder: TempDir,
}

/// A server, and how it is told to stop.
struct Serving {
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Site {
    /// A site that sends nothing.
    pub(crate) async fn start() -> Site {
        Site::with(Dashboard::new()).await
    }

    async fn with(dashboard: Dashboard) -> Site {
        let now = Arc::new(AtomicI64::new(0));
        let clock = || {
            let now = now.clone();
            move || time(&now)
        };
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap().clock_micros(clock());
        let outbox = Outbox::new(store);
        let server = Server::new(outbox.clone(), Access::new())
            .stored_keys()
            .event_types(EventTypes::preset("snapbill").unwrap())
            .sealer(sealer())
            .policy(policy())
            .clock_micros(clock());
        let dashboard = dashboard.on_loopback().clock_micros(clock());
        let (origin, serving) = serve_gracefully(&dashboard, dashboard.on(server.router())).await;
        Site { origin, dashboard, outbox, now, serving, _folder: folder }
    }

    /// A site that sends: two attempts, the second soon after the first.
    pub(crate) async fn sending() -> Site {
        Site::sending_with(Dashboard::new()).await
    }

    /// The same, with this dashboard.
    pub(crate) async fn sending_with(dashboard: Dashboard) -> Site {
        let site = Site::with(dashboard).await;
        let transport = Transport::builder().policy(policy()).build().unwrap();
        let dispatcher = Dispatcher::new(site.outbox.clone(), transport)
            .schedule(Schedule::new([Duration::from_millis(200)]))
            .sealer(sealer());
        tokio::spawn(dispatcher.run(std::future::pending()));
        site
    }

    /// Makes an endpoint for all messages, and gives the path of its page.
    pub(crate) async fn endpoint(&self, receiver: &Receiver) -> String {
        let mut endpoint = Endpoint::new("ep_ledger", &receiver.url, "standard-webhooks");
        endpoint.name = "Ledger".to_owned();
        let (label, secret) = ("2026".to_owned(), SECRET.to_owned());
        endpoint.keys = vec![EndpointKey::new(label, secret)];
        receiver.trust(SECRET);
        self.outbox.store().put_endpoint(&endpoint).await.unwrap();
        "/dashboard/endpoints/ep_ledger".to_owned()
    }

    /// Enqueues a message of this type, as the application does.
    pub(crate) async fn enqueue(&self, kind: &str) {
        let payload = serde_json::json!({ "type": kind }).to_string();
        self.outbox.enqueue(&[NewMessage::new(kind, payload)]).await.unwrap();
    }

    /// Tells the server to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.serving.stop.send(()).unwrap();
        self.serving.server.await.unwrap();
    }

    /// The URLs of the endpoints that there are.
    pub(crate) async fn urls(&self) -> Vec<String> {
        let page = Page { after: None, limit: 10 };
        let endpoints = self.outbox.store().endpoints(&TenantFilter::Any, &page).await.unwrap();
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

/// Serves a dashboard until it is told to stop.
async fn serve_gracefully(dashboard: &Dashboard, app: Router) -> (String, Serving) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    let dashboard = dashboard.clone();
    let told = async move {
        if stopped.await.is_err() {
            std::future::pending().await
        }
        dashboard.end_streams();
    };
    let serving = axum::serve(listener, app).with_graceful_shutdown(told);
    let server = tokio::spawn(async { serving.await.unwrap() });
    (origin, Serving { stop, server })
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
