//! A client that writes what a case says and hears what comes back.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{answer::Heard, case::Step, server::Running};

/// What came of a connection.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) answers: Vec<Heard>,
    pub(crate) end: End,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The server hung up, or the client was gone.
    Closed,
    /// The server said nothing for too long.
    Open,
    /// The server read without end.
    Insatiable,
}

/// Does the steps on a connection of its own.
pub(crate) async fn talk(server: &Running, steps: &[Step]) -> Talk {
    let stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (reading, writing) = stream.into_split();
    let (heard, hearing) = watch::channel(Vec::new());
    let ear = tokio::spawn(listen(reading, heard));
    let mut client = Client { writing, hearing, ear, answers: 0 };
    for step in steps {
        match client.step(step, server).await {
            Next::GoOn => {}
            Next::Gone => return client.leave().await,
            Next::GiveUp => return client.heard(End::Insatiable),
        }
    }
    client.listen_to_the_end().await
}

struct Client {
    writing: OwnedWriteHalf,
    hearing: watch::Receiver<Vec<u8>>,
    ear: JoinHandle<()>,
    /// How many have been waited for.
    answers: usize,
}

enum Next {
    GoOn,
    Gone,
    GiveUp,
}

impl Client {
    async fn step(&mut self, step: &Step, server: &Running) -> Next {
        // Where the server has hung up, nothing can be written: what it said before is what counts.
        match step {
            Step::Send(bytes) => drop(self.writing.write_all(bytes).await),
            Step::Trickle(bytes, pause) => self.trickle(bytes, *pause).await,
            Step::Endless(piece) => return self.pour(piece).await,
            Step::Wait(time) => sleep(*time).await,
            Step::Hear => self.hear().await,
            Step::Forgotten => server.come_to(0).await,
            Step::Finish => drop(self.writing.shutdown().await),
            Step::Reset => return Next::Gone,
            Step::ResetOnceHandled => {
                server.handler.called().await;
                return Next::Gone;
            }
        }
        Next::GoOn
    }

    async fn trickle(&mut self, bytes: &[u8], pause: Duration) {
        for byte in bytes.chunks(1) {
            if self.writing.write_all(byte).await.is_err() {
                return;
            }
            sleep(pause).await;
        }
    }

    async fn pour(&mut self, piece: &[u8]) -> Next {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match timeout(PATIENCE, self.writing.write_all(piece)).await {
                Ok(Ok(())) => sleep(PAUSE).await,
                Ok(Err(_)) | Err(_) => return Next::GoOn,
            }
        }
        Next::GiveUp
    }

    async fn hear(&mut self) {
        self.answers += 1;
        let enough = |bytes: &Vec<u8>| parse(bytes).len() >= self.answers;
        // An answer that never comes is missed in the end.
        let _ = timeout(PATIENCE, self.hearing.wait_for(enough)).await;
    }

    async fn leave(self) -> Talk {
        self.writing.as_ref().set_zero_linger().unwrap();
        self.ear.abort();
        let _ = self.ear.await;
        drop(self.writing);
        let answers = parse(&self.hearing.borrow());
        Talk { answers, end: End::Closed }
    }

    async fn listen_to_the_end(mut self) -> Talk {
        let end = match timeout(PATIENCE, &mut self.ear).await {
            Ok(_) => End::Closed,
            Err(_) => End::Open,
        };
        self.heard(end)
    }

    fn heard(self, end: End) -> Talk {
        Talk { answers: parse(&self.hearing.borrow()), end }
    }
}

/// Keeps what the server says until it hangs up.
async fn listen(mut reading: OwnedReadHalf, heard: watch::Sender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = reading.read(&mut buffer).await {
        heard.send_modify(|bytes| bytes.extend_from_slice(&buffer[..read]));
    }
}

/// The answers, one after the other. What isn't an answer is one of status 0.
fn parse(mut bytes: &[u8]) -> Vec<Heard> {
    let mut answers = Vec::new();
    while let Some((answer, rest)) = parse_one(bytes) {
        answers.push(answer);
        bytes = rest;
    }
    answers
}

fn parse_one(bytes: &[u8]) -> Option<(Heard, &[u8])> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let at = match response.parse(bytes) {
        Ok(httparse::Status::Complete(at)) => at,
        Ok(httparse::Status::Partial) => return None,
        Err(_) => return Some((Heard { status: 0, headers: Vec::new(), body: text(bytes) }, &[])),
    };
    let header = |header: &httparse::Header<'_>| (header.name.to_ascii_lowercase(), text(header.value));
    let status = response.code.unwrap_or(0);
    let mut heard =
        Heard { status, headers: response.headers.iter().map(header).collect(), body: String::new() };
    let length = heard.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let (body, rest) = bytes[at..].split_at_checked(length)?;
    heard.body = text(body);
    Some((heard, rest))
}

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client waits between two pieces of what has no end.
const PAUSE: Duration = Duration::from_millis(1);
