//! Verifying a body that arrives in pieces.

use alloc::{borrow::Cow, boxed::Box, vec::Vec};

use super::{
    Verifier, conclude,
    head::Head,
    run::{Maker, Run},
};
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
    type Body;

    /// Keeps a piece.
    fn push(&mut self, frame: Self::Frame);

    /// Gives the whole body.
    fn finish(self) -> Self::Body;

    /// The bytes of the whole body; none where they were not kept.
    fn bytes(body: &Self::Body) -> &[u8];
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

    fn bytes(body: &Vec<u8>) -> &[u8] {
        body
    }
}

/// Keeps nothing: the body is verified as it passes by. What it proves has no body, and so no event,
/// no id and no idempotency key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl BodyBuffer for Discard {
    type Frame = Vec<u8>;
    type Body = ();

    fn push(&mut self, _frame: Vec<u8>) {}

    fn finish(self) {}

    fn bytes(_body: &()) -> &[u8] {
        &[]
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
        /// Boxed, as a request that waits for its body is moved about.
        head: Box<Head<'a>>,
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
                let runs = start(&verifier, &head, now);
                if runs.is_empty() && !verifier.scheme().is_unsigned() && !may_greet {
                    return Err(Error::new(ErrorKind::NoUsableKey));
                }
                State::Verifying { head: Box::new(head), runs }
            }
            Err(error) if may_greet => State::Refused(error),
            Err(error) => return Err(error),
        };
        Ok(Check { verifier, request, now, buffer, state })
    }

    /// Feeds the next piece of the body, and keeps it.
    pub fn update(&mut self, frame: B::Frame) {
        if let State::Verifying { head, runs } = &mut self.state {
            runs.iter_mut().for_each(|run| run.feed_body(&self.verifier, head, frame.as_ref()));
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
        let (mut head, key) = prove(&self.verifier, self.state)?;
        head.read_time_in_body(&self.verifier, B::bytes(&body), self.now)?;
        Ok(conclude(Cow::Owned(self.verifier), &self.request, *head, key, body))
    }

    /// The body has ended: gives the proof, or the answer where the request is a handshake.
    ///
    /// # Errors
    /// As [`finish`](Check::finish); and [`ErrorKind::HandshakeRefused`].
    pub fn outcome(self) -> Result<Outcome<'a, B::Body>, Error> {
        let body = self.buffer.finish();
        if let Some(greeting) = Greeting::unsigned(&self.verifier, &self.request, B::bytes(&body))? {
            return Ok(Outcome::Handshake(greeting));
        }
        let (mut head, key) = prove(&self.verifier, self.state)?;
        head.read_time_in_body(&self.verifier, B::bytes(&body), self.now)?;
        if let Some(greeting) = Greeting::signed(&self.verifier, &self.request, B::bytes(&body), key)? {
            return Ok(Outcome::Handshake(greeting));
        }
        let verified = conclude(Cow::Owned(self.verifier), &self.request, *head, key, body);
        Ok(Outcome::Event(verified))
    }
}

/// A run of each key that is valid now, by each algorithm that the request has a signature by, with what
/// stands before the body already fed.
fn start(verifier: &Verifier, head: &Head<'_>, now: i64) -> Vec<Run> {
    // Room for one, as there mostly is: the four that a vector begins with are more than allocators are fast at.
    let mut runs = Vec::with_capacity(1);
    Maker::each(verifier, head, now, |maker| runs.push(Run::begin(maker, verifier, head)));
    runs
}

/// The head, and the key that made one of its signatures; no key where the scheme signs nothing.
fn prove<'a>(verifier: &Verifier, state: State<'a>) -> Result<(Box<Head<'a>>, Option<usize>), Error> {
    let (head, runs) = match state {
        State::Verifying { head, runs } => (head, runs),
        State::Refused(error) => return Err(error),
    };
    let tried = !runs.is_empty();
    let key = runs.into_iter().find_map(|run| run.finish(verifier, &head));
    let key = verifier.judge(key, tried)?;
    Ok((head, key))
}

impl<B> core::fmt::Debug for Check<'_, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Check").field("request", &self.request).finish_non_exhaustive()
    }
}
