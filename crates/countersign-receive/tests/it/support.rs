//! Signed requests, bodies, and stores that fail.

use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use countersign::{ErrorKind, Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog};
use countersign_receive::{BodySource, Handling, Incoming, Next, Receiver, Reply, Verified};
use countersign_store::{Answer, Claim, ClaimToken, IdempotencyStore, MemoryStore, Settlement, StoreError};

pub(crate) const NOW: i64 = 1_764_000_000;
pub(crate) const BODY: &[u8] = br#"{"type":"invoice.paid","data":{"id":"in_1","amount":42}}"#;

pub(crate) fn verifier() -> Verifier {
    verifier_of(&catalog::STANDARD_WEBHOOKS, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
}

pub(crate) fn verifier_of(scheme: &Scheme, secret: &str) -> Verifier {
    let keys = Keyring::new(scheme, [secret]).unwrap();
    Verifier::builder(scheme.clone()).keys(keys).build().unwrap()
}

pub(crate) fn receiver() -> Receiver<()> {
    Receiver::new(verifier()).clock(|| NOW)
}

/// The headers of a delivery of `id`, signed by the Standard Webhooks scheme.
pub(crate) fn signed(id: &str, body: &[u8]) -> Vec<(String, String)> {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let keys = Keyring::new(scheme, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]).unwrap();
    Signer::new(scheme, keys).unwrap().sign(&Message::new(id, body), NOW).unwrap().headers
}

/// Delivers the event `id`.
pub(crate) async fn deliver(receiver: &Receiver<()>, id: &str) -> Next {
    deliver_with(receiver, &signed(id, BODY), BODY).await
}

/// Delivers an event within a layer that has claimed it, and left this proof.
pub(crate) async fn deliver_within(proof: &Verified, receiver: &Receiver<()>, id: &str) -> Next {
    deliver_any(receiver, &signed(id, BODY), BODY, Some(proof)).await
}

pub(crate) async fn deliver_with(receiver: &Receiver<()>, headers: &[(String, String)], body: &[u8]) -> Next {
    deliver_any(receiver, headers, body, None).await
}

async fn deliver_any(
    receiver: &Receiver<()>,
    headers: &[(String, String)],
    body: &[u8],
    claimed: Option<&Verified>,
) -> Next {
    let (request, declared_length) = (RequestView::post(&headers), body.len() as u64);
    let incoming = Incoming { parts: &(), request, declared_length, claimed };
    receiver.receive(&incoming, Whole(Some(Bytes::copy_from_slice(body)))).await
}

pub(crate) fn handled(next: Next) -> (Verified, Handling) {
    match next {
        Next::Handle(verified, handling) => (verified, handling),
        Next::Answer(reply) => panic!("answered {reply:?}"),
    }
}

pub(crate) fn answered(next: Next) -> Reply {
    match next {
        Next::Answer(reply) => reply,
        Next::Handle(verified, _) => panic!("to be handled: {verified:?}"),
    }
}

pub(crate) fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
}

/// A body that arrives in one piece.
pub(crate) struct Whole(pub(crate) Option<Bytes>);

impl BodySource for Whole {
    fn poll_piece(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, ErrorKind>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// A store that is down: it fails at once, or never answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Down {
    Refusing,
    Hanging,
}

impl Down {
    async fn fail<T>(self) -> Result<T, StoreError> {
        match self {
            Down::Refusing => Err(StoreError::unavailable("connection refused")),
            Down::Hanging => pending().await,
        }
    }
}

impl IdempotencyStore for Down {
    async fn claim(&self, _: &str, _: Duration) -> Result<Claim, StoreError> {
        self.fail().await
    }

    async fn complete(&self, _: &ClaimToken, _: Answer, _: Duration) -> Result<Settlement, StoreError> {
        self.fail().await
    }

    async fn release(&self, _: &ClaimToken) -> Result<Settlement, StoreError> {
        self.fail().await
    }
}

/// A store in memory that is away for as many settlements as it is told.
#[derive(Clone, Default)]
pub(crate) struct Flaky {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) away_for: Arc<AtomicU32>,
}

impl Flaky {
    fn is_away(&self) -> Result<(), StoreError> {
        let left = self.away_for.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Err(StoreError::unavailable("connection refused")),
            Err(_) => Ok(()),
        }
    }
}

impl IdempotencyStore for Flaky {
    async fn claim(&self, key: &str, lease: Duration) -> Result<Claim, StoreError> {
        self.store.claim(key, lease).await
    }

    async fn complete(
        &self,
        token: &ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Result<Settlement, StoreError> {
        self.is_away()?;
        self.store.complete(token, answer, ttl).await
    }

    async fn release(&self, token: &ClaimToken) -> Result<Settlement, StoreError> {
        self.is_away()?;
        self.store.release(token).await
    }
}

/// A store in memory that grants claims after a while, whether or not somebody waits for them.
#[derive(Clone, Default)]
pub(crate) struct Slow(pub(crate) Arc<MemoryStore>);

impl Slow {
    pub(crate) const WHILE: Duration = Duration::from_secs(8);
}

impl IdempotencyStore for Slow {
    async fn claim(&self, key: &str, lease: Duration) -> Result<Claim, StoreError> {
        let (store, key) = (self.0.clone(), key.to_owned());
        let claiming = tokio::spawn(async move {
            tokio::time::sleep(Self::WHILE).await;
            store.claim(&key, lease).await
        });
        claiming.await.unwrap()
    }

    async fn complete(
        &self,
        token: &ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Result<Settlement, StoreError> {
        self.0.complete(token, answer, ttl).await
    }

    async fn release(&self, token: &ClaimToken) -> Result<Settlement, StoreError> {
        self.0.release(token).await
    }
}
