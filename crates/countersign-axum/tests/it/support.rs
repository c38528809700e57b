//! Signed requests, a server to send raw bytes to, and what is logged.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, http::Request, response::Response};
use countersign::{Keyring, Message, Scheme, Signer, Verifier, catalog};
use countersign_axum::WebhookLayer;
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;
use tracing::{Level, subscriber::DefaultGuard};
use tracing_subscriber::fmt::MakeWriter;

pub(crate) const NOW: i64 = 1_764_000_000;
pub(crate) const BODY: &str = r#"{"type":"invoice.paid","data":{"amount":42}}"#;

pub(crate) fn keys() -> Keyring {
    Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]).unwrap()
}

pub(crate) fn layer() -> WebhookLayer {
    layer_of(Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys()).build().unwrap())
}

pub(crate) fn layer_of(verifier: Verifier) -> WebhookLayer {
    WebhookLayer::new(verifier).clock(|| NOW)
}

pub(crate) fn signed(body: &str) -> Vec<(String, String)> {
    sign(&catalog::STANDARD_WEBHOOKS, keys(), &Message::new("msg_1", body.as_bytes()))
}

pub(crate) fn sign(scheme: &Scheme, keys: Keyring, message: &Message<'_>) -> Vec<(String, String)> {
    Signer::new(scheme, keys).unwrap().sign(message, NOW).unwrap().headers
}

pub(crate) fn post(target: &str, headers: &[(String, String)], body: &'static str) -> Request<Body> {
    let request = Request::post(target);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.body(Body::from(body)).unwrap()
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> Response {
    app.clone().oneshot(request).await.unwrap()
}

/// Sends a request; gives the status and the body of the answer.
pub(crate) async fn ask(app: &Router, request: Request<Body>) -> (u16, String) {
    let response = send(app, request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends raw bytes; gives everything that comes back.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(Ok(read @ 1..)) =
        tokio::time::timeout(Duration::from_secs(2), stream.read(&mut buffer)).await
    {
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}

/// What is logged while it lives, down to `debug`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn start() -> (Log, DefaultGuard) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(Level::DEBUG);
        let guard = tracing::subscriber::set_default(subscriber.with_writer(log.clone()).finish());
        (log, guard)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
