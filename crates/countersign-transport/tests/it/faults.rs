//! Receivers that answer wrongly, too much, or not at all.

use std::time::Duration;

use countersign_transport::{BodyEnd, FailureKind};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::mpsc};

use crate::support::{OPEN, Receiver, answer, builder, failure, flood, post, transport};

#[tokio::test]
async fn the_statuses_of_answers_are_told() {
    for status in [101, 200, 204, 400, 404, 410, 429, 500, 503, 599] {
        let receiver = Receiver::answering(format!(
            "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nretry-after: 7\r\n\r\n"
        ))
        .await;
        let answer = answer(&transport(), &receiver.url("/")).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.retry_after(0), Some(Duration::from_secs(7)));
        assert_eq!(answer.body_end, BodyEnd::Complete);
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit_and_not_a_byte_further() {
    for (length, kept, end) in [
        (0, 0, BodyEnd::Complete),
        (9, 9, BodyEnd::Complete),
        (10, 10, BodyEnd::Complete),
        (11, 10, BodyEnd::Limit),
    ] {
        let body = "x".repeat(length);
        let receiver =
            Receiver::answering(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")).await;
        let transport = builder().response_limit(10).build().expect("a transport");
        let answer = answer(&transport, &receiver.url("/")).await;
        assert_eq!((answer.body.len(), answer.body_end), (kept, end), "{length}");
    }
}

#[tokio::test]
async fn adv_77_an_endless_body_is_read_up_to_the_limit_and_the_connection_closed() {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for (head, piece) in [
        ("transfer-encoding: chunked", chunk.clone()),
        ("content-length: 99999999999", chunk.clone()),
        ("connection: close", chunk),
    ] {
        let (done, mut taken) = mpsc::unbounded_channel();
        let receiver = Receiver::after_request(move |mut stream| {
            let (done, piece) = (done.clone(), piece.clone());
            async move {
                let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.expect("the sender reads");
                done.send(flood(&mut stream, piece.as_bytes()).await).expect("a listener");
            }
        })
        .await;

        let answer = answer(&transport(), &receiver.url("/")).await;

        assert_eq!(answer.status, 200);
        assert_eq!((answer.body.len(), answer.body_end), (64 * 1024, BodyEnd::Limit));
        let taken = taken.recv().await.expect("the connection was closed");
        assert!(taken < 32 << 20, "the sockets' buffers hold {taken} bytes");
    }
}

#[tokio::test]
async fn adv_77_ten_thousand_headers_are_no_answer() {
    let headers = "x: y\r\n".repeat(10_000);
    let receiver =
        Receiver::answering(format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n")).await;
    assert_eq!(failure(&transport(), &receiver.url("/")).await.kind(), FailureKind::InvalidResponse);
}

#[tokio::test]
async fn adv_77_an_endless_head_is_no_answer() {
    for piece in ["x".repeat(1024), "x: y\r\n".repeat(200)] {
        let receiver = Receiver::after_request(move |mut stream| {
            let piece = piece.clone();
            async move {
                stream.write_all(b"HTTP/1.1 200 OK\r\nx-long: ").await.expect("the sender reads");
                flood(&mut stream, piece.as_bytes()).await;
            }
        })
        .await;
        assert_eq!(failure(&transport(), &receiver.url("/")).await.kind(), FailureKind::InvalidResponse);
    }
}

#[tokio::test]
async fn adv_77_a_head_is_read_up_to_its_limit() {
    for (length, fits) in [(30 << 10, true), (64 << 10, false)] {
        let header = "x".repeat(length);
        let receiver =
            Receiver::answering(format!("HTTP/1.1 200 OK\r\nx: {header}\r\ncontent-length: 0\r\n\r\n")).await;
        let result = post(&transport(), &receiver.url("/")).await.result;
        assert_eq!(result.is_ok(), fits, "{length}: {result:?}");
    }
}

#[tokio::test]
async fn adv_77_a_flood_of_interim_answers_is_no_answer() {
    let (done, mut taken) = mpsc::unbounded_channel();
    let receiver = Receiver::after_request(move |mut stream| {
        let done = done.clone();
        async move {
            flood(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n".repeat(100).as_bytes()).await;
            done.send(()).expect("a listener");
        }
    })
    .await;
    assert_eq!(failure(&transport(), &receiver.url("/")).await.kind(), FailureKind::InvalidResponse);
    taken.recv().await.expect("the connection was closed");
}

#[tokio::test]
async fn some_interim_answers_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".to_owned() + &"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20);
    let receiver = Receiver::answering(interim + "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(answer(&transport(), &receiver.url("/")).await.status, 200);
}

#[tokio::test]
async fn adv_77_a_compressed_body_is_kept_as_it_is() {
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x04\x00\x43\xbe\xb7\xe8\x01\x00\x00\x00";
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", gzip.len());
    let receiver = Receiver::answering([head.as_bytes(), gzip].concat()).await;
    assert_eq!(answer(&transport(), &receiver.url("/")).await.body, gzip.as_slice());
}

#[tokio::test]
async fn an_answer_counts_though_its_body_breaks_off() {
    for body in [
        "content-length: 10\r\n\r\nhalf",
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense",
    ] {
        for reset in [false, true] {
            let receiver = Receiver::after_request(move |mut stream| async move {
                let answer = format!("HTTP/1.1 202 Accepted\r\n{body}");
                stream.write_all(answer.as_bytes()).await.expect("the sender reads");
                tokio::time::sleep(Duration::from_millis(50)).await;
                close(stream, reset);
            })
            .await;
            let answer = answer(&transport(), &receiver.url("/")).await;
            assert_eq!(answer.status, 202);
            assert_eq!((&*answer.body, answer.body_end), (&b"half"[..], BodyEnd::Broken));
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_head_does_is_a_reset() {
    for beginning in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        for reset in [false, true] {
            let receiver = Receiver::after_request(move |mut stream| async move {
                stream.write_all(beginning.as_bytes()).await.expect("the sender reads");
                close(stream, reset);
            })
            .await;
            let failure = failure(&transport(), &receiver.url("/")).await;
            assert_eq!(failure.kind(), FailureKind::Reset, "{beginning:?} {reset}: {failure}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_request_was_read_is_a_reset() {
    let receiver = Receiver::serving(|stream, _| async move { close(stream, true) }).await;
    assert_eq!(failure(&transport(), &receiver.url("/")).await.kind(), FailureKind::Reset);
}

#[tokio::test]
async fn what_is_not_http_is_no_answer() {
    for answer in [
        "hello\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 99999 OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    ] {
        let receiver = Receiver::answering(answer).await;
        let failure = failure(&transport(), &receiver.url("/")).await;
        assert_eq!(failure.kind(), FailureKind::InvalidResponse, "{answer:?}: {failure}");
    }
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_is_refused() {
    let failure = failure(&transport(), &format!("http://{OPEN}:1/")).await;
    assert_eq!(failure.kind(), FailureKind::Connect);
    assert_eq!(failure.to_string(), "no connection could be made: connection refused");
}

/// Closes the connection, politely or with a reset.
fn close(stream: TcpStream, reset: bool) {
    if reset {
        stream.set_zero_linger().expect("a setting");
    }
    drop(stream);
}
