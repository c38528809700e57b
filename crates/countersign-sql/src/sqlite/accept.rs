//! Accepting events: those that arrive while a commit is under way share the next one.
//!
//! A commit costs a flush of the disk, whatever it writes, so one commit for many events is what
//! makes many events a second possible. Nobody waits for others to come: an event that arrives alone
//! is written at once.

use std::{
    error::Error as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use countersign_store::{Accepted, Received, StoreError, StoreErrorKind};
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::oneshot;

use super::{begin, error::failed};
use crate::{check, lane::lane, row};

/// Writes the events of all callers, one commit at a time.
#[derive(Clone, Default)]
pub(super) struct Acceptor(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether a writer is at work; it takes what comes meanwhile.
    writing: bool,
}

/// A caller, and the event it wants accepted.
struct Waiting {
    received: Received,
    now: i64,
    answer: oneshot::Sender<Result<Accepted, StoreError>>,
}

impl Acceptor {
    /// Returns once the event is committed.
    pub(super) async fn accept(
        &self,
        pool: &SqlitePool,
        received: &Received,
        now: i64,
    ) -> Result<Accepted, StoreError> {
        check::received(received)?;
        let (answer, answered) = oneshot::channel();
        if self.enqueue(Waiting { received: received.clone(), now, answer }) {
            // A task of its own, so that a caller that gives up doesn't break off the others' commit.
            tokio::spawn(Writer { acceptor: self.clone(), finished: false }.run(pool.clone()));
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::unavailable("the writer was broken off")))
    }

    /// Whether a writer has to be started.
    fn enqueue(&self, waiting: Waiting) -> bool {
        let mut queue = self.lock();
        queue.waiting.push(waiting);
        !std::mem::replace(&mut queue.writing, true)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes until nobody waits.
struct Writer {
    acceptor: Acceptor,
    finished: bool,
}

impl Writer {
    async fn run(mut self, pool: SqlitePool) {
        while let Some(batch) = self.next() {
            match write(&pool, &batch).await {
                Ok(all) => batch.into_iter().zip(all).for_each(|(one, accepted)| one.tell(Ok(accepted))),
                Err(error) => batch.into_iter().for_each(|one| one.tell(Err(same(&error)))),
            }
        }
    }

    /// The events that wait, without those whose callers have given up.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut queue = self.acceptor.lock();
        queue.waiting.retain(|waiting| !waiting.answer.is_closed());
        let most = queue.waiting.len().min(BATCH);
        self.finished = most == 0;
        queue.writing = most > 0;
        (most > 0).then(|| queue.waiting.drain(..most).collect())
    }
}

/// A writer that is broken off, as when its runtime ends, leaves room for the next, and its callers
/// are told that nothing is known.
impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            *self.acceptor.lock() = Queue::default();
        }
    }
}

impl Waiting {
    /// A caller that has given up isn't there to be told.
    fn tell(self, result: Result<Accepted, StoreError>) {
        self.answer.send(result).ok();
    }
}

/// Writes all of them in one commit, or none.
async fn write(pool: &SqlitePool, batch: &[Waiting]) -> Result<Vec<Accepted>, StoreError> {
    let mut transaction = begin(pool).await?;
    let mut accepted = Vec::with_capacity(batch.len());
    for Waiting { received, now, .. } in batch {
        accepted.push(insert(&mut transaction, received, *now).await?);
    }
    transaction.commit().await.map_err(failed)?;
    Ok(accepted)
}

async fn insert(
    connection: &mut SqliteConnection,
    received: &Received,
    now: i64,
) -> Result<Accepted, StoreError> {
    let inserted = sqlx::query(INSERT)
        .bind(&received.key)
        .bind(now)
        .bind(lane(received))
        .bind(&received.source)
        .bind(&received.tenant)
        .bind(&received.event_id)
        .bind(&received.event_type)
        .bind(&received.order)
        .bind(&received.data_at)
        .bind(&received.body[..])
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(row::accepted(inserted.rows_affected()))
}

/// The error once more, for another caller of the same commit.
fn same(error: &StoreError) -> StoreError {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    match error.kind() {
        StoreErrorKind::Invalid => StoreError::invalid(cause),
        _ => StoreError::unavailable(cause),
    }
}

/// The most events of one commit.
const BATCH: usize = 256;

const INSERT: &str = "
    INSERT INTO countersign_inbox (key, state, due_at, attempts, lane, accepted_at,
        source, tenant, event_id, event_type, ordering, data_at, body)
    VALUES (?1, 'pending', ?2, 0, ?3, ?2, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (key) DO NOTHING";
