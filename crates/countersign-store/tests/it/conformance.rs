//! The suite that every store passes.

use std::{sync::Arc, time::Duration};

use countersign_store::{MemoryStore, conformance::Harness};

use crate::support::TestClock;

/// A store of its own, and its clock.
struct Memory {
    store: Arc<MemoryStore>,
    clock: TestClock,
}

impl Memory {
    fn new() -> Self {
        let clock = TestClock::default();
        Memory { store: Arc::new(clock.store()), clock }
    }
}

impl Harness for Memory {
    type Store = Arc<MemoryStore>;

    async fn store(&self) -> Arc<MemoryStore> {
        self.store.clone()
    }

    async fn pass(&self, time: Duration) {
        self.clock.ahead(time);
    }
}

countersign_store::idempotency_conformance!(Memory::new());
