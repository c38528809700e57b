//! A network between the store and Redis that a test can break.

use std::future::pending;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// A proxy, whose address stays the same.
pub(crate) struct Proxy {
    pub(crate) url: String,
    line: watch::Sender<Line>,
    server: watch::Sender<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Line {
    Open,
    /// Silent for those connections that are there.
    OpenToNew,
    Silent,
    Cut,
}

impl Proxy {
    pub(crate) async fn start(url: &str) -> Self {
        let (server, at) = watch::channel(address(url));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (line, seen) = watch::channel(Line::Open);
        tokio::spawn(accept(listener, at, seen));
        Proxy { url, line, server }
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Those connections that are there stay.
    pub(crate) fn lead_new_connections_to(&self, url: &str) {
        self.server.send_replace(address(url));
    }
}

fn address(url: &str) -> String {
    url.trim_start_matches("redis://").to_owned()
}

async fn accept(listener: TcpListener, server: watch::Receiver<String>, line: watch::Receiver<Line>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(pass_on(client, server.borrow().clone(), line.clone()));
    }
}

/// Ends when the line is cut, which closes both sides.
async fn pass_on(mut client: TcpStream, server: String, mut line: watch::Receiver<Line>) {
    let mut server = TcpStream::connect(server).await.unwrap();
    let born = *line.borrow();
    loop {
        let now = *line.borrow_and_update();
        match now {
            Line::OpenToNew if born != now => pending().await,
            Line::Cut => return,
            Line::Silent => line.changed().await.unwrap(),
            Line::Open | Line::OpenToNew => tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => return,
                changed = line.changed() => changed.unwrap(),
            },
        }
    }
}
