//! The connections that requests come by: so many at once, and none of them silent for long.

use std::{
    convert::Infallible,
    io,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use self::impatient::Impatient;
use crate::stop::Stop;

mod impatient;

/// What connections may take.
#[derive(Clone, Copy)]
pub(crate) struct Connections {
    /// How many are taken at once. Others wait until one ends.
    most: usize,
    /// How long the head of a request may take, from the end of the one before.
    head: Duration,
    /// How long an answer waits until some of it is read.
    patience: Duration,
}

impl Connections {
    /// As many as asked for, and no more than half of the files that the process may have open: deliveries, names
    /// and the database need the others.
    pub(crate) fn new(most: NonZeroUsize) -> Self {
        let most = most.get().min(open_files() / 2).max(1);
        Connections { most, head: HEAD, patience: PATIENCE }
    }

    /// How many are taken at once.
    pub(crate) fn most(self) -> usize {
        self.most
    }

    /// Answers until told to stop, and then for as long as requests are under way, within limits.
    pub(crate) async fn answer(self, listener: TcpListener, router: Router, stop: Stop) {
        let under_way = GracefulShutdown::new();
        tokio::select! {
            never = self.take(&listener, &router, &under_way) => match never {},
            () = stop.told() => {}
        }
        drop(listener);
        // What takes longer is broken off with the process.
        let _ = timeout(GRACE, under_way.shutdown()).await;
    }

    /// Takes one connection after the other, where there is a place for it.
    async fn take(self, listener: &TcpListener, router: &Router, under_way: &GracefulShutdown) -> Infallible {
        let mut places = Places::new(self.most);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.head);
        loop {
            let place = places.next().await;
            let stream = TokioIo::new(Impatient::new(accept(listener).await, self.patience));
            let connection = http.serve_connection(stream, TowerToHyperService::new(router.clone()));
            let answered = under_way.watch(connection);
            tokio::spawn(async move {
                // How a connection ends is its other end's affair.
                let _ = answered.await;
                drop(place);
            });
        }
    }
}

/// The places of connections.
struct Places {
    free: Arc<Semaphore>,
    /// When it was last said that there is none.
    told: Option<Instant>,
}

impl Places {
    fn new(most: usize) -> Self {
        Places { free: Arc::new(Semaphore::new(most)), told: None }
    }

    /// Waits for a place.
    async fn next(&mut self) -> Option<OwnedSemaphorePermit> {
        if self.free.available_permits() == 0 && self.told.is_none_or(|told| told.elapsed() > TELL_EACH) {
            self.told = Some(Instant::now());
            tracing::warn!(target: "countersign", "every connection is in use: others wait for one to end");
        }
        // Nobody closes it, so there is one.
        self.free.clone().acquire_owned().await.ok()
    }
}

/// The next connection. Where none can be accepted, as for want of files, it is tried again.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_the_other_end(&error) => {}
            Err(error) => {
                tracing::error!(target: "countersign", error = %error, "no connection can be accepted");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn is_of_the_other_end(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// How many files and connections the process may have open.
#[cfg(unix)]
fn open_files() -> usize {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
fn open_files() -> usize {
    usize::MAX
}

/// How many connections are taken at once, where nothing else is said.
pub(crate) const MOST: NonZeroUsize = NonZeroUsize::new(512).unwrap();
/// As long as the body may take.
const HEAD: Duration = Duration::from_secs(10);
/// Longer than a network that works again keeps anybody from reading.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long requests that are under way are waited for.
const GRACE: Duration = Duration::from_secs(10);
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
const TELL_EACH: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        task::JoinHandle,
    };

    use super::*;

    const SLOW: Duration = Duration::from_millis(500);
    const PATIENCE: Duration = Duration::from_millis(400);
    /// More than the system holds for one that doesn't read.
    const LARGE: usize = 32 << 20;

    async fn answering(most: usize, stop: &Stop) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let slow = get(|| async {
            sleep(SLOW).await;
            "done"
        });
        let large = get(|| async { vec![b'x'; LARGE] });
        let router =
            Router::new().route("/", get(|| async { "ok" })).route("/slow", slow).route("/large", large);
        let connections = Connections { most, head: Duration::from_millis(300), patience: PATIENCE };
        (address, tokio::spawn(connections.answer(listener, router, stop.clone())))
    }

    async fn write(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(text.as_bytes()).await.expect("it is open");
        stream
    }

    /// All that comes until the connection ends.
    async fn rest(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let read = timeout(Duration::from_secs(5), stream.read_to_string(&mut text)).await;
        read.expect("the connection ends").expect("text");
        text
    }

    #[tokio::test]
    async fn what_is_half_open_keeps_its_place_for_a_moment_alone() {
        let (address, _answering) = answering(2, &Stop::new()).await;
        let begun = Instant::now();
        let half = [write(address, "GET / HTTP/1.1\r\nhost: x\r\nx: ").await, write(address, "").await];
        let answer =
            rest(write(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
        assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
        for half in half {
            assert!(!rest(half).await.contains("200"));
        }
    }

    /// The most that one can ask for by sending little.
    #[tokio::test]
    async fn whoever_reads_nothing_keeps_their_place_for_a_while_alone() {
        let (address, _answering) = answering(2, &Stop::new()).await;
        let begun = Instant::now();
        let asking = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n".repeat(9);
        let _unread = [write(address, &asking).await, write(address, &asking).await];
        let answer =
            rest(write(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await).await;
        assert!(answer.ends_with("ok"), "{answer}");
        assert!(begun.elapsed() >= PATIENCE, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn whoever_reads_slowly_is_waited_for() {
        let (address, _answering) = answering(1, &Stop::new()).await;
        let mut stream = write(address, "GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        let (begun, mut read, mut buffer) = (Instant::now(), 0, vec![0; LARGE / 16]);
        while let Ok(count) = stream.read_exact(&mut buffer).await {
            read += count;
            sleep(PATIENCE / 8).await;
        }
        assert!(read >= LARGE && begun.elapsed() > PATIENCE, "{read} bytes in {:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn one_that_is_kept_open_ends_when_nothing_comes() {
        let (address, _answering) = answering(1, &Stop::new()).await;
        let kept = write(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(rest(kept).await.ends_with("ok"));
        assert!(rest(write(address, "GET / HTTP/1.0\r\n\r\n").await).await.ends_with("ok"));
    }

    #[tokio::test]
    async fn what_is_under_way_is_answered_when_it_stops_and_nothing_is_waited_for() {
        let stop = Stop::new();
        let (address, answering) = answering(3, &stop).await;
        let idle = write(address, "").await;
        let slow = write(address, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        stop.tell();
        answering.await.expect("it ends");
        assert!((SLOW / 2..SLOW * 3).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert!(rest(slow).await.ends_with("done"));
        assert_eq!(rest(idle).await, "");
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[test]
    fn no_more_than_half_of_the_files_are_connections() {
        let most = |count| Connections::new(NonZeroUsize::new(count).expect("a number")).most();
        assert_eq!(most(1), 1);
        assert_eq!(most(usize::MAX), (open_files() / 2).max(1));
    }
}
