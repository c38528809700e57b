//! Attacks over real sockets, on hyper.

use std::time::{Duration, Instant};

use countersign::{Keyring, Message, catalog};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{BODY, NOW, SECRET, Server, answer, head, layer, raw, sign, signed, status};

/// `hello, canary` as gzip writes it.
const GZIPPED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 215, 81, 72, 78, 204, 75, 44, 170, 4, 0, 154,
    100, 208, 20, 13, 0, 0, 0,
];

fn chunked(headers: &[(String, String)], chunks: &[&[u8]], trailers: &str) -> Vec<u8> {
    let mut raw = format!("{}Transfer-Encoding: chunked\r\n\r\n", head(headers)).into_bytes();
    for chunk in chunks {
        raw.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        raw.extend_from_slice(chunk);
        raw.extend_from_slice(b"\r\n");
    }
    raw.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
    raw
}

#[tokio::test]
async fn a_signed_request_is_accepted_whole_and_in_chunks() {
    let server = Server::start(layer()).await;
    assert_eq!(status(&server.send(&raw(&signed(BODY), BODY)).await), 200);
    let (first, rest) = BODY.split_at(9);
    assert_eq!(status(&server.send(&chunked(&signed(BODY), &[first, rest], "")).await), 200);
    assert_eq!(server.calls.count(), 2);
    assert_eq!(server.calls.last().body, BODY);
}

#[tokio::test]
async fn adv_34_a_body_need_not_be_text() {
    let server = Server::start(layer()).await;
    let body = b"\xff\xfe\x00\r\n";
    assert_eq!(status(&server.send(&raw(&signed(body), body)).await), 200);
    assert_eq!(server.calls.last().body.as_ref(), body);
}

#[tokio::test]
async fn adv_52_a_compressed_body_is_verified_as_it_was_sent() {
    let server = Server::start(layer()).await;
    let gzip = ("Content-Encoding".to_owned(), "gzip".to_owned());
    let mut as_sent = signed(GZIPPED);
    as_sent.push(gzip.clone());
    assert_eq!(status(&server.send(&raw(&as_sent, GZIPPED)).await), 200);
    // adv_53 too: what nobody inflates is no bomb.
    assert_eq!(server.calls.last().body.as_ref(), GZIPPED);
    let mut inflated = signed(b"hello, canary");
    inflated.push(gzip);
    assert_eq!(status(&server.send(&raw(&inflated, GZIPPED)).await), 401);
    assert_eq!(server.calls.count(), 1);
}

