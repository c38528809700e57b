//! HTTP/2, against a receiver that speaks it over TLS.

use std::{convert::Infallible, future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use countersign_transport::{Answer, BodyEnd, Failure, FailureKind, Transport};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, select, sync::Notify, time::Instant};
use tokio_rustls::TlsAcceptor;

use crate::{
    support::{Receiver, post},
    tls::{Authority, NAME, server_config, trusting, url},
};

#[tokio::test]
async fn a_receiver_that_offers_http_2_is_spoken_to_in_it_over_one_connection() {
    let (receiver, transport) = speaking(&[b"h2", b"http/1.1"]).await;
    let url = url(&receiver, NAME);
    post(&transport, &url).await.result.expect("an answer");
    let (one, two, three) =
        tokio::join!(post(&transport, &url), post(&transport, &url), post(&transport, &url));
    for attempted in [one, two, three] {
        let answer = attempted.result.expect("an answer");
        assert_eq!((&*answer.body, answer.body_end), (&b"POST HTTP/2.0 2 bytes"[..], BodyEnd::Complete));
        assert_eq!(answer.peer, Some(receiver.address));
    }
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_receiver_that_does_not_offer_http_2_is_spoken_to_in_http_1_1() {
    for offered in [&[&b"http/1.1"[..]][..], &[]] {
        let (receiver, transport) = speaking(offered).await;
        let answer = post(&transport, &url(&receiver, NAME)).await.result.expect("an answer");
        assert_eq!(&*answer.body, b"POST HTTP/1.1 2 bytes");
    }
}

#[tokio::test]
async fn an_attempt_whose_time_is_up_is_broken_off_alone() {
    let (receiver, transport) = speaking(&[b"h2"]).await;
    let url = url(&receiver, NAME);
    post(&transport, &url).await.result.expect("an answer");
    let begun = Instant::now();
    let slow = to(&transport, &receiver, "/never");
    let (slow, quick) = tokio::join!(slow, post(&transport, &url));
    assert_eq!(slow.expect_err("no answer").kind(), FailureKind::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    quick.result.expect("an answer");
    post(&transport, &url).await.result.expect("an answer");
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_large_answer_is_read_up_to_the_limit() {
    let (receiver, transport) = speaking(&[b"h2"]).await;
    let answer = to(&transport, &receiver, "/large").await.expect("an answer");
    assert_eq!((answer.body.len(), answer.body_end), (64 * 1024, BodyEnd::Limit));
    post(&transport, &url(&receiver, NAME)).await.result.expect("an answer");
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn an_answer_with_too_many_headers_is_refused() {
    let (receiver, transport) = speaking(&[b"h2"]).await;
    let failure = to(&transport, &receiver, "/headers").await.expect_err("no answer");
    assert_eq!(failure.kind(), FailureKind::InvalidResponse);
}

#[tokio::test]
async fn a_misdirected_request_is_an_answer() {
    let (receiver, transport) = speaking(&[b"h2"]).await;
    let answer = to(&transport, &receiver, "/misdirected").await.expect("an answer");
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn after_a_goodbye_the_next_attempt_has_a_connection_of_its_own() {
    let (receiver, transport) = speaking(&[b"h2"]).await;
    let failure = to(&transport, &receiver, "/goodbye").await.expect_err("no answer");
    assert_eq!(failure.kind(), FailureKind::Reset, "{failure}");
    post(&transport, &url(&receiver, NAME)).await.result.expect("an answer");
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn a_connection_that_is_dead_is_given_up() {
    let (receiver, transport) = speaking(&[b"h2"]).await;
    let begun = Instant::now();
    let failure = to(&transport, &receiver, "/freeze").await.expect_err("no answer");
    assert_eq!(failure.kind(), FailureKind::Reset, "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    post(&transport, &url(&receiver, NAME)).await.result.expect("an answer");
    assert_eq!(receiver.accepted(), 2);
}

async fn to(transport: &Transport, receiver: &Receiver, path: &str) -> Result<Answer, Failure> {
    let url = format!("https://{NAME}:{}{path}", receiver.address.port());
    post(transport, &url).await.result
}

/// A receiver that offers these protocols, and a transport that trusts it.
async fn speaking(offered: &[&[u8]]) -> (Receiver, Transport) {
    let authority = Authority::new("ours");
    let mut config = server_config(authority.certificate(NAME, |_| {}));
    config.alpn_protocols = offered.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let receiver = Receiver::serving(move |stream, _| serve(acceptor.clone(), stream)).await;
    let transport = trusting(&authority)
        .max_idle_per_host(1)
        .connect_timeout(Duration::from_millis(500))
        .timeout(Duration::from_secs(2));
    (receiver, transport.build().expect("a transport"))
}

/// What a request has the receiver do to its whole connection.
#[derive(Default)]
struct Orders {
    goodbye: Notify,
    freeze: Notify,
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let is_http_2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let orders = Arc::new(Orders::default());
    let given = orders.clone();
    let service = service_fn(move |request| answer(request, given.clone()));
    if !is_http_2 {
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        return;
    }
    let mut connection = std::pin::pin!(
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service)
    );
    select! {
        _ = &mut connection => {}
        () = orders.goodbye.notified() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(Duration::from_millis(200), connection).await;
        }
        // The connection stays open, and nobody reads it.
        () = orders.freeze.notified() => pending().await,
    }
}

async fn answer(
    request: Request<Incoming>,
    orders: Arc<Orders>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map(|body| body.to_bytes().len()).unwrap_or_default();
    let text = format!("{} {:?} {bytes} bytes", head.method, head.version);
    let mut response = Response::new(Full::new(Bytes::from(text)));
    match head.uri.path() {
        "/never" => pending().await,
        "/large" => *response.body_mut() = Full::new(vec![b'x'; 1 << 20].into()),
        "/headers" => {
            for number in 0..200 {
                let name = http::HeaderName::try_from(format!("x-{number}")).expect("a name");
                response.headers_mut().insert(name, 1.into());
            }
        }
        "/misdirected" => *response.status_mut() = StatusCode::MISDIRECTED_REQUEST,
        "/goodbye" => {
            orders.goodbye.notify_one();
            pending().await
        }
        "/freeze" => {
            orders.freeze.notify_one();
            pending().await
        }
        _ => {}
    }
    Ok(response)
}
