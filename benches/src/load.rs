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

/// Sends all `requests` over so many kept connections, each as fast as it is answered.
///
/// # Errors
/// Where the server can't be reached, or a request isn't answered 200 and without a body.
pub async fn run(
    server: &Server,
    connections: usize,
    requests: Vec<Vec<u8>>,
) -> Result<Round, Box<dyn Error>> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(server.address()).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let count = requests.len() as f64;
    let queue = Arc::new(Mutex::new(requests));
    let (started, cpu) = (Instant::now(), server.cpu_seconds());
    let mut clients = JoinSet::new();
    for stream in streams {
        clients.spawn(client(stream, queue.clone()));
    }
    let all_done = async {
        while let Some(done) = clients.join_next().await {
            done??;
        }
        Ok::<_, Box<dyn Error>>(())
    };
    tokio::select! {
        done = all_done => done?,
        never = stay_awake() => match never {},
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Round { rate: count / seconds, cpu: (server.cpu_seconds() - cpu) / count })
}

/// Keeps this thread from sleeping while it waits for an answer: otherwise a server that is the slower one
/// pays besides for waking it with each answer.
async fn stay_awake() -> Infallible {
    loop {
        yield_now().await;
    }
}

/// Sends what is in the queue until nothing is left.
async fn client(mut stream: TcpStream, queue: Queue) -> io::Result<()> {
    while let Some(request) = next(&queue) {
        stream.write_all(&request).await?;
        expect_ok(&mut stream).await?;
    }
    Ok(())
}

fn next(queue: &Queue) -> Option<Vec<u8>> {
    queue.lock().expect("no client panics").pop()
}

async fn expect_ok(stream: &mut TcpStream) -> io::Result<()> {
    let mut answer = [0; 1024];
    let mut length = 0;
    while !answer[..length].ends_with(b"\r\n\r\n") {
        match stream.read(&mut answer[length..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => length += more,
        }
    }
    match answer.starts_with(b"HTTP/1.1 200") {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&answer[..length]))),
    }
}
