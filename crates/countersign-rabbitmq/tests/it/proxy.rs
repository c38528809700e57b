//! What stands between a forwarder and the server, and can be cut or fall silent.

use std::time::Duration;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch::{Receiver, Sender, channel},
    task::JoinHandle,
};

/// What becomes of connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Those that are there end.
    Cut,
    /// Over those that are there nothing comes any more; new ones are as they should be.
    Silent,
}

pub(crate) struct Proxy {
    port: u16,
    state: Sender<State>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// To the server at `port`.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (state, _) = channel(State::Open);
        let accepting = tokio::spawn(accept(listener, port, state.clone()));
        Proxy { port: own, state, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://127.0.0.1:{}?heartbeat=1", self.port)
    }

    /// Ends the connections that are there.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Lets nothing through any more over the connections that are there, and ends none.
    pub(crate) fn fall_silent(&self) {
        self.state.send_replace(State::Silent);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, port: u16, state: Sender<State>) {
    while let Ok((client, _)) = listener.accept().await {
        state.send_replace(State::Open);
        tokio::spawn(pass(client, port, state.subscribe()));
    }
}

async fn pass(mut client: TcpStream, port: u16, mut state: Receiver<State>) {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let changed = tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        changed = state.wait_for(|state| *state != State::Open) => changed.map(|state| *state),
    };
    if changed.is_ok_and(|state| state == State::Silent) {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}
