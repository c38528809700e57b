//! The bytes of requests, and the connections that carry them.

use std::time::Duration;

use bytes::Bytes;
use countersign_transport::{CustomHeaders, FailureKind, Post};
use tokio::io::AsyncWriteExt;

use crate::support::{OK, Receiver, answer, builder, failure, send, transport};

#[tokio::test]
async fn adv_75_the_bytes_of_a_request_are_these() {
    let receiver = Receiver::answering(OK).await;
    let transport = builder().user_agent("sender/1").build().expect("a transport");
    let target = transport.target(&receiver.url("/hooks/a%20b?token=T")).expect("a target");
    let own =
        [("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", "v1,abc=")];
    // The last two are the sender's own, so the endpoint's don't count.
    let custom =
        [("Authorization", "Bearer abc"), ("Webhook-Id", "stolen"), ("webhook-SIGNATURE", "v1,forged=")];
    let custom = CustomHeaders::check(custom, &[]).expect("headers");

    let body = Bytes::from_static(b"{ \"a\":1}\n");
    let attempted =
        transport.send(Post { target: &target, headers: &pairs(&own), custom: &custom, body }).await;

    assert_eq!(attempted.result.expect("an answer").status, 200);
    let expected = [
        "POST /hooks/a%20b?token=T HTTP/1.1",
        "webhook-id: msg_1",
        "webhook-timestamp: 1700000000",
        "webhook-signature: v1,abc=",
        "content-type: application/json",
        "user-agent: sender/1",
        "authorization: Bearer abc",
        "content-length: 9",
        &format!("host: {}", receiver.address),
        "",
        "{ \"a\":1}\n",
    ];
    assert_eq!(receiver.requests(), [expected.join("\r\n")]);
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let receiver = Receiver::answering(OK).await;
    let transport = transport();
    let target = transport.target(&receiver.url("/")).expect("a target");
    let body: String = (0..200_000).map(|number| format!("{number:05},")).collect();
    send(&transport, &target, &[], Bytes::from(body.clone())).await.result.expect("an answer");
    let request = &receiver.requests()[0];
    assert!(request.ends_with(&format!("\r\n\r\n{body}")));
}

#[tokio::test]
async fn the_sender_chooses_its_content_type_and_user_agent() {
    let receiver = Receiver::answering(OK).await;
    let transport = transport();
    let target = transport.target(&receiver.url("/")).expect("a target");
    let own = pairs(&[("Content-Type", "application/x-www-form-urlencoded"), ("User-Agent", "other/2")]);

    send(&transport, &target, &own, Bytes::new()).await.result.expect("an answer");

    let request = &receiver.requests()[0];
    for line in ["\r\ncontent-type: application/x-www-form-urlencoded\r\n", "\r\nuser-agent: other/2\r\n"] {
        assert!(request.contains(line), "{request}");
    }
    assert_eq!(request.matches("content-type").count(), 1);
    assert_eq!(request.matches("user-agent").count(), 1);
    assert!(request.contains("\r\ncontent-length: 0\r\n"), "{request}");
}

#[tokio::test]
async fn headers_that_can_not_be_sent_are_the_senders_mistake() {
    let receiver = Receiver::answering(OK).await;
    let transport = transport();
    let target = transport.target(&receiver.url("/")).expect("a target");
    for own in [
        &[("host", "other")][..],
        &[("Content-Length", "1")],
        &[("transfer-encoding", "chunked")],
        &[("webhook-id", "a\r\nb")],
        &[("webhook id", "a")],
        &[("content-type", "text/plain"), ("Content-Type", "text/html")],
    ] {
        let attempted = send(&transport, &target, &pairs(own), Bytes::new()).await;
        assert_eq!(attempted.result.expect_err("refused").kind(), FailureKind::Invalid, "{own:?}");
    }
    assert_eq!(receiver.accepted(), 0);
}

