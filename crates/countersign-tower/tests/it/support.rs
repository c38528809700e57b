//! Signed requests, a service that notes what reaches it, and a server to send raw bytes to.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use countersign::{ErrorKind, Keyring, Message, Scheme, Signer, Verifier, catalog};
use countersign_tower::{Rejection, Verified, WebhookBody, WebhookLayer};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

pub(crate) const NOW: i64 = 1_764_000_000;
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const BODY: &[u8] = br#"{"type":"invoice.paid","data":{"amount":42}}"#;

pub(crate) fn keys() -> Keyring {
    Keyring::new(&catalog::STANDARD_WEBHOOKS, [SECRET]).unwrap()
}

pub(crate) fn layer() -> WebhookLayer {
    layer_of(Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys()).build().unwrap())
}

pub(crate) fn layer_of(verifier: Verifier) -> WebhookLayer {
    WebhookLayer::new(verifier).clock(|| NOW)
}

pub(crate) fn signed(body: &[u8]) -> Vec<(String, String)> {
    signed_at(body, NOW)
}

pub(crate) fn signed_at(body: &[u8], now: i64) -> Vec<(String, String)> {
    sign(&catalog::STANDARD_WEBHOOKS, keys(), &Message::new("msg_1", body), now)
}

pub(crate) fn sign(scheme: &Scheme, keys: Keyring, message: &Message<'_>, now: i64) -> Vec<(String, String)> {
    Signer::new(scheme, keys).unwrap().sign(message, now).unwrap().headers
}

pub(crate) fn request(headers: &[(String, String)], body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    request_to("/", headers, body)
}

pub(crate) fn request_to(
    target: &str,
    headers: &[(String, String)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let request = Request::post(target);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.body(Full::new(body.into())).unwrap()
}

/// A call of the inner service.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) verified: Verified,
}

/// What reached the inner service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> Call {
        self.0.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) async fn note<B: Body<Data = Bytes>>(
        self,
        request: Request<B>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let whole = body.collect().await.ok().unwrap();
        let trailers = whole.trailers().cloned();
        let verified = parts.extensions.get::<Verified>().unwrap().clone();
        let call = Call { headers: parts.headers, body: whole.to_bytes(), trailers, verified };
        self.0.lock().unwrap().push(call);
        Ok(Response::new(Full::from("done")))
    }
}

/// Sends one request through `layer`, in process.
pub(crate) async fn send<B>(layer: &WebhookLayer, request: Request<B>) -> (Response<Full<Bytes>>, Calls)
where
    B: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<tower::BoxError>,
{
    let calls = Calls::default();
    let noting = calls.clone();
    let service = layer.layer(service_fn(move |request: Request<B>| noting.clone().note(request)));
    (service.oneshot(request).await.unwrap(), calls)
}

/// Sends a request that must be refused without the inner service being called.
pub(crate) async fn refusal<B>(layer: &WebhookLayer, request: Request<B>) -> (StatusCode, ErrorKind)
where
    B: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<tower::BoxError>,
{
    let (response, calls) = send(layer, request).await;
    assert_eq!(calls.count(), 0);
    let kind = response.extensions().get::<Rejection>().unwrap().kind();
    let status = response.status();
    assert!(text(response).await.is_empty());
    (status, kind)
}

pub(crate) async fn text(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// A server on the loopback with the layer around a service that notes its calls.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) calls: Calls,
}

impl Server {
    pub(crate) async fn start(layer: WebhookLayer) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Calls::default();
        let noting = calls.clone();
        let service = ServiceBuilder::new()
            .map_request(|request: Request<hyper::body::Incoming>| request.map(WebhookBody::new))
            .layer(layer)
            .service_fn(move |request: Request<WebhookBody<hyper::body::Incoming>>| {
                noting.clone().note(request)
            });
        tokio::spawn(accept(listener, service));
        Server { address, calls }
    }

    /// Sends raw bytes and gives everything that comes back.
    pub(crate) async fn send(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        answer(stream).await
    }
}

async fn accept<S>(listener: TcpListener, service: S)
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// What the server says until it closes, or says nothing for two seconds.
pub(crate) async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(Ok(read @ 1..)) =
        tokio::time::timeout(Duration::from_secs(2), stream.read(&mut buffer)).await
    {
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The head of an HTTP/1.1 request, the blank line not yet written.
pub(crate) fn head(headers: &[(String, String)]) -> String {
    let mut head = String::from("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head
}

/// A whole HTTP/1.1 request.
pub(crate) fn raw(headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut raw = head(headers).into_bytes();
    raw.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    raw.extend_from_slice(body);
    raw
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}
