//! How the endpoint of a case is set up.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use countersign::{Key, Keyring, Scheme, Verifier, catalog};
use countersign_receive::{Idempotency, Receiver};
use countersign_sql::SqliteStore;
use countersign_store::{Answer, Claim, ClaimToken, IdempotencyStore, MemoryStore, Settlement, StoreError};

use crate::{
    handler::Act,
    request::{NOW, SECRET},
};

/// How the endpoint of a case is set up.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    verifier: Verifier,
    /// The keys of each tenant, by the path of its endpoint.
    tenants: BTreeMap<&'static str, Arc<Keyring>>,
    body_timeout: Duration,
    idle_timeout: Duration,
    pub(crate) store: Store,
    /// The layer around its own.
    around: Around,
    pub(crate) acts: Vec<Act>,
}

/// The state of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Works,
    IsDown,
    /// And the application handles events all the same.
    IsDownAndOpen,
    /// The application has none.
    IsNone,
}

/// A layer around that of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    Nothing,
    /// The same once more, by mistake.
    Same,
    /// One that verifies, and remembers nothing.
    Verifying,
}

impl Endpoint {
    /// The most bytes of a body.
    pub(crate) const LIMIT: usize = 64 * 1024;

    pub(crate) fn standard() -> Endpoint {
        Endpoint::of(&catalog::STANDARD_WEBHOOKS, SECRET)
    }

    pub(crate) fn of(scheme: &Scheme, secret: &str) -> Endpoint {
        let keys = Keyring::new(scheme, [secret]).unwrap();
        Endpoint::accepting(Verifier::builder(scheme.clone()).keys(keys).build().unwrap())
    }

    pub(crate) fn accepting(verifier: Verifier) -> Endpoint {
        let patient = Duration::from_secs(20);
        Endpoint {
            verifier,
            tenants: BTreeMap::new(),
            body_timeout: patient,
            idle_timeout: patient,
            store: Store::Works,
            around: Around::Nothing,
            acts: Vec::new(),
        }
    }

    /// The endpoints of several tenants: their paths and secrets.
    pub(crate) fn of_tenants(tenants: &[(&'static str, &str)]) -> Endpoint {
        let scheme = &catalog::STANDARD_WEBHOOKS;
        let none = Keyring::by_request(scheme).unwrap();
        let verifier = Verifier::builder(scheme.clone()).keys(none).build().unwrap();
        let keys = |path: &str, secret| {
            Keyring::builder(scheme).key(Key::new("current", secret)).tenant(path).build().unwrap()
        };
        let tenants = tenants.iter().map(|(path, secret)| (*path, Arc::new(keys(path, secret))));
        Endpoint { tenants: tenants.collect(), ..Endpoint::accepting(verifier) }
    }

    /// The time for a whole body, and the longest silence.
    pub(crate) fn within(mut self, total: Duration, idle: Duration) -> Endpoint {
        (self.body_timeout, self.idle_timeout) = (total, idle);
        self
    }

    pub(crate) fn where_the_store(mut self, store: Store) -> Endpoint {
        self.store = store;
        self
    }

    pub(crate) fn within_a_layer(mut self, around: Around) -> Endpoint {
        self.around = around;
        self
    }

    pub(crate) fn whose_handler(mut self, acts: impl Into<Vec<Act>>) -> Endpoint {
        self.acts = acts.into();
        self
    }

    /// Whether there is such an endpoint with an inbox, which calls no handler, nor a second layer, and never
    /// goes on without its store.
    pub(crate) fn suits_an_inbox(&self) -> bool {
        self.acts.is_empty()
            && self.around == Around::Nothing
            && matches!(self.store, Store::Works | Store::IsDown)
    }

    /// The receiver that handles each event once.
    pub(crate) fn receiver<P: 'static>(&self, memory: Arc<MemoryStore>, path: fn(&P) -> &str) -> Receiver<P> {
        let settings = match self.store {
            Store::Works => Idempotency::new(memory),
            Store::IsDown => Idempotency::new(Down),
            Store::IsDownAndOpen => Idempotency::new(Down).fail_open(),
            Store::IsNone => return self.plain(path),
        };
        // Said, because some of the schemes limit no request's age.
        self.plain(path).idempotency(settings.ttl(Idempotency::DEFAULT_TTL)).unwrap()
    }

    /// That of the layer around.
    pub(crate) fn around<P: 'static>(
        &self,
        memory: Arc<MemoryStore>,
        path: fn(&P) -> &str,
    ) -> Option<Receiver<P>> {
        match self.around {
            Around::Nothing => None,
            Around::Same => Some(self.receiver(memory, path)),
            Around::Verifying => Some(self.plain(path)),
        }
    }

    /// The receiver that stores events for later.
    pub(crate) fn inbox<P: 'static>(&self, store: SqliteStore, path: fn(&P) -> &str) -> Receiver<P> {
        self.plain(path).inbox(store)
    }

    /// The receiver that remembers nothing.
    fn plain<P: 'static>(&self, path: fn(&P) -> &str) -> Receiver<P> {
        let receiver = Receiver::new(self.verifier.clone())
            .body_limit(Endpoint::LIMIT)
            .body_timeout(self.body_timeout)
            .idle_timeout(self.idle_timeout)
            .clock(|| NOW);
        if self.tenants.is_empty() {
            return receiver;
        }
        let tenants = self.tenants.clone();
        receiver.resolve_keys(move |request| {
            let keys = tenants.get(path(request)).cloned();
            async move { Ok::<_, Infallible>(keys) }
        })
    }
}

/// A store that can't be reached.
struct Down;

impl Down {
    fn fail<T>() -> Result<T, StoreError> {
        Err(StoreError::unavailable("connection refused"))
    }
}

impl IdempotencyStore for Down {
    async fn claim(&self, _: &str, _: Duration) -> Result<Claim, StoreError> {
        Down::fail()
    }

    async fn complete(&self, _: &ClaimToken, _: Answer, _: Duration) -> Result<Settlement, StoreError> {
        Down::fail()
    }

    async fn release(&self, _: &ClaimToken) -> Result<Settlement, StoreError> {
        Down::fail()
    }
}
