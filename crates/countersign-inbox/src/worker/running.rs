//! The handlers that run.

use std::{collections::HashMap, sync::Arc};

use countersign_store::{Fence, Leased, Settle};
use tokio::task::{Id, JoinError, JoinSet};

use crate::{
    HandlerError,
    attempt::{Attempt, Handler, Patience},
};

/// The handlers that run, and the events that are to be settled.
#[derive(Default)]
pub(super) struct Running {
    pub(super) tasks: JoinSet<Result<(), HandlerError>>,
    leases: HashMap<Id, (i64, Fence, Attempt)>,
    pub(super) ended: Vec<Settle>,
}

impl Running {
    /// Starts a handler.
    pub(super) fn start(&mut self, handler: &Arc<dyn Handler>, leased: Leased, patience: Patience) {
        let (id, fence, attempt) = (leased.id, leased.fence, Attempt::of(&leased));
        let handler = handler.clone();
        let running = attempt.run(leased, patience, handler);
        let task = self.tasks.spawn(running);
        self.leases.insert(task.id(), (id, fence, attempt));
    }

    /// Waits until all handlers have ended, and takes them.
    pub(super) async fn all_have_ended(&mut self, patience: Patience) {
        while !self.tasks.is_empty() {
            self.one_has_ended(patience).await;
        }
    }

    /// Waits until a handler has ended, and takes all that have. Never ready where none runs.
    pub(super) async fn one_has_ended(&mut self, patience: Patience) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.take(ended, patience),
            None => std::future::pending().await,
        }
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.take(ended, patience);
        }
    }

    fn take(&mut self, ended: Result<(Id, Result<(), HandlerError>), JoinError>, patience: Patience) {
        let (task, result) = match ended {
            Ok((task, result)) => (task, Some(result)),
            // It was broken off, as the worker stops.
            Err(error) if error.is_cancelled() => (error.id(), None),
            // What it panicked with may hold a piece of the event.
            Err(error) => (error.id(), Some(Err(HandlerError::retry("the handler panicked")))),
        };
        if let Some((id, fence, attempt)) = self.leases.remove(&task) {
            let outcome = match result {
                Some(result) => attempt.conclude(result, patience),
                None => attempt.give_back(),
            };
            self.ended.push(Settle { id, fence, outcome });
        }
    }
}
