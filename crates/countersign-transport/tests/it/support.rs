//! Receivers, resolvers and transports for tests.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use countersign_transport::{
    Answer, Attempted, CustomHeaders, Failure, Policy, Post, Resolve, Resolving, Target, Transport,
    TransportBuilder,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The only address that [`policy`] permits beside public ones.
pub(crate) const OPEN: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// An address of this machine that [`policy`] refuses.
pub(crate) const CLOSED: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A receiver on a socket, and what came to it.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    reached: Arc<Mutex<Vec<IpAddr>>>,
    closed: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// Listens on every address of the machine and gives every connection to `serve`.
    pub(crate) async fn serving<F, Fut>(serve: F) -> Receiver
    where
        F: Fn(TcpStream, Receiver) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Receiver::serving_on(Ipv4Addr::UNSPECIFIED.into(), serve).await
    }

    async fn serving_on<F, Fut>(on: IpAddr, serve: F) -> Receiver
    where
        F: Fn(TcpStream, Receiver) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((on, 0)).await.expect("a port");
        let address = (OPEN, listener.local_addr().expect("an address").port()).into();
        let receiver =
            Receiver { address, reached: Arc::default(), closed: Arc::default(), requests: Arc::default() };
        let kept = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let address = stream.local_addr().expect("an address").ip();
                receiver.reached.lock().expect("a lock").push(address);
                tokio::spawn(serve(stream, receiver.clone()));
            }
        });
        kept
    }

    /// Answers every request on every connection.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Receiver {
        Receiver::answering_on(Ipv4Addr::UNSPECIFIED.into(), answer).await
    }

    /// Likewise, on one address alone.
    pub(crate) async fn answering_on(on: IpAddr, answer: impl Into<Vec<u8>>) -> Receiver {
        let answer = Arc::new(answer.into());
        Receiver::serving_on(on, move |mut stream, receiver| {
            let answer = answer.clone();
            async move {
                while receiver.read_request(&mut stream).await.is_some() {
                    stream.write_all(&answer).await.expect("the sender reads");
                }
            }
        })
        .await
    }

    /// Reads one request and gives its connection to `answer`, once for each connection.
    pub(crate) async fn after_request<F, Fut>(answer: F) -> Receiver
    where
        F: Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Receiver::serving(move |mut stream, receiver| {
            let answer = answer.clone();
            async move {
                receiver.read_request(&mut stream).await.expect("a request");
                answer(stream).await;
            }
        })
        .await
    }

    /// Reads one request, whole, and keeps it.
    pub(crate) async fn read_request(&self, stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
        let mut bytes = Vec::new();
        while !is_whole(&bytes) {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let request = String::from_utf8(bytes).expect("text");
        self.requests.lock().expect("a lock").push(request.clone());
        Some(request)
    }

    /// Notes that the sender has closed the connection.
    pub(crate) async fn wait_for_close(&self, mut stream: TcpStream) {
        let mut waste = vec![0; 64 * 1024];
        while matches!(stream.read(&mut waste).await, Ok(1..)) {}
        self.closed.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The URL, with a name in the place of the address.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("http://{name}:{}/hook", self.address.port())
    }

    /// The addresses at which connections came in.
    pub(crate) fn reached(&self) -> Vec<IpAddr> {
        self.reached.lock().expect("a lock").clone()
    }

    pub(crate) fn accepted(&self) -> usize {
        self.reached().len()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("a lock").clone()
    }

    /// Waits until the sender has closed a connection.
    pub(crate) async fn closed(&self) {
        let seen = async {
            while self.closed.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), seen).await.expect("the sender closes the connection");
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let length = String::from_utf8_lossy(&request[..head])
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
        .unwrap_or(0);
    request.len() >= head + 4 + length
}

/// Permits what the tests listen on, and `http`.
pub(crate) fn policy() -> Policy {
    Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network(OPEN.into())
}

/// A transport for [`policy`], with times that tests can wait for.
pub(crate) fn builder() -> TransportBuilder {
    Transport::builder()
        .policy(policy())
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(5))
        .max_idle_per_host(0)
}

pub(crate) fn transport() -> Transport {
    builder().build().expect("a transport")
}

/// Sends a small body to `url`.
pub(crate) async fn post(transport: &Transport, url: &str) -> Attempted {
    let target = transport.target(url).expect("a target");
    send(transport, &target, &[], Bytes::from_static(b"{}")).await
}

pub(crate) async fn send(
    transport: &Transport,
    target: &Target,
    headers: &[(String, String)],
    body: Bytes,
) -> Attempted {
    transport.send(Post { target, headers, custom: &CustomHeaders::default(), body }).await
}

pub(crate) async fn answer(transport: &Transport, url: &str) -> Answer {
    post(transport, url).await.result.expect("an answer")
}

pub(crate) async fn failure(transport: &Transport, url: &str) -> Failure {
    post(transport, url).await.result.map(|answer| answer.status).expect_err("no answer")
}

/// A resolver that gives its answers in turn, the last for ever.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    answers: Arc<Vec<Vec<IpAddr>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Answers {
    pub(crate) fn new(answers: &[&[IpAddr]]) -> Answers {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Answers { answers: Arc::new(answers), asked: Arc::default() }
    }

    /// The names that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").clone()
    }
}

impl Resolve for Answers {
    fn resolve(&self, host: &str) -> Resolving {
        let mut asked = self.asked.lock().expect("a lock");
        let answer = self.answers[asked.len().min(self.answers.len() - 1)].clone();
        asked.push(host.to_owned());
        Box::pin(async move { Ok(answer) })
    }
}

/// A resolver that fails.
#[derive(Debug)]
pub(crate) struct NoSuchName;

impl Resolve for NoSuchName {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(async { Err(io::Error::other("no such name")) })
    }
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text} is no address"))
}

/// Writes until the other side has gone away; says how much it took.
pub(crate) async fn flood(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> usize {
    let mut taken = 0;
    // What wasn't taken of a piece comes first: a flood is the same whole pieces to its end.
    while let Ok(written) = stream.write(&bytes[taken % bytes.len()..]).await {
        taken += written;
    }
    taken
}
