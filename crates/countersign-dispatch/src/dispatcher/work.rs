//! The dispatcher's loop: claim, attempt, settle.

use std::{pin::pin, time::Duration};

use countersign_store::outbox::OutboxStore;
use tokio::{
    select,
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use super::{
    Dispatcher,
    running::{LONGEST_TURN, Running},
    telling::log,
};

impl<S: OutboxStore> Dispatcher<S> {
    /// Works until it is told to stop, and then until what is under way has ended.
    pub(super) async fn work(&self, stop: &Notify) {
        let mut running = Running::new(self.means());
        let mut next_housekeeping = Instant::now();
        let mut changed = pin!(self.outbox.store().changed());
        loop {
            self.settle(&mut running).await;
            self.claim(&mut running).await;
            if Instant::now() >= next_housekeeping {
                self.keep_house().await;
                next_housekeeping = Instant::now() + HOUSEKEEPING;
            }
            let full = running.len() >= self.concurrency;
            select! {
                biased;
                () = stop.notified() => break,
                () = running.some_have_ended() => {}
                () = self.outbox.woken(), if !full => {}
                () = &mut changed, if !full => changed.set(self.outbox.store().changed()),
                () = sleep(self.poll_interval) => {}
            }
        }
        self.stop(running).await;
    }

    /// Begins attempts at deliveries that are due, as many as there is room for.
    async fn claim(&self, running: &mut Running) {
        let free = self.concurrency.saturating_sub(running.len());
        // What can't be settled would pile up.
        if free == 0 || !running.ended.is_empty() {
            return;
        }
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        let lease = self.attempt_timeout + LONGEST_TURN + MARGIN;
        match self.outbox.store().claim(limit, lease).await {
            Ok(claimed) => claimed.into_iter().for_each(|claimed| running.begin(claimed)),
            Err(error) => log("deliveries could not be claimed", &error),
        }
    }

    /// Waits for the attempts that are under way, and gives back those that take too long.
    async fn stop(&self, mut running: Running) {
        let all_ended = async {
            while running.len() > 0 {
                running.some_have_ended().await;
            }
        };
        if timeout(self.grace, all_ended).await.is_err() {
            tracing::warn!(target: "countersign", "attempts were broken off: they are made again");
        }
        self.settle(&mut running).await;
    }
}

/// How much longer a lease is than an attempt: for the wait of its turn and for the settling.
const MARGIN: Duration = Duration::from_secs(30);
/// How often failure clocks are turned and old messages forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
