//! Settling what has ended.

use std::slice;

use countersign_store::{InboxStore, Outcome, Settle, Settlement, StoreError, StoreErrorKind};

use super::{InboxWorker, in_time, log};

impl<S: InboxStore> InboxWorker<S> {
    /// Settles what has ended, all in one commit. Where the store can't be reached, it is kept and tried again.
    pub(super) async fn settle(&self, ended: &mut Vec<Settle>) {
        if ended.is_empty() {
            return;
        }
        match in_time(self.inbox.settle(ended)).await {
            Ok(settlements) => {
                ended.clear();
                tell_late(&settlements);
            }
            Err(error) if error.kind() == StoreErrorKind::Invalid => self.settle_apart(ended).await,
            Err(error) => log(NOT_YET, &error),
        }
    }

    /// Settles each by itself, because the store refuses one of them, which must keep no other from its end. What it
    /// refuses even [without why it failed](bare) is let go, and handled again when its lease ends.
    async fn settle_apart(&self, ended: &mut Vec<Settle>) {
        while let Some(settle) = ended.last() {
            match self.settle_one(settle).await {
                Ok(settlements) => tell_late(&settlements),
                Err(error) if error.kind() == StoreErrorKind::Invalid => {
                    log(
                        "the store refuses how an event ended: it is handled again when its lease ends",
                        &error,
                    );
                }
                Err(error) => return log(NOT_YET, &error),
            }
            ended.pop();
        }
    }

    async fn settle_one(&self, ended: &Settle) -> Result<Vec<Settlement>, StoreError> {
        match in_time(self.inbox.settle(slice::from_ref(ended))).await {
            Err(error) if error.kind() == StoreErrorKind::Invalid => {
                log("the store refuses why an event failed: it is settled without", &error);
                let bare = [Settle { outcome: bare(&ended.outcome), ..ended.clone() }];
                in_time(self.inbox.settle(&bare)).await
            }
            settled => settled,
        }
    }
}

/// An outcome without what others wrote, which stands in the log.
fn bare(outcome: &Outcome) -> Outcome {
    let reason = "why it failed could not be recorded".to_owned();
    match outcome {
        Outcome::Retry { after, .. } => Outcome::Retry { after: *after, reason },
        Outcome::Dead { .. } => Outcome::Dead { reason },
        outcome => outcome.clone(),
    }
}

fn tell_late(settlements: &[Settlement]) {
    let late = settlements.iter().filter(|settlement| **settlement == Settlement::Superseded).count();
    if late > 0 {
        tracing::warn!(target: "countersign", late, "events were handled after their leases had ended");
    }
}

const NOT_YET: &str = "what was handled could not be settled yet";
