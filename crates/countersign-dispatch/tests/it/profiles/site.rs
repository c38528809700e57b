//! A receiver over TLS: axum, our layer with the endpoint's own scheme and secret, and a handler that refuses
//! an event at first.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    routing::post,
    serve::Listener,
};
use countersign::{Error, Keyring, Scheme, Verifier, catalog};
use countersign_axum::{Verified, VerifiedBody, WebhookLayer};
use countersign_dispatch::{Dispatcher, Outbox, Schedule};
use countersign_receive::Idempotency;
use countersign_store::{
    MemoryStore,
    outbox::{
        DeliveryFilter, DeliveryState, Endpoint, MemoryOutbox, NewMessage, OutboxStore, Page, Redelivered,
    },
};
use countersign_transport::{Policy, Roots, Transport};
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    io,
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
    server::TlsStream,
};

use crate::support::dispatch;

/// A place on this machine where a receiver can listen.
pub(super) struct Site {
    listener: SecureListener,
    certificate: String,
}

/// What a handler was given.
pub(super) struct Seen<E> {
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) event: E,
}

/// Reads a system's event from what was verified, and from the URL.
pub(super) type Read<E> = fn(&Uri, &Verified) -> Result<E, Error>;

struct Handler<E> {
    refusals: usize,
    read: Read<E>,
    seen: Mutex<Vec<Seen<E>>>,
}

async fn handle<E>(
    State(handler): State<Arc<Handler<E>>>,
    uri: Uri,
    headers: HeaderMap,
    verified: VerifiedBody,
) -> StatusCode {
    let event = (handler.read)(&uri, &verified).unwrap();
    let body = String::from_utf8(verified.bytes().to_vec()).unwrap();
    let mut seen = handler.seen.lock().unwrap();
    seen.push(Seen { headers, body, event });
    match seen.len() <= handler.refusals {
        true => StatusCode::INTERNAL_SERVER_ERROR,
        false => StatusCode::OK,
    }
}

impl Site {
    pub(super) async fn new() -> Site {
        let key = KeyPair::generate().unwrap();
        let identity = CertificateParams::new([HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.der().clone()], key)
            .unwrap();
        let tcp = TcpListener::bind((HOST, 0)).await.unwrap();
        let listener = SecureListener { tcp, tls: TlsAcceptor::from(Arc::new(config)) };
        Site { listener, certificate: identity.pem() }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.listener.tcp.local_addr().unwrap())
    }

    /// Delivers a message to an endpoint here, which refuses it so many times before it handles it, and then
    /// is given it once more. Tells what the handler has seen: all but the last.
    pub(super) async fn handles_once<E: Send + 'static>(
        self,
        endpoint: &Endpoint,
        message: NewMessage,
        refusals: usize,
        read: Read<E>,
        change: impl FnOnce(Dispatcher<MemoryOutbox>) -> Dispatcher<MemoryOutbox>,
    ) -> Vec<Seen<E>> {
        let outbox = Outbox::new(MemoryOutbox::new());
        outbox.store().put_endpoint(endpoint).await.unwrap();
        let dispatcher = Dispatcher::new(outbox.clone(), self.transport())
            .schedule(Schedule::new([Duration::from_millis(20)]));
        let handler = Arc::new(Handler { refusals, read, seen: Mutex::default() });
        let app = Router::new().route("/{*path}", post(handle::<E>).layer(layer(endpoint)));
        tokio::spawn(axum::serve(self.listener, app.with_state(handler.clone())).into_future());
        let (stop, task) = dispatch(change(dispatcher.poll_interval(Duration::from_millis(10))));

        assert_eq!(outbox.enqueue(&[message]).await.unwrap()[0].deliveries, 1);
        let delivery = delivered(&outbox).await;
        let again = outbox.store().redeliver(&DeliveryFilter::default(), 1).await.unwrap();
        assert_eq!(again, Redelivered { count: 1, last: Some(delivery) });
        delivered(&outbox).await;
        stop.send(()).unwrap();
        task.await.unwrap();

        let attempts = outbox.store().attempts(delivery, &Page::default()).await.unwrap();
        let statuses: Vec<_> = attempts.iter().rev().filter_map(|attempt| attempt.status).collect();
        assert_eq!(statuses, [vec![500; refusals], vec![200; 2]].concat());
        let seen = std::mem::take(&mut *handler.seen.lock().unwrap());
        assert_eq!(seen.len(), refusals + 1);
        seen
    }

    fn transport(&self) -> Transport {
        let policy = Policy::new().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse().unwrap());
        let builder = Transport::builder().policy(policy).roots(Roots::AddedOnly);
        builder.add_root_pem(self.certificate.as_str()).build().unwrap()
    }
}

/// The layer of a receiver to which the endpoint's owner has told scheme and secret.
fn layer(endpoint: &Endpoint) -> WebhookLayer {
    let known = catalog::find(&endpoint.scheme).cloned();
    let scheme = known.unwrap_or_else(|| Scheme::from_toml(&endpoint.scheme).unwrap());
    let keys = match scheme.is_unsigned() {
        true => Keyring::accept_unsigned(&scheme),
        false => Keyring::new(&scheme, endpoint.keys.iter().map(|key| &key.secret)),
    };
    let verifier = Verifier::builder(scheme).keys(keys.unwrap()).build().unwrap();
    let once = Idempotency::new(MemoryStore::new()).ttl(Duration::from_secs(7 * 86_400));
    WebhookLayer::new(verifier).idempotency(once).unwrap()
}

/// Waits until the one delivery has arrived.
async fn delivered(outbox: &Outbox<MemoryOutbox>) -> i64 {
    for _ in 0..2000 {
        let found = outbox.store().deliveries(&DeliveryFilter::default(), &Page::default()).await.unwrap();
        if found[0].state == DeliveryState::Delivered {
            return found[0].id;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing has arrived");
}

/// Connections of TLS.
struct SecureListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for SecureListener {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

const HOST: &str = "127.0.0.1";
