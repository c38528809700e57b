//! Group commit: those who write while a commit is under way share the next one.
//!
//! A commit costs a flush of the disk, whatever it writes, so one commit for many callers is what makes
//! many writes a second possible. Nobody waits for others to come: who comes alone is written at once.

use std::{
    error::Error as _,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use countersign_store::{StoreError, StoreErrorKind};
use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::sync::oneshot;

use super::{error::failed, file::File};

/// What a caller wants written.
pub(super) trait Write: Sized + Send + Sync + 'static {
    /// What it is told.
    type Answer: Send + 'static;

    /// How many rows it is, and how many bytes.
    fn size(&self) -> Size;

    /// Writes all of them, and answers each, in their order.
    fn write(
        all: &[Self],
        connection: &mut SqliteConnection,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;
}

/// How much is written.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

/// Writes what all callers want, one commit at a time.
pub(super) struct Group<W: Write>(Arc<Mutex<Queue<W>>>);

struct Queue<W: Write> {
    waiting: Vec<Waiting<W>>,
    /// Whether a writer is at work; it takes what comes meanwhile.
    writing: bool,
}

/// A caller, and what it wants written.
struct Waiting<W: Write> {
    wanted: W,
    answer: Answer<W>,
}

type Answer<W> = oneshot::Sender<Result<<W as Write>::Answer, StoreError>>;

impl<W: Write> Group<W> {
    /// Returns once it is committed.
    pub(super) async fn write(&self, file: &File, wanted: W) -> Result<W::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        if self.join(Waiting { wanted, answer }) {
            // A task of its own, so that a caller that gives up doesn't break off the others' commit.
            tokio::spawn(Writer { group: self.clone(), finished: false }.run(file.clone()));
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::unavailable("the writer was broken off")))
    }

    /// Whether a writer has to be started.
    fn join(&self, waiting: Waiting<W>) -> bool {
        let mut queue = self.lock();
        queue.waiting.push(waiting);
        !mem::replace(&mut queue.writing, true)
    }

    fn lock(&self) -> MutexGuard<'_, Queue<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write> Clone for Group<W> {
    fn clone(&self) -> Self {
        Group(self.0.clone())
    }
}

impl<W: Write> Default for Group<W> {
    fn default() -> Self {
        Group(Arc::new(Mutex::new(Queue::default())))
    }
}

impl<W: Write> Default for Queue<W> {
    fn default() -> Self {
        Queue { waiting: Vec::new(), writing: false }
    }
}

/// Writes until nobody waits.
struct Writer<W: Write> {
    group: Group<W>,
    finished: bool,
}

impl<W: Write> Writer<W> {
    async fn run(mut self, file: File) {
        while self.is_awaited() {
            // Those that come while another writes are still among the next.
            let begun = file.begin().await;
            let (wanted, answers) = self.next();
            let results = match begun {
                Ok(transaction) => write(&file, transaction, &wanted).await,
                Err(error) => all(wanted.len(), &error),
            };
            // A caller that has given up isn't there to be told.
            answers.into_iter().zip(results).for_each(|(answer, result)| drop(answer.send(result)));
        }
    }

    /// Whether anybody waits, without those that have given up. A writer that isn't awaited is finished.
    fn is_awaited(&mut self) -> bool {
        let mut queue = self.group.lock();
        queue.waiting.retain(|waiting| !waiting.answer.is_closed());
        queue.writing = !queue.waiting.is_empty();
        self.finished = !queue.writing;
        queue.writing
    }

    /// What the next commit holds: as much as it may, and at least what the first wants.
    fn next(&self) -> (Vec<W>, Vec<Answer<W>>) {
        let mut queue = self.group.lock();
        queue.waiting.retain(|waiting| !waiting.answer.is_closed());
        let mut sum = Size::default();
        let fits = queue.waiting.iter().take_while(|waiting| {
            let size = waiting.wanted.size();
            (sum.rows, sum.bytes) = (sum.rows + size.rows, sum.bytes + size.bytes);
            sum.rows <= MOST.rows && sum.bytes <= MOST.bytes
        });
        let most = fits.count().max(1).min(queue.waiting.len());
        queue.waiting.drain(..most).map(|waiting| (waiting.wanted, waiting.answer)).unzip()
    }
}

/// A writer that is broken off, as when its runtime ends, leaves room for the next, and its callers
/// are told that nothing is known.
impl<W: Write> Drop for Writer<W> {
    fn drop(&mut self) {
        if !self.finished {
            *self.group.lock() = Queue::default();
        }
    }
}

/// Writes all in one commit. Where one of them is refused, each is written by itself, so that it spoils
/// nobody else's.
async fn write<W: Write>(
    file: &File,
    transaction: Transaction<'static, Sqlite>,
    wanted: &[W],
) -> Vec<Result<W::Answer, StoreError>> {
    match commit(transaction, wanted).await {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(error) if error.kind() == StoreErrorKind::Invalid && wanted.len() > 1 => {
            let mut results = Vec::with_capacity(wanted.len());
            for one in wanted {
                results.push(alone(file, one).await);
            }
            results
        }
        Err(error) => all(wanted.len(), &error),
    }
}

async fn alone<W: Write>(file: &File, wanted: &W) -> Result<W::Answer, StoreError> {
    let mut answers = commit(file.begin().await?, std::slice::from_ref(wanted)).await?;
    answers.pop().ok_or_else(|| StoreError::invalid("what was written has no answer"))
}

/// Writes all of them in one commit, or none.
async fn commit<W: Write>(
    mut transaction: Transaction<'static, Sqlite>,
    wanted: &[W],
) -> Result<Vec<W::Answer>, StoreError> {
    let answers = W::write(wanted, &mut transaction).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(answers)
}

/// The same error for each caller.
fn all<A>(callers: usize, error: &StoreError) -> Vec<Result<A, StoreError>> {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let same = || match error.kind() {
        StoreErrorKind::Invalid => StoreError::invalid(cause.clone()),
        _ => StoreError::unavailable(cause.clone()),
    };
    (0..callers).map(|_| Err(same())).collect()
}

/// The most that one commit holds, so that those who claim and settle don't wait for long.
const MOST: Size = Size { rows: 256, bytes: 8 << 20 };

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]
mod tests;
