//! Settling what has ended.

use std::{mem::take, slice};

use countersign_store::{
    Settlement, StoreError, StoreErrorKind,
    outbox::{Attempt, OutboxStore, SettleDelivery},
};

use super::{
    Dispatcher,
    running::Ended,
    telling::{events_of, log},
    work::in_time,
};

impl<S: OutboxStore> Dispatcher<S> {
    /// Settles what has ended, all in one commit. Where the store can't be reached, it is kept and tried again.
    pub(super) async fn settle(&self, ended: &mut Ended) {
        if ended.settles.is_empty() {
            return;
        }
        match in_time(self.outbox.store().settle(&ended.settles)).await {
            Ok(settlements) => {
                let Ended { settles, claims } = take(ended);
                let settled = settles.iter().zip(&claims).zip(settlements);
                let settled = settled.map(|((settled, claimed), settlement)| (settled, claimed, settlement));
                self.tell_what_is_so(events_of(settled)).await;
            }
            Err(error) if error.kind() == StoreErrorKind::Invalid => self.settle_apart(ended).await,
            Err(error) => log(NOT_YET, &error),
        }
    }

    /// Settles each by itself, because the store refuses one of them, which must keep no other from its end. What it
    /// refuses even [without what the receiver said](bare) is let go, and tried again when its lease ends.
    async fn settle_apart(&self, ended: &mut Ended) {
        while let (Some(settle), Some(claimed)) = (ended.settles.last(), ended.claims.last()) {
            match self.settle_one(settle).await {
                Ok(settlement) => {
                    self.tell_what_is_so(events_of([(settle, claimed, settlement)].into_iter())).await;
                }
                Err(error) if error.kind() == StoreErrorKind::Invalid => {
                    log(
                        "the store refuses how a delivery ended: it is made again when its lease ends",
                        &error,
                    );
                }
                Err(error) => return log(NOT_YET, &error),
            }
            ended.settles.pop();
            ended.claims.pop();
        }
    }

    async fn settle_one(&self, ended: &SettleDelivery) -> Result<Settlement, StoreError> {
        let store = self.outbox.store();
        let settled = match in_time(store.settle(slice::from_ref(ended))).await {
            Err(error) if error.kind() == StoreErrorKind::Invalid => {
                log(
                    "the store refuses the record of an attempt: it is kept without headers and bodies",
                    &error,
                );
                let bare = [SettleDelivery { attempt: ended.attempt.as_ref().map(bare), ..ended.clone() }];
                in_time(store.settle(&bare)).await
            }
            settled => settled,
        };
        settled.map(|settlements| settlements.first().copied().unwrap_or(Settlement::Superseded))
    }
}

/// An attempt without what others wrote: the headers, the bodies, and why it failed.
fn bare(attempt: &Attempt) -> Attempt {
    let mut bare = Attempt::new(attempt.number, attempt.at, attempt.trigger);
    (bare.latency, bare.status) = (attempt.latency, attempt.status);
    bare.payload_digest = attempt.payload_digest;
    bare.error = attempt.error.as_ref().map(|_| "why it failed could not be recorded".to_owned());
    bare
}

const NOT_YET: &str = "what was delivered could not be settled yet";
