//! Hearing of what other processes enqueue.

use std::{
    future::pending,
    sync::{Arc, OnceLock},
    time::Duration,
};

use sqlx::{Error, PgPool, postgres::PgListener};
use tokio::{sync::Mutex, time::sleep};

/// The channel on which each enqueueing is told, when it commits.
pub(super) const CHANNEL: &str = "countersign_outbox";

/// A connection that listens, made when it is first wanted. Whoever enqueues on this database is heard.
#[derive(Clone, Default)]
pub(crate) struct Ear(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The connection, while nobody listens to it.
    listening: Mutex<Option<Listening>>,
    /// Whether somebody waits for the pool to be closed.
    is_watched: OnceLock<()>,
}

struct Listening {
    listener: PgListener,
    /// The number of this schema's table, which those that enqueue there tell.
    table: String,
}

impl Ear {
    /// Returns when something was enqueued; never with a pool of one connection, which the work needs. A
    /// connection that breaks is made anew: what was told meanwhile is lost, and is found when the store is
    /// asked.
    pub(super) async fn hear(&self, pool: &PgPool) {
        if pool.options().get_max_connections() < 2 {
            return pending().await;
        }
        loop {
            match self.heard(pool).await {
                Ok(()) => return,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn heard(&self, pool: &PgPool) -> Result<(), Error> {
        self.0.is_watched.get_or_init(|| self.let_go_when_closed(pool));
        let mut listening = self.0.listening.lock().await;
        let mut ear = match listening.take() {
            Some(ear) => ear,
            None => Listening::begin(pool).await?,
        };
        // Where its caller gives up, the connection goes back to the pool, which could not be closed otherwise.
        ear.told().await?;
        *listening = Some(ear);
        Ok(())
    }

    /// Lets go of the connection once the pool is being closed, which would wait for it.
    fn let_go_when_closed(&self, pool: &PgPool) {
        let (inner, closed) = (Arc::downgrade(&self.0), pool.close_event());
        tokio::spawn(async move {
            closed.await;
            if let Some(inner) = inner.upgrade() {
                inner.listening.lock().await.take();
            }
        });
    }
}

impl Listening {
    async fn begin(pool: &PgPool) -> Result<Self, Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        let table = sqlx::query_scalar("SELECT 'countersign_deliveries'::regclass::oid::text");
        Ok(Listening { table: table.fetch_one(&mut listener).await?, listener })
    }

    async fn told(&mut self) -> Result<(), Error> {
        while self.listener.recv().await?.payload() != self.table {}
        Ok(())
    }
}

/// How long a connection that can't be made is left alone.
const PAUSE: Duration = Duration::from_secs(5);
