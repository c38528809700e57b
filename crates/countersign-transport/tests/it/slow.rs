//! Receivers that take their time.

use std::{future, io, net::IpAddr, time::Duration};

use countersign_transport::{Attempted, BodyEnd, FailureKind, Resolve, Resolving};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

use crate::support::{Answers, OK, OPEN, Receiver, builder, ip, policy, post, send, transport};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn adv_78_a_receiver_that_accepts_and_is_silent_ends_with_the_time() {
    let receiver =
        Receiver::serving(|stream, receiver| async move { receiver.wait_for_close(stream).await }).await;
    let transport = builder().timeout(SHORT).build().expect("a transport");
    timed_out(post(&transport, &receiver.url("/")).await);
    receiver.closed().await;
}

#[tokio::test]
async fn adv_78_a_head_that_arrives_byte_by_byte_ends_with_the_time() {
    let receiver = Receiver::after_request(|mut stream| async move {
        for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().chain([b'x'].iter().cycle()) {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let transport = builder().timeout(SHORT).build().expect("a transport");
    timed_out(post(&transport, &receiver.url("/")).await);
}

#[tokio::test]
async fn adv_78_a_body_that_arrives_byte_by_byte_ends_with_the_time_and_the_status_counts() {
    let receiver = Receiver::after_request(|mut stream| async move {
        let mut next: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
        while stream.write_all(next).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            next = b"x";
        }
    })
    .await;
    let transport = builder().timeout(SHORT).build().expect("a transport");

    let attempted = post(&transport, &receiver.url("/")).await;

    in_time(&attempted);
    let answer = attempted.result.expect("an answer");
    assert_eq!((answer.status.as_u16(), answer.body_end), (200, BodyEnd::Timeout));
    assert!((1..1000).contains(&answer.body.len()));
}

#[tokio::test]
async fn adv_78_a_receiver_that_does_not_read_the_request_ends_with_the_time() {
    let receiver = Receiver::serving(|stream, _| async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        drop(stream);
    })
    .await;
    let transport = builder().timeout(SHORT).build().expect("a transport");
    let target = transport.target(&receiver.url("/")).expect("a target");
    timed_out(send(&transport, &target, &[], vec![b'x'; 64 << 20].into()).await);
}

#[tokio::test]
async fn adv_78_a_handshake_that_never_ends_ends_with_the_time_for_connecting() {
    let receiver =
        Receiver::serving(|stream, receiver| async move { receiver.wait_for_close(stream).await }).await;
    let transport = builder().connect_timeout(SHORT).build().expect("a transport");
    timed_out(post(&transport, &receiver.url("/").replace("http:", "https:")).await);
    receiver.closed().await;
}

#[tokio::test]
async fn adv_78_a_resolver_that_never_answers_ends_with_the_time_for_connecting() {
    let transport = builder().connect_timeout(SHORT).resolver(Silent).build().expect("a transport");
    timed_out(post(&transport, "http://hooks.example/").await);
}

#[tokio::test]
async fn adv_78_an_address_that_never_answers_leaves_time_for_the_next() {
    let receiver = Receiver::answering_on(OPEN, OK).await;
    let port = receiver.address.port();
    let full = full_backlog(port).await;
    let transport = builder()
        .policy(policy().allow_network(full.address.into()))
        .resolver(Answers::new(&[&[full.address, OPEN]]))
        .connect_timeout(Duration::from_secs(1))
        .build()
        .expect("a transport");

    let attempted = post(&transport, &receiver.named("hooks.example")).await;

    assert_eq!(attempted.result.expect("an answer").peer, Some(receiver.address));
    assert!(attempted.elapsed >= Duration::from_millis(400), "{:?}", attempted.elapsed);
}

#[tokio::test]
async fn a_delivery_that_is_given_up_closes_its_connection() {
    let receiver =
        Receiver::serving(|stream, receiver| async move { receiver.wait_for_close(stream).await }).await;
    let transport = transport();
    let url = receiver.url("/");
    let given_up = tokio::time::timeout(SHORT, post(&transport, &url)).await;
    assert!(given_up.is_err());
    receiver.closed().await;
}

fn timed_out(attempted: Attempted) {
    in_time(&attempted);
    let failure = attempted.result.map(|answer| answer.status).expect_err("no answer");
    assert_eq!(failure.kind(), FailureKind::Timeout, "{failure}");
}

/// Not before the time, and not long after.
fn in_time(attempted: &Attempted) {
    let elapsed = attempted.elapsed;
    assert!(elapsed >= SHORT && elapsed < SHORT + Duration::from_secs(2), "{elapsed:?}");
}

/// A resolver that never answers.
#[derive(Debug)]
struct Silent;

impl Resolve for Silent {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(future::pending::<io::Result<Vec<IpAddr>>>())
    }
}

/// An address whose queue of connections is full, so that it answers nobody.
struct Full {
    address: IpAddr,
    _kept: (TcpListener, Vec<JoinHandle<()>>),
}

async fn full_backlog(port: u16) -> Full {
    let address = ip("127.0.0.4");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((address, port).into()).expect("a port");
    let listener = socket.listen(0).expect("a queue");
    let clients = (0..4).map(|_| {
        tokio::spawn(async move {
            let _kept = TcpStream::connect((address, port)).await;
            future::pending().await
        })
    });
    let clients = clients.collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    Full { address, _kept: (listener, clients) }
}
