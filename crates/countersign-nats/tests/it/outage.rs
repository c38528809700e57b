//! A server that can't be reached, never answers, or is killed and comes back.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use countersign_nats::NatsForwarder;
use countersign_store::{Forward, StoreErrorKind};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::{context, count, event, skip, stream};

#[tokio::test]
async fn a_refused_connection_is_an_error() {
    let error = NatsForwarder::connect(&format!("nats://127.0.0.1:{}", free_port())).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn what_is_no_url_is_invalid() {
    let error = NatsForwarder::connect("nats://user:hunter2@a b:port").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_listener_that_never_answers_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let begun = Instant::now();
    let error =
        NatsForwarder::connect(&format!("nats://{}", listener.local_addr().unwrap())).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_confirmed_event_outlives_a_killed_server_and_later_ones_fail_until_it_is_back() {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let Some(server) = Server::start(&folder, &port) else { return };
    let url = format!("nats://127.0.0.1:{port}");
    wait_until_ready(&url).await;
    let stream = stream(&context(&url).await, "hooks").await;
    let forwarder = NatsForwarder::connect(&url).await.unwrap().prefix("hooks").timeout(TIMEOUT);
    forwarder.forward(&event("one")).await.unwrap();

    drop(server);
    let begun = Instant::now();
    assert_eq!(forwarder.forward(&event("two")).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < TIMEOUT + Duration::from_secs(1), "{:?}", begun.elapsed());

    let _server = Server::start(&folder, &port).expect("it started before");
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Err(error) = forwarder.forward(&event("two")).await {
        assert!(Instant::now() < deadline, "{error}");
    }
    assert_eq!(count(&stream).await, 2);
}

async fn wait_until_ready(url: &str) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while let Err(error) = async_nats::connect(url).await {
        assert!(Instant::now() < deadline, "{error}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A server that is killed when it is dropped.
struct Server(Child);

impl Server {
    fn start(folder: &TempDir, port: &str) -> Option<Self> {
        let process = Command::new("nats-server")
            .args(["-js", "-a", "127.0.0.1", "-p", port, "-sd"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .spawn();
        process.ok().map(Server).or_else(|| skip("nats-server is not installed"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("the server was running");
    }
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

const TIMEOUT: Duration = Duration::from_secs(1);
