//! The way of a request, from its headers to the decision.

use std::{
    borrow::Cow,
    pin::pin,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use countersign::{Error, ErrorKind, Greeting, Keyring, Outcome, RequestView, Verifier};
use countersign_store::{Accepted, Answer};
use tracing::{Instrument, Span};

use crate::{
    Handling, Receiver, Reply, Verified,
    body::{BodySource, Frames},
    handling::Held,
    judgement::Judgement,
    observe,
};

/// A request without its body, as an adapter shows it.
#[derive(Debug)]
pub struct Incoming<'a, P> {
    /// What the hooks are given.
    pub parts: &'a P,
    /// Method, target as it arrived, and headers.
    pub request: RequestView<'a>,
    /// How many bytes the body is said to have, at least.
    pub declared_length: u64,
    /// The proof that a layer around this one has left, where the request [has a claim](crate::HasClaim).
    pub claimed: Option<&'a Verified>,
}

/// What the adapter is to do.
#[derive(Debug)]
pub enum Next {
    /// Call the handler with this proof, and [finish](Handling::finish) with its answer.
    Handle(Verified, Handling),
    /// Answer this, without the handler.
    Answer(Reply),
}

impl<P> Receiver<P> {
    /// Reads, verifies and claims a request, and decides what becomes of it. Nothing of the body is read
    /// before the headers are found good.
    pub async fn receive(&self, incoming: &Incoming<'_, P>, body: impl BodySource) -> Next {
        let started = Instant::now();
        let now = (self.clock)();
        let (span, chosen) = (observe::span(self), OnceLock::new());
        let judgement = {
            // Pinned first: the future is large, and would be moved into what instruments it.
            let judging = pin!(self.judge(incoming, body, now, &span, &chosen));
            match span.is_disabled() {
                true => judging.await,
                false => judging.instrument(span.clone()).await,
            }
        };
        let chosen = chosen.get().map(Arc::as_ref);
        observe::Request { receiver: self, span: &span, chosen, now, started }.record(&judgement);
        judgement.into_next(self.verifier.scheme())
    }

    async fn judge(
        &self,
        incoming: &Incoming<'_, P>,
        body: impl BodySource,
        now: i64,
        span: &Span,
        chosen: &OnceLock<Arc<Keyring>>,
    ) -> Judgement {
        let mut verified = match self.verify(incoming, body, now, chosen).await {
            Ok(Outcome::Event(verified)) => verified,
            Ok(Outcome::Handshake(greeting)) => return self.greet(incoming.parts, greeting).await,
            Err(error) => return Judgement::Refuse(None, error),
        };
        // Where they stand in the body: the log and the inbox ask for both, a store for the id alone.
        if !span.is_disabled() || self.inbox.is_some() {
            verified.read_id_and_type();
        }
        match self.place(&verified, &incoming.request, now).await {
            Ok(Placed::Queued(accepted)) => Judgement::Queued(verified, accepted),
            Ok(Placed::Handling(claim)) => {
                Judgement::Handle(verified, Handling::new(span, self.meters.clone(), claim))
            }
            Ok(Placed::Done(answer)) => Judgement::Replay(verified, answer),
            Err(error) if error.kind() == ErrorKind::InFlight && is_claimed_around(incoming, &verified) => {
                Judgement::Refuse(Some(verified), twice())
            }
            Err(error) => Judgement::Refuse(Some(verified), error),
        }
    }

    async fn verify(
        &self,
        incoming: &Incoming<'_, P>,
        body: impl BodySource,
        now: i64,
        chosen: &OnceLock<Arc<Keyring>>,
    ) -> Result<Outcome<'static, Bytes>, Error> {
        self.limits.check(incoming.declared_length)?;
        let verifier = self.verifier_for(incoming.parts, chosen).await?;
        let mut check = verifier.begin_with(&incoming.request, Frames::default(), now)?;
        self.limits.read(body, incoming.declared_length, |piece| check.update(piece)).await?;
        Ok(match check.outcome()? {
            Outcome::Event(verified) => Outcome::Event(verified.into_owned()),
            Outcome::Handshake(greeting) => Outcome::Handshake(greeting),
        })
    }

    /// The verifier with the request's own keys, where they are by request; they are noted in `chosen`.
    async fn verifier_for(
        &self,
        parts: &P,
        chosen: &OnceLock<Arc<Keyring>>,
    ) -> Result<Cow<'_, Verifier>, Error> {
        let Some(keys) = &self.keys else { return Ok(Cow::Borrowed(&self.verifier)) };
        let keys = keys.call(parts).await?;
        if self.remembers() && keys.tenant().is_none() {
            return Err(nameless());
        }
        self.verifier.with_keys(chosen.get_or_init(|| keys).clone()).map(Cow::Owned)
    }

    /// Where an authentic event goes: into the inbox, to the handler, or nowhere because it was there.
    async fn place(&self, verified: &Verified, request: &RequestView<'_>, now: i64) -> Result<Placed, Error> {
        if let Some(inbox) = &self.inbox {
            // Boxed: every request would have the room that this takes.
            return Box::pin(inbox.accept(verified, request)).await.map(Placed::Queued);
        }
        let Some(idempotency) = &self.idempotency else {
            return Ok(Placed::Handling(None));
        };
        idempotency.claim(verified.idempotency_key(), ahead_of(verified, now)).await
    }

    /// Whether events are known again when they come again.
    fn remembers(&self) -> bool {
        self.inbox.is_some() || self.idempotency.is_some()
    }

    /// Answers a handshake, once its secret, where it has one, is stored.
    async fn greet(&self, parts: &P, mut greeting: Greeting) -> Judgement {
        let stored = match (greeting.secret.take(), &self.enrol) {
            (None, _) => Ok(()),
            (Some(secret), Some(enrol)) => enrol.call(parts, secret).await,
            (Some(_), None) => {
                let error = Error::new(ErrorKind::Misconfigured);
                Err(error.because("the provider hands over its secret, and no `on_enrolment` stores it"))
            }
        };
        match stored {
            Ok(()) => Judgement::Greet(greeting),
            Err(error) => Judgement::Refuse(None, error),
        }
    }
}

/// Where an authentic event has gone.
pub(crate) enum Placed {
    /// Into the inbox.
    Queued(Accepted),
    /// To the handler, with the claim where there is a store of claims.
    Handling(Option<Held>),
    /// Nowhere: it has been handled, and was answered so.
    Done(Answer),
}

/// Whether a layer around this one has claimed the event: a copy would have been stopped there.
fn is_claimed_around<P>(incoming: &Incoming<'_, P>, verified: &Verified) -> bool {
    incoming.claimed.is_some_and(|outer| outer.idempotency_key() == verified.idempotency_key())
}

/// Events of two tenants may have one id.
fn nameless() -> Error {
    Error::new(ErrorKind::Misconfigured).because(
        "the keys that `resolve_keys` chose have no tenant, so that one tenant's event could pass for a copy of another's: \
         name it by `Keyring::builder(…).tenant(…)`",
    )
}

/// Whoever waits for oneself waits for ever.
fn twice() -> Error {
    Error::new(ErrorKind::Misconfigured).because(
        "this layer is there twice around one handler, and the inner one finds the event claimed by the outer one: \
         remove one of them, or give each an `endpoint` of its own",
    )
}

/// How far ahead of the clock an event was signed.
fn ahead_of(verified: &Verified, now: i64) -> Duration {
    let ahead = verified.timestamp().map_or(0, |time| time.as_unix_seconds().saturating_sub(now));
    Duration::from_secs(u64::try_from(ahead).unwrap_or(0))
}
