//! The attempts that are under way.

use std::{collections::HashMap, sync::Arc, time::Duration};

use countersign_store::outbox::{Claimed, Effect, SettleDelivery, Verdict};
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    attempt::Means,
    pace::{Pace, Turn},
};

/// The attempts that are under way.
pub(super) struct Running {
    means: Arc<Means>,
    pace: Arc<Pace>,
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
    pub(super) fn new(means: Arc<Means>) -> Self {
        Running { means, pace: Arc::default(), tasks: JoinSet::new(), claimed: HashMap::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Begins an attempt at a delivery.
    pub(super) fn begin(&mut self, claimed: Claimed) {
        let (means, pace, own) = (self.means.clone(), self.pace.clone(), claimed.clone());
        let task = self.tasks.spawn(async move {
            match pace.turn(&own.endpoint) {
                Turn::AskAgain(wait) => put_back(&own, wait),
                Turn::After(wait) => {
                    sleep(wait).await;
                    means.attempt(&own).await
                }
            }
        });
        self.claimed.insert(task.id(), claimed);
    }

    /// Waits until an attempt has ended, and a moment longer until half of them have, and takes those that
    /// have. Never ready where none is under way.
    pub(super) async fn some_have_ended(&mut self, ended: &mut Ended) {
        let enough = ended.settles.len() + self.len().div_ceil(2);
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

/// A delivery that is not tried, because its endpoint's turn comes too late.
fn put_back(claimed: &Claimed, wait: Duration) -> SettleDelivery {
    let verdict = Verdict::Retry { after: wait };
    let (id, fence, endpoint) = (claimed.id, claimed.fence, claimed.endpoint.clone());
    SettleDelivery { id, fence, endpoint, verdict, effect: Effect::None, attempt: None }
}

/// How long more results are waited for when one has come, so that they share a commit.
const LINGER: Duration = Duration::from_millis(5);
