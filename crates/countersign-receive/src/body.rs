//! Bodies: read within limits, kept as they arrive.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use countersign::{BodyBuffer, Error, ErrorKind};

use crate::deadline::Deadline;

/// A body as a server gives it: piece by piece.
pub trait BodySource {
    /// The next piece, or `None` at the end. What isn't data, such as trailers, is an empty piece.
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ErrorKind>>>;

    /// Whether it is known already that no piece will follow.
    fn is_at_end(&self) -> bool {
        false
    }
}

/// How large a body may be and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) total: Duration,
    pub(crate) idle: Duration,
}

impl Limits {
    /// Refuses a body that says itself that it is too large.
    pub(crate) fn check(&self, declared: u64) -> Result<(), Error> {
        match usize::try_from(declared) {
            Ok(bytes) if bytes <= self.bytes => Ok(()),
            _ => Err(Error::new(ErrorKind::BodyTooLarge)),
        }
    }

    /// Gives each piece of `body` to `keep`, to the end.
    pub(crate) async fn read(
        &self,
        body: impl BodySource,
        declared: u64,
        mut keep: impl FnMut(Bytes),
    ) -> Result<(), Error> {
        let mut body = pin!(body);
        let mut deadline = pin!(Deadline::new(*self));
        let mut received = 0;
        while let Some(piece) = deadline.as_mut().bound(|cx| body.as_mut().poll_piece(cx)).await? {
            let piece = piece.map_err(Error::new)?;
            received += piece.len();
            if received > self.bytes {
                return Err(Error::new(ErrorKind::BodyTooLarge));
            }
            if !piece.is_empty() {
                keep(piece);
            }
            if body.is_at_end() {
                break;
            }
        }
        // Fewer bytes than were announced: something before this layer has read the body.
        match (received as u64) < declared {
            true => Err(Error::new(ErrorKind::BodyIncomplete)),
            false => Ok(()),
        }
    }
}

/// The pieces of a body, in one. A body of one piece is not copied.
pub(crate) struct Frames {
    limit: usize,
    kept: Kept,
}

enum Kept {
    One(Bytes),
    Several(Vec<u8>),
}

impl Frames {
    pub(crate) fn new(limit: usize) -> Self {
        Frames { limit, kept: Kept::One(Bytes::new()) }
    }
}

impl BodyBuffer for Frames {
    type Frame = Bytes;
    type Body = Bytes;

    fn push(&mut self, frame: Bytes) {
        match &mut self.kept {
            Kept::One(first) if first.is_empty() => *first = frame,
            Kept::One(first) => {
                let mut whole = Vec::with_capacity(first.len() + frame.len());
                whole.extend_from_slice(first);
                whole.extend_from_slice(&frame);
                self.kept = Kept::Several(whole);
            }
            Kept::Several(whole) => {
                grow(whole, frame.len(), self.limit);
                whole.extend_from_slice(&frame);
            }
        }
    }

    fn finish(self) -> Bytes {
        match self.kept {
            Kept::One(bytes) => bytes,
            Kept::Several(bytes) => bytes.into(),
        }
    }

    fn bytes(body: &Bytes) -> &[u8] {
        body
    }
}

/// Makes room by doubling, as a vector does, but not past the limit.
fn grow(whole: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = whole.len() + more;
    if needed > whole.capacity() {
        let doubled = whole.capacity().saturating_mul(2).min(limit).max(needed);
        whole.reserve_exact(doubled - whole.len());
    }
}
