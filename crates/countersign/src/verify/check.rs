//! Verifying a body that arrives in pieces.

use alloc::{borrow::Cow, vec::Vec};

use super::{Verifier, conclude, head::Head, run::Run};
use crate::{
    Error, ErrorKind, RequestView, Verified,
    handshake::{Greeting, Outcome},
};

/// Keeps the pieces of a body. What is kept is exactly what is verified: [`Check::update`] hands one
/// piece to both.
pub trait BodyBuffer {
    /// A piece as it arrives.
    type Frame: AsRef<[u8]>;
    /// The whole body.
    type Body: AsRef<[u8]>;

    /// Keeps a piece.
    fn push(&mut self, frame: Self::Frame);

    /// Gives the whole body.
    fn finish(self) -> Self::Body;
}

impl BodyBuffer for Vec<u8> {
    type Frame = Vec<u8>;
    type Body = Vec<u8>;

    fn push(&mut self, mut frame: Vec<u8>) {
        match self.is_empty() {
            true => *self = frame,
            false => self.append(&mut frame),
        }
    }

    fn finish(self) -> Vec<u8> {
        self
    }
}

/// Keeps nothing: the body is verified as it passes by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl BodyBuffer for Discard {
    type Frame = Vec<u8>;
    type Body = [u8; 0];

    fn push(&mut self, _frame: Vec<u8>) {}

    fn finish(self) -> [u8; 0] {
        []
    }
}

/// A request whose body is arriving; see [`Verifier::begin`].
#[must_use]
pub struct Check<'a, B> {
    verifier: Verifier,
    request: RequestView<'a>,
    now: i64,
    buffer: B,
    state: State<'a>,
}

enum State<'a> {
    Verifying {
        head: Head<'a>,
        runs: Vec<Run>,
    },
    /// The headers are no event's, but the request may turn out to be a handshake that isn't signed.
    Refused(Error),
}

impl<'a, B: BodyBuffer> Check<'a, B> {
    pub(super) fn begin(
        verifier: Verifier,
        request: RequestView<'a>,
        buffer: B,
        now: i64,
    ) -> Result<Self, Error> {
        let may_greet = Greeting::may_come_unsigned(&verifier, &request);
        let state = match Head::read(&verifier, &request, now) {
            Ok(head) => {
                let runs = start_all(&verifier, &head, now);
                if runs.is_empty() && !verifier.scheme().is_unsigned() && !may_greet {
                    return Err(Error::new(ErrorKind::NoUsableKey));
                }
                State::Verifying { head, runs }
            }
            Err(error) if may_greet => State::Refused(error),
            Err(error) => return Err(error),
        };
        Ok(Check { verifier, request, now, buffer, state })
    }

    /// Feeds the next piece of the body, and keeps it.
    pub fn update(&mut self, frame: B::Frame) {
        if let State::Verifying { runs, .. } = &mut self.state {
            runs.iter_mut().for_each(|run| run.update(frame.as_ref()));
        }
        self.buffer.push(frame);
    }

    /// The body has ended: gives the proof. Handshakes are not answered; see
    /// [`outcome`](Check::outcome).
    ///
    /// # Errors
    /// Why the request isn't authentic; see [`ErrorKind`].
    pub fn finish(self) -> Result<Verified<'a, B::Body>, Error> {
        let body = self.buffer.finish();
        prove(self.verifier, &self.request, self.state, body, self.now)
    }

    /// The body has ended: gives the proof, or the answer where the request is a handshake.
    ///
    /// # Errors
    /// As [`finish`](Check::finish); and [`ErrorKind::HandshakeRefused`].
    pub fn outcome(self) -> Result<Outcome<'a, B::Body>, Error> {
        let body = self.buffer.finish();
        if let Some(greeting) = Greeting::unsigned(&self.verifier, &self.request, body.as_ref())? {
            return Ok(Outcome::Handshake(greeting));
        }
        let verified = prove(self.verifier.clone(), &self.request, self.state, body, self.now)?;
        Ok(match Greeting::signed(&self.verifier, &self.request, &verified)? {
            Some(greeting) => Outcome::Handshake(greeting),
            None => Outcome::Event(verified),
        })
    }
}

/// A run of each key that is valid now, by each algorithm that the request has a signature by.
fn start_all(verifier: &Verifier, head: &Head<'_>, now: i64) -> Vec<Run> {
    let keys = verifier.keys.valid_at(now);
    let runs = keys.flat_map(|(key, entry)| {
        let algorithms = head.algorithms(verifier.scheme()).filter(|algorithm| entry.fits(*algorithm));
        algorithms.map(move |algorithm| Run::new(key, entry, algorithm))
    });
    let mut runs: Vec<Run> = runs.collect();
    runs.iter_mut().for_each(|run| run.begin(verifier, head));
    runs
}

fn prove<'a, B: AsRef<[u8]>>(
    verifier: Verifier,
    request: &RequestView<'a>,
    state: State<'a>,
    body: B,
    now: i64,
) -> Result<Verified<'a, B>, Error> {
    let (head, runs) = match state {
        State::Verifying { head, runs } => (head, runs),
        State::Refused(error) => return Err(error),
    };
    let tried = !runs.is_empty();
    let mut finished = runs.into_iter().map(|run| (run.key, run.finish(&verifier, &head)));
    let key = finished.find_map(|(key, matches)| matches.then_some(key));
    if key.is_none() && !verifier.scheme().is_unsigned() {
        return Err(Error::new(if tried { ErrorKind::NoMatchingSignature } else { ErrorKind::NoUsableKey }));
    }
    conclude(Cow::Owned(verifier), request, head, key, body, now)
}

impl<B> core::fmt::Debug for Check<'_, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Check").field("request", &self.request).finish_non_exhaustive()
    }
}
