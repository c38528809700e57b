//! The suites that every outbox, and every store of API keys, passes.

use std::time::Duration;

use countersign_store::{conformance::Harness, outbox::MemoryOutbox};

use crate::support::TestClock;

/// An outbox of its own, and its clock.
struct Memory {
    store: MemoryOutbox,
    clock: TestClock,
}

impl Memory {
    fn new() -> Self {
        let clock = TestClock::default();
        clock.ahead(SINCE_1970);
        let read = clock.clone();
        let store = MemoryOutbox::new().clock_micros(move || read.now().as_micros() as i64);
        Memory { store, clock }
    }
}

impl Harness for Memory {
    type Store = MemoryOutbox;

    async fn store(&self) -> MemoryOutbox {
        self.store.clone()
    }

    async fn pass(&self, time: Duration) {
        self.clock.ahead(time);
    }
}

countersign_store::outbox_conformance!(Memory::new());

mod api_keys {
    use super::*;
    countersign_store::api_keys_conformance!(Memory::new());
}

const SINCE_1970: Duration = Duration::from_secs(1_700_000_000);
