//! A server that can't be reached, never answers, or goes and comes back.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    time::{Duration, Instant},
};

use amqprs::{FieldTable, connection::OpenConnectionArguments};
use countersign_rabbitmq::RabbitMqForwarder;
use countersign_store::{Forward, StoreError, StoreErrorKind};
use tokio::runtime::Runtime;

use crate::{
    proxy::Proxy,
    support::{Broker, event, port, unique, url},
};

#[tokio::test]
async fn a_refused_connection_is_an_error() {
    let error = RabbitMqForwarder::connect(&format!("amqp://127.0.0.1:{}", free_port())).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn what_is_no_url_is_invalid() {
    let error = RabbitMqForwarder::connect("amqp://user:hunter2@a b:port").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_show_it() {
    let Some(url) = url() else { return };
    let url = format!("amqp://guest:hunter2@127.0.0.1:{}", port(&url));
    let error = RabbitMqForwarder::connect(&url).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_listener_that_never_answers_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let begun = Instant::now();
    let error = RabbitMqForwarder::connect(&format!("amqp://127.0.0.1:{port}")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());

    let server = OpenConnectionArguments::new("127.0.0.1", port, "guest", "guest");
    let forwarder = RabbitMqForwarder::new(server).timeout(Duration::from_millis(100));
    let begun = Instant::now();
    let error = forwarder.forward(&event("one")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_that_was_lost_is_made_again() {
    let Some((broker, name, proxy, forwarder)) = behind_a_proxy().await else { return };
    for round in ["one", "two", "three"] {
        until_forwarded(&forwarder, round).await;
        proxy.cut();
    }
    let keys: Vec<_> =
        broker.take_all(&name).await.iter().map(|held| held.header("Countersign-Key")).collect();
    assert_eq!(keys, ["one", "two", "three"].map(|key| Some(key.to_owned())));
}

/// As where a machine has lost its power: nobody says that the connection is no more.
#[tokio::test]
async fn a_connection_that_falls_silent_is_replaced_after_two_heartbeats() {
    let Some((broker, name, proxy, forwarder)) = behind_a_proxy().await else { return };
    let forwarder = forwarder.timeout(Duration::from_millis(500));
    forwarder.forward(&event("one")).await.unwrap();
    proxy.fall_silent();
    let error = forwarder.forward(&event("two")).await.unwrap_err();
    assert!(error.to_string().contains("did not answer within 500ms"), "{error}");
    until_forwarded(&forwarder, "two").await;
    assert_eq!(broker.take_all(&name).await.len(), 2);
}

/// The server closes a channel for each of them, and the client never uses its number again: `scripts/services` allows 100
/// of a connection.
#[tokio::test]
async fn what_the_server_closes_channels_over_harms_nothing_however_often() {
    let Some(url) = url() else { return };
    let (broker, name) = (Broker::connect(&url).await, unique("hooks"));
    broker.declare_queue(&name, FieldTable::new()).await;
    let forwarder = RabbitMqForwarder::connect(&url).await.unwrap().queue(&name);
    let to_nobody = forwarder.clone().exchange("nobody");
    for round in 0..250 {
        let error = to_nobody.forward(&event("one")).await.unwrap_err().to_string();
        assert!(error.contains("404"), "round {round}: {error}");
    }
    forwarder.forward(&event("two")).await.unwrap();
    assert_eq!(broker.take_all(&name).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_at_once_than_a_connection_has_channels_are_forwarded() {
    let Some(url) = url() else { return };
    let (broker, name) = (Broker::connect(&url).await, unique("hooks"));
    broker.declare_queue(&name, FieldTable::new()).await;
    let forwarder = RabbitMqForwarder::connect(&url).await.unwrap().queue(&name).timeout(LONG);
    for _ in 0..2 {
        for forwarded in all_at_once(&forwarder, 300).await {
            forwarded.unwrap();
        }
        assert_eq!(broker.take_all(&name).await.len(), 300);
    }
}

/// As where a server is short of memory, and reads nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_while_nothing_was_read_is_not_published_later() {
    let Some((broker, name, proxy, forwarder)) = behind_a_proxy().await else { return };
    forwarder.forward(&event("first")).await.unwrap();
    proxy.fall_silent();
    let impatient = forwarder.clone().timeout(Duration::from_millis(20));
    for _ in 0..10 {
        assert!(all_at_once(&impatient, 8).await.into_iter().all(|forwarded| forwarded.is_err()));
    }
    until_forwarded(&forwarder, "last").await;
    // Over the one channel that was open one may have gone before all fell silent.
    let held = broker.take_all(&name).await.len();
    assert!((2..=3).contains(&held), "{held} of 82");
}

#[test]
fn a_forwarder_outlives_the_runtime_that_it_was_made_in_and_is_dropped_without_one() {
    let Some(url) = url() else { return };
    let runtime = || Runtime::new().unwrap();
    let first = runtime();
    let forwarder = first.block_on(RabbitMqForwarder::connect(&url)).unwrap();
    drop(first);
    let second = runtime();
    second.block_on(async {
        let (broker, name) = (Broker::connect(&url).await, unique("hooks"));
        broker.declare_queue(&name, FieldTable::new()).await;
        until_forwarded(&forwarder.clone().queue(&name), "one").await;
        assert_eq!(broker.take_all(&name).await.len(), 1);
    });
    drop(forwarder);
    drop(second);
}

/// What comes of so many events at once.
async fn all_at_once(forwarder: &RabbitMqForwarder, count: usize) -> Vec<Result<(), StoreError>> {
    let forwarding = |number: usize| {
        let forwarder = forwarder.clone();
        tokio::spawn(async move { forwarder.forward(&event(&number.to_string())).await })
    };
    let all: Vec<_> = (0..count).map(forwarding).collect();
    let mut forwarded = Vec::new();
    for one in all {
        forwarded.push(one.await.unwrap());
    }
    forwarded
}

const LONG: Duration = Duration::from_secs(60);

/// A queue of this name, and a forwarder to it through a proxy.
async fn behind_a_proxy() -> Option<(Broker, String, Proxy, RabbitMqForwarder)> {
    let url = url()?;
    let (broker, name) = (Broker::connect(&url).await, unique("hooks"));
    broker.declare_queue(&name, FieldTable::new()).await;
    let proxy = Proxy::to(port(&url)).await;
    let forwarder = RabbitMqForwarder::connect(&proxy.url()).await.unwrap().queue(&name);
    Some((broker, name, proxy, forwarder))
}

async fn until_forwarded(forwarder: &RabbitMqForwarder, key: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = forwarder.forward(&event(key)).await {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        assert!(Instant::now() < deadline, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_connections_break_again_and_again() {
    let Some((broker, name, proxy, forwarder)) = behind_a_proxy().await else { return };
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let forwarder = forwarder.clone();
            tokio::spawn(async move {
                for round in 0..20 {
                    until_forwarded(&forwarder, &format!("{task}/{round}")).await;
                }
            })
        })
        .collect();
    while !tasks.iter().all(|task| task.is_finished()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        proxy.cut();
    }
    for task in tasks {
        task.await.unwrap();
    }
    let held = broker.take_all(&name).await;
    let keys: BTreeSet<_> = held.iter().filter_map(|held| held.header("Countersign-Key")).collect();
    assert_eq!(keys.len(), 320);
}
