//! What every store promises.

use std::time::Duration;

use countersign_redis::RedisStore;
use countersign_store::conformance::Harness;
use tokio::time::sleep;

use crate::support::{unique, url};

countersign_store::idempotency_conformance!(match url() {
    Some(url) => Fresh { url, prefix: unique("test") },
    None => return,
});

/// A prefix of its own; each handle has a connection of its own.
struct Fresh {
    url: String,
    prefix: String,
}

impl Harness for Fresh {
    type Store = RedisStore;

    async fn store(&self) -> RedisStore {
        let store = RedisStore::connect(&self.url).await.expect("Redis runs");
        store.prefix(&self.prefix).timeout(PATIENCE)
    }

    async fn pass(&self, time: Duration) {
        sleep(time + MILLISECOND).await;
    }
}

/// The machine is busy while the races run.
const PATIENCE: Duration = Duration::from_secs(30);

/// Redis forgets by whole milliseconds.
const MILLISECOND: Duration = Duration::from_millis(1);
