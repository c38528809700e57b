//! From an address to a connection.

use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// Opens connections.
///
/// It is given an address that was checked, and no other: what is at the end of the connection must be that
/// address. One of your own can bind to an interface, or go through a proxy that you trust. The transport
/// limits the time, and secures the connection where the URL says so.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// A connection to `address`.
    ///
    /// # Errors
    /// Any. Its [kind](io::ErrorKind) is shown to operators. Those that say that this machine has no files, ports or
    /// memory left are [`Local`](crate::FailureKind::Local), and no fault of the host.
    fn dial(&self, address: SocketAddr) -> Dialling;
}

/// A connection, later.
pub type Dialling = Pin<Box<dyn Future<Output = io::Result<Box<dyn ByteStream>>> + Send>>;

/// Bytes in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Dialler that opens TCP connections from this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpDialler;

impl Dial for TcpDialler {
    fn dial(&self, address: SocketAddr) -> Dialling {
        Box::pin(async move {
            let tcp = TcpStream::connect(address).await?;
            // Heads and bodies are written whole; waiting for more would only delay them.
            let _ = tcp.set_nodelay(true);
            Ok(Box::new(tcp) as Box<dyn ByteStream>)
        })
    }
}
