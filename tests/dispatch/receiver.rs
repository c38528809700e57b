//! A receiver that counts what arrives.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::HeaderMap};
use tokio::{net::TcpListener, time::sleep};

/// A receiver that answers 200 to everything, and what has arrived there.
#[derive(Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    arrived: Arc<Mutex<Arrived>>,
    delay: Duration,
}

#[derive(Default)]
struct Arrived {
    by_id: HashMap<String, usize>,
    last: Option<Instant>,
}

impl Receiver {
    /// A receiver that takes this long to answer.
    pub(crate) async fn start(delay: Duration) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver { address: listener.local_addr().unwrap(), arrived: Arc::default(), delay };
        let app = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// How often each message has arrived.
    pub(crate) fn arrived(&self) -> HashMap<String, usize> {
        self.arrived.lock().unwrap().by_id.clone()
    }

    /// When a message last arrived.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.arrived.lock().unwrap().last
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) {
    let id = headers["webhook-id"].to_str().unwrap();
    assert!(body.contains(&format!("\"{id}\"")), "{id} came with another's body: {body}");
    {
        let mut arrived = receiver.arrived.lock().unwrap();
        *arrived.by_id.entry(id.to_owned()).or_default() += 1;
        arrived.last = Some(Instant::now());
    }
    sleep(receiver.delay).await;
}
