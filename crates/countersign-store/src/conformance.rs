//! The suite that every store passes: one function a promise.
//!
//! [`idempotency`] holds what an [`IdempotencyStore`](crate::IdempotencyStore) promises, [`inbox`] what
//! an [`InboxStore`](crate::InboxStore) does, [`outbox`] what an
//! [`OutboxStore`](crate::outbox::OutboxStore) does, and [`api_keys`] what an
//! [`ApiKeyStore`](crate::api_keys::ApiKeyStore) does. A store is given to them by a [`Harness`]; the macros
//! [`idempotency_conformance!`](crate::idempotency_conformance),
//! [`inbox_conformance!`](crate::inbox_conformance),
//! [`outbox_conformance!`](crate::outbox_conformance) and
//! [`api_keys_conformance!`](crate::api_keys_conformance) make one test of each promise. They want `tokio`
//! with `macros` and `rt-multi-thread` among the dependencies.
//!
//! ```
//! use std::{
//!     sync::{Arc, Mutex},
//!     time::Duration,
//! };
//!
//! use countersign_store::{MemoryStore, conformance::Harness};
//!
//! struct Memory {
//!     store: Arc<MemoryStore>,
//!     now: Arc<Mutex<Duration>>,
//! }
//!
//! impl Memory {
//!     fn new() -> Self {
//!         let now = Arc::new(Mutex::new(Duration::ZERO));
//!         let clock = now.clone();
//!         let store = MemoryStore::new().clock(move || *clock.lock().unwrap());
//!         Memory { store: Arc::new(store), now }
//!     }
//! }
//!
//! impl Harness for Memory {
//!     type Store = Arc<MemoryStore>;
//!
//!     async fn store(&self) -> Arc<MemoryStore> {
//!         self.store.clone()
//!     }
//!
//!     async fn pass(&self, time: Duration) {
//!         *self.now.lock().unwrap() += time;
//!     }
//! }
//!
//! countersign_store::idempotency_conformance!(Memory::new());
//! ```
//!
//! # Panics
//!
//! Each function panics where the promise is broken, or where the store fails.

use std::{collections::HashMap, future::Future, panic, sync::Arc, time::Duration};

use tokio::{sync::Barrier, task::JoinSet, time::timeout};

pub mod api_keys;
pub mod idempotency;
pub mod inbox;
pub mod outbox;

/// A store to be tested, in which nothing is known yet: each promise is given one of its own.
pub trait Harness {
    /// The store.
    type Store: Send + Sync + 'static;

    /// Another handle on the same data, as another task or process has it.
    fn store(&self) -> impl Future<Output = Self::Store>;

    /// Lets this much time pass, and no less, by the store's clock. Where that means to sleep, and the
    /// store's clock is a coarse one, it sleeps somewhat longer.
    fn pass(&self, time: Duration) -> impl Future<Output = ()>;

    /// The lease, delay or time to live whose end is waited for. It can be short: no promise wants a call
    /// to be made before it ends.
    fn short(&self) -> Duration {
        Duration::from_millis(100)
    }

    /// How often a race is run.
    fn rounds(&self) -> usize {
        1_000
    }

    /// How many rows of an inbox, or deliveries of an outbox, the workers share.
    fn rows(&self) -> usize {
        2_000
    }

    /// Removes what the harness has made, once the promise was kept.
    fn finish(self) -> impl Future<Output = ()>
    where
        Self: Sized,
    {
        async {}
    }
}

/// Makes a test of each promise of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($suite:ident, $harness:expr, $($promise:ident),* $(,)?) => {
        $(#[::tokio::test(flavor = "multi_thread")]
        async fn $promise() {
            let harness = $harness;
            $crate::conformance::$suite::$promise(&harness).await;
            $crate::conformance::Harness::finish(harness).await;
        })*
    };
}

/// One of several tasks that run at once.
struct Racer<S> {
    number: usize,
    store: S,
    barrier: Arc<Barrier>,
}

impl<S> Racer<S> {
    /// Waits until all the others have come as far.
    async fn ready(&self) {
        self.barrier.wait().await;
    }
}

/// Runs so many tasks at once, each with a handle of its own, and gives back what they returned. Where
/// one panics the others are broken off, so that none waits for it.
async fn race<H, F>(harness: &H, tasks: usize, task: impl Fn(Racer<H::Store>) -> F) -> Vec<F::Output>
where
    H: Harness,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(tasks));
    let mut running = JoinSet::new();
    for number in 0..tasks {
        running.spawn(task(Racer { number, store: harness.store().await, barrier: barrier.clone() }));
    }
    timeout(PATIENCE, all(running)).await.expect("the tasks come to an end")
}

async fn all<T: 'static>(mut running: JoinSet<T>) -> Vec<T> {
    let mut returned = Vec::new();
    while let Some(result) = running.join_next().await {
        returned.push(result.unwrap_or_else(|error| panic::resume_unwind(error.into_panic())));
    }
    returned
}

/// Each round was won by one task.
fn assert_each_once(won: Vec<Vec<usize>>, rounds: usize) {
    let mut winners: HashMap<usize, usize> = HashMap::new();
    for round in won.into_iter().flatten() {
        *winners.entry(round).or_default() += 1;
    }
    for round in 0..rounds {
        assert_eq!(winners.get(&round), Some(&1), "how many have won round {round}");
    }
}

/// A text of so many bytes, another for each number, that no database makes shorter.
fn incompressible(number: u64, bytes: usize) -> String {
    let mut state = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state >> 58) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}

/// How long a race may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// A lease, delay or time to live that doesn't end while a promise is tested.
const LONG: Duration = Duration::from_secs(60 * 60);
/// Texts that would do something if they were ever read as code, or as a pattern.
const HOSTILE: &[&str] = &[
    "'; DROP TABLE countersign_claims; --",
    "' OR '1'='1",
    "\"; DELETE FROM countersign_inbox; --",
    "';--%_\\",
    "\\'",
    "$1",
    "?1",
    ":key",
    "%",
    "_",
    "*",
    "{}",
    "{{key}}",
    "[1,2]",
    "/* */",
    "\r\nDEL key\r\n",
    "\u{202e}\u{7f}\u{1}",
    "🦀",
];
