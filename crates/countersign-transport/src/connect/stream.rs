//! A connection, secured or not.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};

use crate::dial::ByteStream;

/// A connection that remembers which address was dialled.
pub(crate) struct Stream {
    io: Box<dyn ByteStream>,
    peer: SocketAddr,
    speaks_http_2: bool,
    /// Without one, it is closed after its attempt, unless it is shared.
    place: Option<OwnedSemaphorePermit>,
}

/// The address that was dialled, beside the answer that came from it.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Stream {
    pub(crate) fn new(io: Box<dyn ByteStream>, peer: SocketAddr) -> Self {
        Stream { io, peer, speaks_http_2: false, place: None }
    }

    /// The receiver has chosen HTTP/2.
    pub(crate) fn http_2(self, chosen: bool) -> Self {
        Stream { speaks_http_2: chosen, ..self }
    }

    /// It may be kept for the next attempt, where it has a place.
    pub(crate) fn kept_in(self, place: Option<OwnedSemaphorePermit>) -> Self {
        Stream { place, ..self }
    }

    fn io(self: Pin<&mut Self>) -> Pin<&mut dyn ByteStream> {
        Pin::new(&mut *self.get_mut().io)
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(Peer(self.peer));
        // What attempts share can't be closed after one of them.
        if self.place.is_none() && !self.speaks_http_2 {
            connected.poison();
        }
        if self.speaks_http_2 { connected.negotiated_h2() } else { connected }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
