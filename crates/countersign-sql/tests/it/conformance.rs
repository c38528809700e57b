//! The suites that every store passes, in the tests' own time.

use std::time::Duration;

use countersign_store::{
    api_keys_conformance, conformance::Harness, idempotency_conformance, inbox_conformance,
    outbox_conformance,
};

use crate::support::{Database, TestClock};

/// A database and the clock of its stores.
struct Timed<D> {
    database: D,
    clock: TestClock,
}

impl<D> Timed<D> {
    fn new(database: D) -> Self {
        Timed { database, clock: TestClock::new() }
    }
}

impl<D: Database> Harness for Timed<D> {
    type Store = D::Store;

    async fn store(&self) -> D::Store {
        self.database.at(&self.clock)
    }

    async fn pass(&self, time: Duration) {
        self.clock.ahead(time);
    }

    async fn finish(self) {
        self.database.drop().await;
    }
}

#[cfg(feature = "sqlite")]
mod on_sqlite {
    use super::*;
    use crate::sqlite::Fresh;

    mod idempotency {
        use super::*;
        idempotency_conformance!(Timed::new(Fresh::new().await));
    }

    mod inbox {
        use super::*;
        inbox_conformance!(Timed::new(Fresh::new().await));
    }

    mod outbox {
        use super::*;
        outbox_conformance!(Timed::new(Fresh::new().await));
    }

    mod api_keys {
        use super::*;
        api_keys_conformance!(Timed::new(Fresh::new().await));
    }
}

#[cfg(feature = "postgres")]
mod on_postgres {
    use super::*;
    use crate::postgres::Fresh;

    mod idempotency {
        use super::*;
        idempotency_conformance!(match Fresh::new().await {
            Some(fresh) => Timed::new(fresh),
            None => return,
        });
    }

    mod inbox {
        use super::*;
        inbox_conformance!(match Fresh::new().await {
            Some(fresh) => Timed::new(fresh),
            None => return,
        });
    }

    mod outbox {
        use super::*;
        outbox_conformance!(match Fresh::new().await {
            Some(fresh) => Timed::new(fresh),
            None => return,
        });
    }

    mod api_keys {
        use super::*;
        api_keys_conformance!(match Fresh::new().await {
            Some(fresh) => Timed::new(fresh),
            None => return,
        });
    }
}
