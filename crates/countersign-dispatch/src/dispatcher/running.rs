//! The attempts that are under way.

use std::{collections::HashMap, future::ready, sync::Arc, time::Duration};

use countersign_store::outbox::{Claimed, Effect, SettleDelivery, Verdict};
use tokio::{
    sync::Semaphore,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    attempt::Means,
    pace::{Pace, Turn},
};

/// The attempts that are under way, and those that wait for their endpoints' turns.
pub(super) struct Running {
    means: Arc<Means>,
    pace: Pace,
    /// One for each attempt that may be under way.
    places: Arc<Semaphore>,
    concurrency: usize,
    /// Room for those that wait: while they do, their places are others'.
    waiting_room: Arc<Semaphore>,
    tasks: JoinSet<SettleDelivery>,
    claimed: HashMap<Id, Claimed>,
}

/// The attempts that have ended and are to be settled.
#[derive(Default)]
pub(super) struct Ended {
    /// What becomes of each.
    pub(super) settles: Vec<SettleDelivery>,
    /// What each was an attempt at, in the same order.
    pub(super) claims: Vec<Claimed>,
}

impl Running {
    pub(super) fn new(means: Arc<Means>, concurrency: usize) -> Self {
        let concurrency = concurrency.min(Semaphore::MAX_PERMITS / WAITING);
        Running {
            means,
            pace: Pace::default(),
            places: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            waiting_room: Arc::new(Semaphore::new(concurrency * WAITING)),
            tasks: JoinSet::new(),
            claimed: HashMap::new(),
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// How many more attempts may begin.
    pub(super) fn free(&self) -> usize {
        self.concurrency.saturating_sub(self.begun())
    }

    /// How many attempts have begun and were not taken yet: all but those that wait.
    fn begun(&self) -> usize {
        let waiting = self.concurrency * WAITING - self.waiting_room.available_permits();
        self.tasks.len().saturating_sub(waiting)
    }

    /// Begins an attempt at a delivery, or lets it wait for its endpoint's turn.
    pub(super) fn begin(&mut self, claimed: Claimed) {
        let room = self.waiting_room.clone().try_acquire_owned().ok();
        let task = match self.pace.turn(&claimed.endpoint, room.is_some()) {
            Turn::AskAgain(wait) => self.tasks.spawn(ready(put_back(&claimed, wait))),
            Turn::After(wait) => {
                let room = room.filter(|_| !wait.is_zero());
                let (means, places, own) = (self.means.clone(), self.places.clone(), claimed.clone());
                self.tasks.spawn(async move {
                    sleep(wait).await;
                    let Ok(Ok(_place)) = timeout(LONGEST_FOR_A_PLACE, places.acquire_owned()).await else {
                        return put_back(&own, Duration::ZERO);
                    };
                    drop(room);
                    means.attempt(&own).await
                })
            }
        };
        self.claimed.insert(task.id(), claimed);
    }

    /// Waits until an attempt has ended, and a moment longer until half of them have, and takes those that
    /// have. Never ready where none is under way.
    pub(super) async fn some_have_ended(&mut self, ended: &mut Ended) {
        let enough = ended.settles.len() + self.begun().div_ceil(2);
        match self.tasks.join_next_with_id().await {
            Some(result) => self.take(result, ended),
            None => std::future::pending().await,
        }
        let until = Instant::now() + LINGER;
        while ended.settles.len() < enough {
            match timeout_at(until, self.tasks.join_next_with_id()).await {
                Ok(Some(result)) => self.take(result, ended),
                _ => break,
            }
        }
    }

    fn take(&mut self, result: Result<(Id, SettleDelivery), JoinError>, ended: &mut Ended) {
        let (task, settle) = match result {
            Ok((task, settle)) => (task, Some(settle)),
            Err(error) => (error.id(), None),
        };
        if let Some(claimed) = self.claimed.remove(&task) {
            let settle = settle.unwrap_or_else(|| self.means.panicked(&claimed));
            ended.settles.push(settle);
            ended.claims.push(claimed);
        }
    }
}

/// A delivery that is not tried, because its endpoint's turn or a place comes too late.
fn put_back(claimed: &Claimed, wait: Duration) -> SettleDelivery {
    let verdict = Verdict::Retry { after: wait };
    let (id, fence, endpoint) = (claimed.id, claimed.fence, claimed.endpoint.clone());
    SettleDelivery { id, fence, endpoint, verdict, effect: Effect::None, attempt: None }
}

/// How many may wait for their turns, for each that may be under way. They hold what they will send.
const WAITING: usize = 4;
/// How long a place is waited for when the turn has come.
pub(super) const LONGEST_FOR_A_PLACE: Duration = Duration::from_secs(10);
/// How long more results are waited for when one has come, so that they share a commit.
const LINGER: Duration = Duration::from_millis(5);
