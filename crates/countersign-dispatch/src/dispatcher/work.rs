//! The dispatcher's loop: claim, attempt, settle.

use std::{future::Future, pin::pin, time::Duration};

use countersign_store::{
    StoreError,
    outbox::{Claimed, OutboxStore},
};
use tokio::{
    join, select,
    sync::Notify,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    DAY, Dispatcher,
    running::{Ended, LONGEST_FOR_A_PLACE, Running},
    telling::log,
};
use crate::pace;

impl<S: OutboxStore> Dispatcher<S> {
    /// Works until it is told to stop, and then until what is under way has ended.
    pub(super) async fn work(&self, stop: &Notify) {
        let (mut running, mut ended) = (Running::new(self.means(), self.concurrency), Ended::default());
        // Whether the first claim of the last turn was given as much as it had asked for.
        let mut more_is_due = false;
        let (mut next_housekeeping, mut next_pruning) = (Instant::now(), Instant::now());
        let mut changed = pin!(self.outbox.store().changed());
        loop {
            let claimed = self.settle_and_claim(&mut ended, running.free(), &mut more_is_due).await;
            claimed.into_iter().for_each(|claimed| running.begin(claimed));
            if Instant::now() >= next_housekeeping {
                self.keep_house().await;
                next_housekeeping = Instant::now() + HOUSEKEEPING;
            }
            if Instant::now() >= next_pruning {
                next_pruning = self.prune().await;
            }
            let full = running.free() == 0;
            select! {
                biased;
                () = stop.notified() => break,
                () = running.some_have_ended(&mut ended) => {}
                () = self.outbox.woken(), if !full => {}
                () = &mut changed, if !full => changed.set(self.outbox.store().changed()),
                () = sleep(self.poll_interval) => {}
                () = sleep_until(next_pruning) => {}
            }
        }
        self.stop(running, ended).await;
    }

    /// Settles what has ended, and claims as many deliveries as there is room for.
    ///
    /// While more is due than there is room for, neither waits for the other. What such a claim can't have yet are the
    /// places of the deliveries that are being settled, so one that is given less than it asks for is made again.
    async fn settle_and_claim(&self, ended: &mut Ended, free: usize, more_is_due: &mut bool) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        if *more_is_due {
            ((), claimed) = join!(self.settle(ended), self.claim(free));
        } else {
            self.settle(ended).await;
        }
        if !ended.settles.is_empty() {
            // What can't be settled would pile up.
            *more_is_due = false;
        } else if claimed.len() < free {
            let left = free - claimed.len();
            let others = self.claim(left).await;
            *more_is_due = !*more_is_due && others.len() == left;
            claimed.extend(others);
        }
        claimed
    }

    /// Claims deliveries that are due.
    async fn claim(&self, most: usize) -> Vec<Claimed> {
        if most == 0 {
            return Vec::new();
        }
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let waits = pace::LONGEST + LONGEST_FOR_A_PLACE;
        let lease = self.attempt_timeout.saturating_add(waits + MARGIN).min(LONGEST_LEASE);
        match in_time(self.outbox.store().claim(limit, lease)).await {
            Ok(claimed) => claimed,
            Err(error) => {
                log("deliveries could not be claimed", &error);
                Vec::new()
            }
        }
    }

    /// Waits for the attempts that are under way, and gives back those that take too long. Each is settled when it
    /// has ended: whoever stops the process may have less patience.
    async fn stop(&self, mut running: Running, mut ended: Ended) {
        let mut out_of_time = pin!(sleep(self.grace));
        if !running.is_empty() {
            tracing::info!(target: "countersign", grace = ?self.grace, "the dispatcher stops when what is under way has ended");
        }
        while !running.is_empty() {
            self.settle(&mut ended).await;
            select! {
                biased;
                () = running.some_have_ended(&mut ended) => {}
                () = &mut out_of_time => {
                    tracing::warn!(target: "countersign", "attempts were broken off: they are made again");
                    break;
                }
            }
        }
        // As often as there is time for.
        self.settle(&mut ended).await;
        while !ended.settles.is_empty() {
            sleep(AGAIN).await;
            self.settle(&mut ended).await;
        }
    }
}

/// What a call of the store gives, or an error where it gives nothing for a minute: a connection that was lost without
/// a word has no answer, ever.
pub(super) async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| Err(StoreError::unavailable("it has not answered for a minute"));
    timeout(LONGEST_CALL, call).await.unwrap_or_else(late)
}

/// How much longer a lease is than an attempt and what it waits for: for the settling.
const MARGIN: Duration = Duration::from_secs(10);
/// One that is longer would be taken for that of a clock that was ahead.
const LONGEST_LEASE: Duration = Duration::from_secs(DAY);
/// How long a call of the store may take.
const LONGEST_CALL: Duration = Duration::from_secs(60);
/// How long it takes until what could not be settled is tried again by a dispatcher that stops.
const AGAIN: Duration = Duration::from_millis(500);
/// How often failure clocks are turned, and old messages looked for.
pub(super) const HOUSEKEEPING: Duration = Duration::from_secs(60);
