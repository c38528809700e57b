//! The suites that every outbox, and every store of API keys, passes.

use std::time::Duration;

use countersign_store::{
    conformance::Harness,
    outbox::{Attempt, Effect, Endpoint, MemoryOutbox, NewMessage, OutboxStore, SettleDelivery, Verdict},
};

use crate::support::{HOUR, TestClock};

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

#[tokio::test]
async fn adv_91_what_a_clock_that_was_ahead_has_put_off_is_due_once_it_is_right() {
    let Memory { store, clock } = Memory::new();
    let ep = Endpoint::new("ep", "https://ep.example/hooks", "standard-webhooks");
    store.put_endpoint(&ep).await.unwrap();
    clock.ahead(3 * HOUR);
    store.enqueue(&[NewMessage::new("put off", "{}")]).await.unwrap();
    let claimed = store.claim(1, HOUR).await.unwrap().remove(0);
    let verdict = Verdict::Retry { after: HOUR };
    let put_off = SettleDelivery {
        id: claimed.id,
        fence: claimed.fence,
        endpoint: claimed.endpoint,
        verdict,
        effect: Effect::None,
        attempt: Some(Attempt::new(1, 0, claimed.trigger)),
    };
    store.settle(&[put_off]).await.unwrap();
    let mut scheduled = NewMessage::new("scheduled", "{}");
    scheduled.due_at = Some(clock.now().as_micros() as i64 + 1);
    store.enqueue(&[scheduled, NewMessage::new("new", "{}")]).await.unwrap();
    clock.back(3 * HOUR);

    assert!(store.claim(10, HOUR).await.unwrap().is_empty());
    store.turn_failure_clocks(24 * HOUR, 24 * HOUR).await.unwrap();
    let due = store.claim(10, HOUR).await.unwrap();
    let mut due: Vec<_> = due.iter().map(|claimed| &*claimed.message.event_type).collect();
    due.sort_unstable();
    assert_eq!(due, ["new", "put off"], "what has a time of its own waits for it");
}

const SINCE_1970: Duration = Duration::from_secs(1_700_000_000);
