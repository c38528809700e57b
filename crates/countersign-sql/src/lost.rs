//! Leases that nobody was given: the database stopped, or was too slow, between making them and saying so. Nobody would
//! attempt what they hold until they end: an endpoint of which they take every place would be given nothing, and an event
//! could be given up that no handler has seen. The next lease gives them back.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use countersign_store::{Fence, StoreError, StoreErrorKind};

/// The leases that this store lost. A clone is another handle on the same.
#[derive(Clone, Default)]
pub(crate) struct LostLeases(Arc<Mutex<Vec<Lost>>>);

/// A lease that perhaps was made, or will be: a database can go on with a statement whose asker is gone.
#[derive(Clone, Copy)]
pub(crate) struct Lost {
    pub(crate) fence: Fence,
    since: Instant,
}

/// A lease that is being made, which is lost when this is dropped.
struct Making<'a> {
    leases: &'a LostLeases,
    fence: Fence,
    is_lost: bool,
}

impl LostLeases {
    /// Makes a lease with this fence. It is lost where the answer is that the database can't be reached, and where the
    /// caller doesn't wait for the answer. What can't be read is left leased: it would be in the way of all else.
    pub(crate) async fn watch<T>(
        &self,
        fence: Fence,
        making: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut watched = Making { leases: self, fence, is_lost: true };
        let made = making.await;
        watched.is_lost = made.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Unavailable);
        made
    }

    pub(crate) fn all(&self) -> Vec<Lost> {
        self.lock().clone()
    }

    /// Is told how many rows of a lost lease were given back. One of which there were none may still be made, for some
    /// seconds.
    pub(crate) fn gave_back(&self, lost: Lost, rows: u64) {
        if rows > 0 || lost.since.elapsed() >= LATEST {
            self.lock().retain(|other| other.fence != lost.fence);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Lost>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Implements giving back for a store, whose `time` the statement has.
macro_rules! giving_back {
    ($store:ident) => {
        impl $store {
            /// Gives back what was leased where nobody had the answer: `statement` takes a fence, and the time.
            async fn give_back(&self, lost: &LostLeases, statement: &'static str) -> Result<(), StoreError> {
                for lease in lost.all() {
                    let now = self.time().await?;
                    let query = sqlx::query(statement).bind(lease.fence.as_i64()).bind(now);
                    let given = query.execute(&self.pool).await.map_err(failed)?;
                    lost.gave_back(lease, given.rows_affected());
                }
                Ok(())
            }
        }
    };
}
pub(crate) use giving_back;

impl Drop for Making<'_> {
    fn drop(&mut self) {
        if self.is_lost {
            self.leases.lock().push(Lost { fence: self.fence, since: Instant::now() });
        }
    }
}

/// How long after its asker is gone a database goes on with a statement.
const LATEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    fn fence() -> Fence {
        Fence::random().expect("random numbers")
    }

    fn fences(leases: &LostLeases) -> Vec<Fence> {
        leases.all().iter().map(|lost| lost.fence).collect()
    }

    #[tokio::test]
    async fn a_lease_is_lost_where_nobody_has_heard_of_it() {
        let leases = LostLeases::default();
        let (unavailable, dropped) = (fence(), fence());
        assert!(leases.watch(fence(), future::ready(Ok(()))).await.is_ok());
        let answer = future::ready(Err::<(), _>(StoreError::invalid("not to be read")));
        assert!(leases.watch(fence(), answer).await.is_err());
        assert_eq!(fences(&leases), []);
        let answer = future::ready(Err::<(), _>(StoreError::unavailable("away")));
        assert!(leases.watch(unavailable, answer).await.is_err());
        let waiting = leases.watch(dropped, future::pending::<Result<(), StoreError>>());
        assert!(tokio::time::timeout(Duration::from_millis(1), waiting).await.is_err());
        assert_eq!(fences(&leases), [unavailable, dropped]);
    }

    #[test]
    fn what_was_given_back_is_forgotten_and_else_it_is_tried_for_some_seconds() {
        let leases = LostLeases::default();
        let lost = |fence, since| Lost { fence, since };
        let now = Instant::now();
        let late = now.checked_sub(LATEST).expect("a time");
        let all = [lost(fence(), now), lost(fence(), now), lost(fence(), late)];
        leases.lock().extend(all);
        for (lost, rows) in all.into_iter().zip([3, 0, 0]) {
            leases.gave_back(lost, rows);
        }
        assert_eq!(fences(&leases), [all[1].fence]);
    }
}
