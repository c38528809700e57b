//! A receiver that does what a row of the matrix says, one connection after the other.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// What a receiver does with a connection.
#[derive(Clone)]
pub(super) enum Act {
    /// Reads the request, writes this, and closes.
    Answers(String),
    /// Reads the request, takes this long, and answers 200.
    Delays(Duration),
    /// Reads the request, and is silent.
    Silent,
    /// Reads the request, writes this at once, and then a byte of the rest each second.
    Drips(&'static str, &'static str),
    /// Reads so much, writes this, and resets the connection.
    Resets(Reads, &'static str),
    /// Reads the request, and answers 200 with a body that never ends.
    Floods,
    /// Shows a certificate, and answers 200.
    Secured(TlsAcceptor),
}

/// How much of a request is read.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    Head,
    SomeOfTheBody,
    Whole,
}

/// A receiver, and how many connections it has had.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Does these acts in turn, the last for ever.
    pub(super) async fn start(acts: Vec<Act>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server { address: listener.local_addr().unwrap(), connections: Arc::default() };
        let connections = server.connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(acts[number.min(acts.len() - 1)].clone().perform(stream));
            }
        });
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Act {
    /// Answers with this status, and these headers, each with its end of line.
    pub(super) fn status(status: u16, headers: &str) -> Act {
        Act::Answers(format!("HTTP/1.1 {status} X\r\n{headers}content-length: 0\r\n\r\n"))
    }

    async fn perform(self, mut stream: TcpStream) {
        // A sender that gives up closes the connection, and what is written then fails, as it should.
        let _ = match self {
            Act::Answers(answer) => answer_with(&mut stream, answer.as_bytes()).await,
            Act::Delays(delay) => {
                read(&mut stream, Reads::Whole).await;
                sleep(delay).await;
                stream.write_all(OK).await
            }
            Act::Silent => {
                read(&mut stream, Reads::Whole).await;
                stream.read_u8().await.map(drop)
            }
            Act::Drips(at_once, slowly) => drip(&mut stream, at_once, slowly).await,
            Act::Resets(reads, answer) => reset(&mut stream, reads, answer).await,
            Act::Floods => flood(&mut stream).await,
            Act::Secured(acceptor) => match acceptor.accept(stream).await {
                Ok(mut stream) => answer_with(&mut stream, OK).await,
                Err(error) => Err(error),
            },
        };
    }
}

async fn answer_with(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    answer: &[u8],
) -> std::io::Result<()> {
    read(stream, Reads::Whole).await;
    stream.write_all(answer).await?;
    stream.shutdown().await
}

async fn drip(stream: &mut TcpStream, at_once: &str, slowly: &str) -> std::io::Result<()> {
    read(stream, Reads::Whole).await;
    stream.write_all(at_once.as_bytes()).await?;
    for byte in slowly.bytes().cycle() {
        stream.write_u8(byte).await?;
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

async fn reset(stream: &mut TcpStream, reads: Reads, answer: &str) -> std::io::Result<()> {
    read(stream, reads).await;
    stream.write_all(answer.as_bytes()).await?;
    if !answer.is_empty() {
        // Or the reset would overtake what was written.
        sleep(Duration::from_millis(200)).await;
    }
    stream.set_zero_linger()
}

async fn flood(stream: &mut TcpStream) -> std::io::Result<()> {
    read(stream, Reads::Whole).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    loop {
        stream.write_all(chunk.as_bytes()).await?;
    }
}

/// Reads so much of a request, or until the sender has gone.
async fn read(stream: &mut (impl AsyncRead + Unpin), reads: Reads) {
    let mut bytes = Vec::new();
    while !is_read(&bytes, reads) {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

fn is_read(bytes: &[u8], reads: Reads) -> bool {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|end| end + 4);
    match (reads, head) {
        (_, None) => false,
        (Reads::Head, Some(_)) => true,
        (Reads::SomeOfTheBody, Some(head)) => bytes.len() > head,
        (Reads::Whole, Some(head)) => bytes.len() >= head + length(&bytes[..head]),
    }
}

fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.expect("a length").parse().unwrap()
}

/// Authority of the tests' own.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Shows a certificate for this name.
    pub(super) fn secured(&self, name: &str, has_expired: bool) -> Act {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if has_expired {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap());
        Act::Secured(TlsAcceptor::from(Arc::new(config.unwrap())))
    }
}

pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