/// As where each key's signature has a header of its own, all of one name.
#[tokio::test]
async fn the_senders_headers_may_share_a_name_and_no_custom_one_joins_them() {
    let receiver = Receiver::answering(OK).await;
    let transport = transport();
    let target = transport.target(&receiver.url("/")).expect("a target");
    let own = pairs(&[("x-signature", "by-the-old-key"), ("X-Signature", "by-the-new-key")]);
    let custom = CustomHeaders::check([("x-signature", "forged")], &[]).expect("headers");
    let post = Post { target: &target, headers: &own, custom: &custom, body: Bytes::new() };

    transport.send(post).await.result.expect("an answer");

    let request = &receiver.requests()[0];
    assert!(request.contains("x-signature: by-the-old-key\r\nx-signature: by-the-new-key\r\n"), "{request}");
    assert_eq!(request.matches("x-signature").count(), 2);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let receiver = Receiver::answering(OK).await;
    let transport = builder().max_idle_per_host(1).build().expect("a transport");
    for _ in 0..5 {
        assert_eq!(answer(&transport.clone(), &receiver.url("/")).await.body, "ok");
    }
    assert_eq!((receiver.accepted(), receiver.requests().len()), (1, 5));
}

#[tokio::test]
async fn without_idle_connections_each_delivery_has_its_own() {
    let receiver = Receiver::answering(OK).await;
    let transport = builder().max_idle_per_host(0).build().expect("a transport");
    for _ in 0..3 {
        answer(&transport, &receiver.url("/")).await;
    }
    assert_eq!(receiver.accepted(), 3);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let receiver = Receiver::after_request(|mut stream| async move {
        stream.write_all(OK).await.expect("the sender reads");
    })
    .await;
    let transport = builder().max_idle_per_host(1).build().expect("a transport");
    for _ in 0..20 {
        assert_eq!(answer(&transport, &receiver.url("/")).await.status, 200);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((receiver.accepted(), receiver.requests().len()), (20, 20));
}

#[tokio::test]
async fn a_request_that_was_taken_and_not_answered_is_not_sent_again() {
    let receiver = Receiver::serving(|mut stream, receiver| async move {
        receiver.read_request(&mut stream).await.expect("a first request");
        stream.write_all(OK).await.expect("the sender reads");
        receiver.read_request(&mut stream).await.expect("a second request");
    })
    .await;
    let transport = builder().max_idle_per_host(1).build().expect("a transport");

    assert_eq!(answer(&transport, &receiver.url("/first")).await.status, 200);
    assert_eq!(failure(&transport, &receiver.url("/second")).await.kind(), FailureKind::Reset);

    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((receiver.accepted(), receiver.requests().len()), (1, 2));
    assert_eq!(receiver.requests().iter().filter(|request| request.contains("/second")).count(), 1);
}

#[tokio::test]
async fn an_answer_that_was_not_asked_for_is_not_taken_for_the_next() {
    let receiver = Receiver::after_request(|mut stream| async move {
        let two = [OK, b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"].concat();
        stream.write_all(&two).await.expect("the sender reads");
        tokio::time::sleep(Duration::from_secs(2)).await;
    })
    .await;
    let transport = builder().max_idle_per_host(1).build().expect("a transport");
    for _ in 0..3 {
        assert_eq!(answer(&transport, &receiver.url("/")).await.body, "ok");
    }
    assert_eq!((receiver.accepted(), receiver.requests().len()), (3, 3));
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let receiver = Receiver::serving(|mut stream, receiver| async move {
        receiver.read_request(&mut stream).await.expect("a request");
        stream.write_all(OK).await.expect("the sender reads");
        receiver.wait_for_close(stream).await;
    })
    .await;
    let idle = Duration::from_millis(200);
    let transport = builder().max_idle_per_host(1).idle_timeout(idle).build().expect("a transport");
    answer(&transport, &receiver.url("/")).await;
    receiver.closed().await;
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect()
}
