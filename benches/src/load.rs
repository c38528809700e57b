//! The load generator.

use std::{
    convert::Infallible,
    error::Error,
    io,
    sync::{Arc, Mutex},
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{JoinSet, yield_now},
};

use crate::Server;

/// What a receiver did in one round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    /// Requests a second.
    pub rate: f64,
    /// Seconds that the server was running, a request.
    pub cpu: f64,
}

/// Requests that are waiting to be sent.
type Queue = Arc<Mutex<Vec<Vec<u8>>>>;

/// The load generator: its connections, which stay open from one round to the next as a sender's do, so
/// that what is measured is requests and not connections that have just begun.
#[derive(Debug)]
pub struct Load<'s> {
    server: &'s Server,
    connections: Vec<TcpStream>,
}

impl<'s> Load<'s> {
    /// Opens so many connections.
    ///
    /// # Errors
    /// Where the server can't be reached.
    pub async fn connect(server: &'s Server, connections: usize) -> io::Result<Self> {
        let mut load = Load { server, connections: Vec::new() };
        for _ in 0..connections {
            let connection = TcpStream::connect(server.address()).await?;
            connection.set_nodelay(true)?;
            load.connections.push(connection);
        }
        Ok(load)
    }

    /// Sends all `requests` over the connections, over each as fast as it is answered.
    ///
    /// # Errors
    /// Where a connection ends, or a request isn't answered 200 and without a body.
    pub async fn round(&mut self, requests: Vec<Vec<u8>>) -> Result<Round, Box<dyn Error>> {
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let count = requests.len() as f64;
        let queue = Arc::new(Mutex::new(requests));
        let (started, cpu) = (Instant::now(), self.server.cpu_seconds());
        let mut clients = JoinSet::new();
        for connection in self.connections.drain(..) {
            clients.spawn(client(connection, queue.clone()));
        }
        let kept = &mut self.connections;
        let all_done = async {
            while let Some(done) = clients.join_next().await {
                kept.push(done??);
            }
            Ok::<_, Box<dyn Error>>(())
        };
        tokio::select! {
            done = all_done => done?,
            never = stay_awake() => match never {},
        }
        let seconds = started.elapsed().as_secs_f64();
        Ok(Round { rate: count / seconds, cpu: (self.server.cpu_seconds() - cpu) / count })
    }
}

/// Keeps this thread from sleeping while it waits for an answer: otherwise a server that is the slower one
/// pays besides for waking it with each answer.
async fn stay_awake() -> Infallible {
    loop {
        yield_now().await;
    }
}

/// Sends what is in the queue until nothing is left, and gives the connection back.
async fn client(mut connection: TcpStream, queue: Queue) -> io::Result<TcpStream> {
    while let Some(request) = next(&queue) {
        connection.write_all(&request).await?;
        expect_ok(&mut connection).await?;
    }
    Ok(connection)
}

fn next(queue: &Queue) -> Option<Vec<u8>> {
    queue.lock().expect("no client panics").pop()
}

async fn expect_ok(connection: &mut TcpStream) -> io::Result<()> {
    let mut answer = [0; 1024];
    let mut length = 0;
    while !answer[..length].ends_with(b"\r\n\r\n") {
        match connection.read(&mut answer[length..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => length += more,
        }
    }
    match answer.starts_with(b"HTTP/1.1 200") {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&answer[..length]))),
    }
}
