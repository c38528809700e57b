//! An SMTP server on loopback that keeps what it is sent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// How a sink speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    None,
    Starttls,
    Wrapper,
}

/// What a sink answers to the address of a recipient.
type Answer = Arc<dyn Fn(&str) -> &'static str + Send + Sync>;

/// A server that takes mails, as a test says.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    /// The certificate, as PEM.
    pub(crate) certificate: String,
    acceptor: TlsAcceptor,
    tls: Tls,
    answer: Answer,
    /// Each command, behind a `*` where it came encrypted.
    commands: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<String>>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Sink {
    /// Begins to listen, with an answer to each `RCPT`.
    pub(crate) async fn open(
        tls: Tls,
        answer: impl Fn(&str) -> &'static str + Send + Sync + 'static,
    ) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (certificate, acceptor) = certified();
        let address = listener.local_addr().unwrap();
        let (answer, commands, mails) = (Arc::new(answer), Arc::default(), Arc::default());
        let sink = Sink { address, certificate, acceptor, tls, answer, commands, mails };
        let serves = sink.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serves.clone().serve(stream));
            }
        });
        sink
    }

    /// One that takes every mail.
    pub(crate) async fn that_takes_all(tls: Tls) -> Sink {
        Sink::open(tls, |_| "250 ok").await
    }

    pub(crate) fn url(&self, user: &str) -> String {
        let scheme = if self.tls == Tls::Wrapper { "smtps" } else { "smtp" };
        format!("{scheme}://{user}{}", self.address)
    }

    /// The mails, headers and text.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.commands.lock().unwrap().clone()
    }

    async fn serve(self, stream: TcpStream) -> Option<()> {
        match self.tls {
            Tls::Wrapper => self.greet(Box::new(self.acceptor.accept(stream).await.ok()?)).await,
            _ => self.greet(Box::new(stream)).await,
        }
    }

    async fn greet(&self, mut stream: Box<dyn Stream>) -> Option<()> {
        stream.write_all(b"220 sink\r\n").await.ok()?;
        self.talk(BufReader::new(stream), self.tls == Tls::Wrapper).await
    }

    async fn talk(&self, mut stream: BufReader<Box<dyn Stream>>, encrypted: bool) -> Option<()> {
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let mark = if encrypted { "* " } else { "" };
            self.commands.lock().unwrap().push(format!("{mark}{}", line.trim_end()));
            let answer = match line.get(..4)? {
                "EHLO" if self.tls == Tls::Starttls && !encrypted => "250-sink\r\n250 STARTTLS",
                "EHLO" => "250-sink\r\n250 AUTH PLAIN",
                "AUTH" => "235 welcome",
                "RCPT" => (self.answer)(&line),
                "DATA" => self.take(&mut stream).await?,
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            if line.starts_with("STARTTLS") {
                stream.write_all(b"220 go\r\n").await.ok()?;
                let stream = self.acceptor.accept(stream.into_inner()).await.ok()?;
                return Box::pin(self.talk(BufReader::new(Box::new(stream)), true)).await;
            }
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }

    async fn take(&self, stream: &mut BufReader<Box<dyn Stream>>) -> Option<&'static str> {
        stream.write_all(b"354 go\r\n").await.ok()?;
        let mut mail = String::new();
        while !mail.ends_with("\r\n.\r\n") {
            stream.read_line(&mut mail).await.ok().filter(|read| *read > 0)?;
        }
        self.mails.lock().unwrap().push(mail);
        Some("250 taken")
    }
}

fn certified() -> (String, TlsAcceptor) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    (cert.pem(), TlsAcceptor::from(Arc::new(config)))
}