#[tokio::test]
async fn adv_54_an_endless_chunked_body_is_cut_at_the_limit() {
    let server = Server::start(layer()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("{}Transfer-Encoding: chunked\r\n\r\n", head(&signed(BODY)));
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk =
        [format!("{:x}\r\n", 64 * 1024).into_bytes(), vec![b'x'; 64 * 1024], b"\r\n".to_vec()].concat();
    let (mut reading, mut writing) = stream.into_split();
    let writer = tokio::spawn(async move {
        let mut written = 0;
        while timeout(Duration::from_secs(2), writing.write_all(&chunk)).await.is_ok_and(|sent| sent.is_ok())
        {
            written += chunk.len();
        }
        written
    });
    let mut answer = [0; 12];
    reading.read_exact(&mut answer).await.unwrap();
    assert_eq!(status(&String::from_utf8_lossy(&answer)), 413);
    // The limit, and what fits into the sockets' buffers.
    assert!(writer.await.unwrap() < 32 * 1024 * 1024);
    assert_eq!(server.calls.count(), 0);
}

#[tokio::test]
async fn adv_54_a_huge_length_is_refused_before_anything_is_sent() {
    let server = Server::start(layer()).await;
    for length in ["99999999999", "1048577"] {
        let request = format!("{}Content-Length: {length}\r\n\r\n", head(&signed(BODY)));
        let answer = server.send(request.as_bytes()).await;
        assert_eq!(status(&answer), 413);
        assert!(answer.contains("connection: close"));
    }
}

#[tokio::test]
async fn adv_54_a_request_without_length_has_no_body() {
    let server = Server::start(layer()).await;
    let request = format!("{}\r\n", head(&signed(BODY))).into_bytes();
    assert_eq!(status(&server.send(&[request, BODY.to_vec()].concat()).await), 401);
    assert_eq!(server.calls.count(), 0);
}

#[tokio::test]
async fn an_unsigned_request_is_answered_before_its_body_arrives() {
    let server = Server::start(layer()).await;
    let request = format!("{}Content-Length: 1000\r\n\r\n", head(&[]));
    let started = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(status(&answer(stream).await), 401);
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn adv_55_a_short_body_is_answered_408() {
    let server = Server::start(layer().body_timeout(Duration::from_millis(300))).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("{}Content-Length: 10\r\n\r\n{{}}", head(&signed(BODY)));
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(status(&answer(stream).await), 408);
    assert_eq!(server.calls.count(), 0);
}

#[tokio::test]
async fn adv_55_slow_clients_dont_hold_up_the_others() {
    let server = Server::start(layer()).await;
    let request = format!("{}Content-Length: 10\r\n\r\n{{}}", head(&signed(BODY)));
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(status(&server.send(&raw(&signed(BODY), BODY)).await), 200);
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(server.calls.count(), 20);
}

#[tokio::test]
async fn a_body_that_is_aborted_never_reaches_the_handler() {
    let server = Server::start(layer()).await;
    let mut whole = raw(&signed(BODY), BODY);
    whole.truncate(whole.len() - 1);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&whole).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = answer(stream).await;
    assert!(answer.is_empty() || status(&answer) == 400, "{answer}");
    sleep(Duration::from_millis(50)).await;
    assert_eq!(server.calls.count(), 0);
}

#[tokio::test]
async fn adv_56_a_signature_in_a_trailer_is_none() {
    let server = Server::start(layer()).await;
    let (signature, others): (Vec<_>, Vec<_>) =
        signed(BODY).into_iter().partition(|(name, _)| name == "webhook-signature");
    let trailer = format!("{}: {}\r\n", signature[0].0, signature[0].1);
    assert_eq!(status(&server.send(&chunked(&others, &[BODY], &trailer)).await), 401);
    assert_eq!(server.calls.count(), 0);
}

/// Requests that two parsers can read in two ways. What hyper makes of them is written down, so that
/// a change of version that changes it is seen; none but a request that is read as it was signed may
/// reach the handler.
#[tokio::test]
async fn adv_57_ambiguous_requests_are_those_of_the_golden_table() {
    let server = Server::start(layer()).await;
    let head = head(&signed(BODY));
    let body = String::from_utf8_lossy(BODY);
    let length = BODY.len();
    let chunk = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let golden = [
        (
            "length and chunks",
            format!("{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"),
            200,
        ),
        ("two lengths", format!("{head}Content-Length: {length}\r\nContent-Length: 4\r\n\r\n{body}"), 400),
        ("signed length", format!("{head}Content-Length: +{length}\r\n\r\n{body}"), 400),
        ("folded line", format!("{head}X-A: b\r\n c\r\nContent-Length: {length}\r\n\r\n{body}"), 400),
        ("space before colon", format!("{head}X-A : b\r\nContent-Length: {length}\r\n\r\n{body}"), 400),
        (
            "bare line feeds",
            format!("{head}Content-Length: {length}\r\n\r\n{body}").replace("\r\n", "\n"),
            200,
        ),
    ];
    for (what, request, expected) in golden {
        assert_eq!(status(&server.send(request.as_bytes()).await), expected, "{what}");
    }
    assert_eq!(server.calls.last().body, BODY);
}

#[tokio::test]
async fn several_signatures_are_tried_while_a_secret_is_rotated() {
    let server = Server::start(layer()).await;
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", SECRET])
        .unwrap();
    let headers = sign(&catalog::STANDARD_WEBHOOKS, keys, &Message::new("msg_1", BODY), NOW);
    assert_eq!(status(&server.send(&raw(&headers, BODY)).await), 200);
}
