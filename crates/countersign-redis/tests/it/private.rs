//! Servers of one test: full, a cluster, restarted, with a replica.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use countersign_redis::{RedisStore, RedisStreamForwarder};
use countersign_store::{Answer, Claim, Forward, IdempotencyStore, Settlement, StoreErrorKind};
use redis::{Client, cluster::ClusterClient, cmd};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    proxy::Proxy,
    support::{claimed, event, plain, skip},
};

#[tokio::test]
async fn a_full_server_that_may_forget_nothing_refuses_claims() {
    let Some(server) = Server::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]).await else {
        return;
    };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    assert_eq!(store.claim("evt", LEASE).await.unwrap_err().kind(), StoreErrorKind::Full);
}

#[tokio::test]
async fn a_cluster_runs_every_step() {
    let Some(server) = Server::start(&["--cluster-enabled", "yes", "--cluster-port", &free_port()]).await
    else {
        return;
    };
    server.own_all_slots().await;
    let cluster = ClusterClient::new([server.url()]).unwrap().get_async_connection().await.unwrap();
    let store = RedisStore::new(cluster);
    for key in ["one", "two", "three {tag}"] {
        let token = claimed(&store, key, LEASE).await;
        assert_eq!(store.release(&token).await.unwrap(), Settlement::Settled);
        let token = claimed(&store, key, LEASE).await;
        assert_eq!(store.complete(&token, ANSWER, LEASE).await.unwrap(), Settlement::Settled);
        assert_eq!(store.claim(key, LEASE).await.unwrap(), Claim::Done(ANSWER));
    }
}

#[tokio::test]
async fn a_server_that_has_forgotten_the_scripts_is_given_them_again() {
    let Some(server) = Server::start(&[]).await else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let token = claimed(&store, "evt", LEASE).await;
    let () = cmd("SCRIPT").arg("FLUSH").query_async(&mut plain(&server.url()).await).await.unwrap();
    assert!(matches!(store.claim("evt", LEASE).await.unwrap(), Claim::InFlight { .. }));
    assert_eq!(store.complete(&token, ANSWER, LEASE).await.unwrap(), Settlement::Settled);
}

#[tokio::test]
async fn an_event_that_a_replica_has_is_confirmed() {
    let Some(primary) = Server::start(&["--repl-diskless-sync-delay", "0"]).await else { return };
    let Some(_replica) = Server::start(&["--replicaof", &format!("127.0.0.1 {}", primary.port)]).await else {
        return;
    };
    let forwarder = RedisStreamForwarder::connect(&primary.url(), "events").await.unwrap();
    let forwarder = forwarder.replicas(1).timeout(Duration::from_secs(1));
    let deadline = Instant::now() + Duration::from_secs(15);
    while let Err(error) = forwarder.forward(&event("key 1")).await {
        assert!(Instant::now() < deadline, "{error}");
    }
}

/// The name of a primary leads to another server then, and the connections to the old one stay.
#[tokio::test]
async fn after_a_failover_the_new_primary_is_found() {
    let (Some(old), Some(new)) = (Server::start(&[]).await, Server::start(&[]).await) else { return };
    let name = Proxy::start(&old.url()).await;
    let store = RedisStore::connect(&name.url).await.unwrap();
    let forwarder = RedisStreamForwarder::connect(&name.url, "events").await.unwrap();
    claimed(&store, "before", LEASE).await;
    forwarder.forward(&event("before")).await.unwrap();
    name.lead_new_connections_to(&new.url());
    let () = cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg(&new.port)
        .query_async(&mut plain(&old.url()).await)
        .await
        .unwrap();
    let error = store.claim("refused", LEASE).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    let deadline = Instant::now() + Duration::from_secs(15);
    while let Err(error) = store.claim("after", LEASE).await {
        assert!(Instant::now() < deadline, "{error}");
        sleep(Duration::from_millis(50)).await;
    }
    while let Err(error) = forwarder.forward(&event("after")).await {
        assert!(Instant::now() < deadline, "{error}");
        sleep(Duration::from_millis(50)).await;
    }
    let kept: u64 = cmd("XLEN").arg("events").query_async(&mut plain(&new.url()).await).await.unwrap();
    assert!(kept > 0, "the new primary has it");
}

/// A server that stops with the test.
struct Server {
    process: Child,
    port: String,
    _folder: TempDir,
}

impl Server {
    async fn start(settings: &[&str]) -> Option<Self> {
        let (port, folder) = (free_port(), TempDir::new().unwrap());
        let process = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(settings)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = process else { return skip("redis-server is not installed") };
        let server = Server { process, port, _folder: folder };
        server.wait_until_ready().await;
        Some(server)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn wait_until_ready(&self) {
        let client = Client::open(self.url()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(15);
        while let Err(error) = client.get_multiplexed_async_connection().await {
            assert!(Instant::now() < deadline, "{error}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn own_all_slots(&self) {
        let mut plain = plain(&self.url()).await;
        let () = cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16383).query_async(&mut plain).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(15);
        while !self.cluster_info().await.contains("cluster_state:ok") {
            assert!(Instant::now() < deadline, "the cluster is up");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn cluster_info(&self) -> String {
        cmd("CLUSTER").arg("INFO").query_async(&mut plain(&self.url()).await).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("the server was running");
    }
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

const LEASE: Duration = Duration::from_secs(60);

const ANSWER: Answer = Answer { status: 204 };
