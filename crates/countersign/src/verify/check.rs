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

/// Keeps nothing: the body is verified as it passes by, a piece behind. What it proves has no body, and so no event,
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
pub struct Check<'a, B: BodyBuffer> {
    verifier: Verifier,
    request: RequestView<'a>,
    now: i64,
    buffer: B,
    /// The first piece, until there is a second: a body of one piece, as most are, is verified like one that is
    /// at hand.
    first: Option<B::Frame>,
    state: State<'a>,
}

enum State<'a> {
    Verifying {
        /// Boxed, as a request that waits for its body is moved about.
        head: Box<Head<'a>>,
        /// Begun with the second piece.
        runs: Option<Vec<Run>>,
    },
    /// What is signed is known when the body has ended.
    Waiting {
        head: Box<Head<'a>>,
        /// How many bytes have arrived: a buffer that keeps fewer would have others verified than came.
        arrived: usize,
    },
    /// The headers are no event's, but the request may turn out to be a handshake that isn't signed.
    Refused(Error),
}

/// What the headers say, and the key that made one of the signatures; no key where the scheme signs nothing.
type Proof<'a> = Result<(Box<Head<'a>>, Option<usize>), Error>;

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
                if !may_greet && !verifier.scheme().is_unsigned() && !Maker::is_any(&verifier, &head, now) {
                    return Err(Error::new(ErrorKind::NoUsableKey));
                }
                match verifier.rules.families[head.family].is_signed_whole {
                    true => State::Waiting { head: Box::new(head), arrived: 0 },
                    false => State::Verifying { head: Box::new(head), runs: None },
                }
            }
            Err(error) if may_greet => State::Refused(error),
            Err(error) => return Err(error),
        };
        Ok(Check { verifier, request, now, buffer, first: None, state })
    }

    /// Feeds the next piece of the body, and keeps it.
    pub fn update(&mut self, frame: B::Frame) {
        match (&mut self.state, self.first.take()) {
            (State::Verifying { runs: None, .. }, None) => self.first = Some(frame),
            (State::Verifying { head, runs: runs @ None }, Some(first)) => {
                *runs = Some(start(&self.verifier, head, self.now));
                self.pass(first);
                self.pass(frame);
            }
            _ => self.pass(frame),
        }
    }

    /// Feeds a piece to the runs, where there are some, and keeps it.
    fn pass(&mut self, frame: B::Frame) {
        match &mut self.state {
            State::Verifying { head, runs: Some(runs) } => {
                runs.iter_mut().for_each(|run| run.feed_body(&self.verifier, head, frame.as_ref()));
            }
            State::Waiting { arrived, .. } => *arrived += frame.as_ref().len(),
            _ => {}
        }
        self.buffer.push(frame);
    }

    /// The body has ended: gives the proof. Handshakes are not answered; see
    /// [`outcome`](Check::outcome).
    ///
    /// # Errors
    /// Why the request isn't authentic; see [`ErrorKind`].
    pub fn finish(self) -> Result<Verified<'a, B::Body>, Error> {
        let (request, now) = (self.request, self.now);
        let (verifier, proof, body) = self.end();
        let (mut head, key) = proof?;
        head.read_time_in_body(&verifier, B::bytes(&body), now)?;
        Ok(conclude(Cow::Owned(verifier), &request, *head, key, body))
    }

    /// The body has ended: gives the proof, or the answer where the request is a handshake.
    ///
    /// # Errors
    /// As [`finish`](Check::finish); and [`ErrorKind::HandshakeRefused`].
    pub fn outcome(self) -> Result<Outcome<'a, B::Body>, Error> {
        let (request, now) = (self.request, self.now);
        let (verifier, proof, body) = self.end();
        if let Some(greeting) = Greeting::unsigned(&verifier, &request, B::bytes(&body))? {
            return Ok(Outcome::Handshake(greeting));
        }
        let (mut head, key) = proof?;
        head.read_time_in_body(&verifier, B::bytes(&body), now)?;
        if let Some(greeting) = Greeting::signed(&verifier, &request, B::bytes(&body), key)? {
            return Ok(Outcome::Handshake(greeting));
        }
        Ok(Outcome::Event(conclude(Cow::Owned(verifier), &request, *head, key, body)))
    }

    /// Looks for the key, and gives the body.
    fn end(mut self) -> (Verifier, Proof<'a>, B::Body) {
        let proof = match self.state {
            State::Verifying { head, runs: Some(runs) } => {
                let tried = !runs.is_empty();
                let key = runs.into_iter().find_map(|run| run.finish(&self.verifier, &head));
                self.verifier.judge(key, tried).map(|key| (head, key))
            }
            State::Verifying { head, runs: None } => {
                let body = self.first.as_ref().map_or([].as_slice(), AsRef::as_ref);
                self.verifier.find_key(&head, body, self.now).map(|key| (head, key))
            }
            State::Waiting { head, arrived } => {
                let body = self.buffer.finish();
                let key = match B::bytes(&body) {
                    kept if kept.len() == arrived => self.verifier.find_key(&head, kept, self.now),
                    _ => Err(not_kept()),
                };
                return (self.verifier, key.map(|key| (head, key)), body);
            }
            State::Refused(error) => Err(error),
        };
        if let Some(only) = self.first {
            self.buffer.push(only);
        }
        (self.verifier, proof, self.buffer.finish())
    }
}

pub(super) fn not_kept() -> Error {
    let why = "the scheme reads the body, which is not kept: use `begin_with` and keep it";
    Error::new(ErrorKind::Misconfigured).because(why)
}

/// A run of each key that is valid now, by each algorithm that the request has a signature by, with what
/// stands before the body already fed.
fn start(verifier: &Verifier, head: &Head<'_>, now: i64) -> Vec<Run> {
    // Room for one, as there mostly is: the four that a vector begins with are more than allocators are fast at.
    let mut runs = Vec::with_capacity(1);
    Maker::each(verifier, head, now, |maker| runs.push(Run::begin(maker, verifier, head)));
    runs
}

impl<B: BodyBuffer> core::fmt::Debug for Check<'_, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Check").field("request", &self.request).finish_non_exhaustive()
    }
}
