//! Bodies: read within limits, kept as they arrive.

use std::{
    mem,
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
            _ => Err(self.too_large(format!("{declared} bytes are announced"))),
        }
    }

    fn too_large(&self, body: String) -> Error {
        Error::new(ErrorKind::BodyTooLarge).because(format!("{body}, and {} are allowed", self.bytes))
    }

    /// Gives each piece of `body` to `keep`, to the end.
    pub(crate) async fn read(
        &self,
        body: impl BodySource,
        declared: u64,
        mut keep: impl FnMut(Bytes),
    ) -> Result<(), Error> {
        let mut body = pin!(body);
        let mut deadline = Deadline::new(*self);
        let mut received = 0;
        while let Some(piece) = deadline.bound(|cx| body.as_mut().poll_piece(cx)).await? {
            let piece = piece.map_err(|kind| match kind {
                ErrorKind::BodyTooLarge => {
                    Error::new(kind).because("it is set by something around this layer")
                }
                _ => Error::new(kind),
            })?;
            received += piece.len();
            if received > self.bytes {
                return Err(self.too_large(format!("{received} bytes have come")));
            }
            if !piece.is_empty() {
                keep(piece);
            }
            if body.is_at_end() {
                break;
            }
            deadline.note()?;
        }
        // Fewer bytes than were announced: something before this layer has read the body.
        match (received as u64) < declared {
            true => {
                let missing =
                    format!("{received} bytes of {declared}: does something before this read the body?");
                Err(Error::new(ErrorKind::BodyIncomplete).because(missing))
            }
            false => Ok(()),
        }
    }
}

/// The pieces of a body, joined once they are all there: what has arrived is not copied as it grows, and a
/// body of one piece not at all.
///
/// Small pieces are copied together, because each keeps the whole buffer that the server has read it into.
#[derive(Default)]
pub(crate) struct Frames {
    /// The first piece, mostly the only one.
    first: Bytes,
    others: Vec<Bytes>,
    /// The small pieces since the last large one.
    small: Vec<u8>,
}

impl Frames {
    fn close_small(&mut self) {
        if !self.small.is_empty() {
            self.others.push(mem::take(&mut self.small).into());
        }
    }
}

impl BodyBuffer for Frames {
    type Frame = Bytes;
    type Body = Bytes;

    fn push(&mut self, frame: Bytes) {
        if self.first.is_empty() {
            self.first = frame;
        } else if frame.len() < SMALL {
            self.small.extend_from_slice(&frame);
        } else {
            self.close_small();
            self.others.push(frame);
        }
    }

    fn finish(mut self) -> Bytes {
        self.close_small();
        if self.others.is_empty() {
            return self.first;
        }
        self.others.insert(0, self.first);
        self.others.concat().into()
    }

    fn bytes(body: &Bytes) -> &[u8] {
        body
    }
}

/// A smaller piece is copied to others of its kind.
const SMALL: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(lengths: &[usize]) -> (usize, Bytes) {
        let mut frames = Frames::default();
        for (number, length) in (0..=u8::MAX).cycle().zip(lengths) {
            frames.push(vec![number; *length].into());
        }
        let kept = usize::from(!frames.first.is_empty())
            + frames.others.len()
            + usize::from(!frames.small.is_empty());
        (kept, frames.finish())
    }

    #[test]
    fn pieces_are_joined_in_order_and_small_ones_kept_together() {
        let lengths = [10, 1, 2, 5_000, 3, 4, 5, 6_000, 7_000, 1];
        let (kept, body) = joined(&lengths);
        let expected: Vec<u8> =
            (0..).zip(lengths).flat_map(|(number, length)| vec![number; length]).collect();
        assert_eq!((kept, &body[..]), (7, &expected[..]));
        assert_eq!(joined(&[1; 10_000]).0, 2);
        assert_eq!(joined(&[]), (0, Bytes::new()));
    }
}
