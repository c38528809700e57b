//! The worker: leases, handles, settles.

use std::{fmt, future::Future, pin::pin, sync::Arc, time::Duration};

use countersign_store::{InboxStore, PRUNED_AT_ONCE, StoreError};
use metrics::gauge;
use tokio::{
    select,
    sync::Notify,
    time::{Instant, sleep, sleep_until, timeout},
};

use self::running::Running;
use crate::{
    EventHandler, Inbox,
    attempt::{Handler, Patience},
};

mod running;
mod settling;

/// Worker that handles the events of an [`Inbox`]; see the [crate's page](crate) for what it does.
///
/// Any number of workers may share an inbox, on as many machines as its store serves.
pub struct InboxWorker<S> {
    inbox: Inbox<S>,
    handler: Arc<dyn Handler>,
    concurrency: usize,
    poll_interval: Duration,
    patience: Patience,
    grace: Duration,
    retention: Duration,
}

/// How much longer a lease is than the handler's limit of time: for the settling.
const MARGIN: Duration = Duration::from_secs(30);
/// A lease that lasts for much longer is [taken for](countersign_store::TOO_FAR) that of a clock that was ahead.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(86_400);
/// How long handlers that are broken off are waited for: one that blocks its thread ends when it next waits.
const BREAKING_OFF: Duration = Duration::from_secs(2);
/// How much longer than the grace a stop may take: for what is broken off, and for the store.
const LEEWAY: Duration = Duration::from_secs(10);
/// An event that is forgotten earlier could be sent again by whoever has seen its request: providers' tolerances are some
/// minutes.
const LEAST_RETENTION: Duration = Duration::from_secs(3600);
/// How long a call of the store may take.
const LONGEST_CALL: Duration = Duration::from_secs(60);
/// How long it takes until what could not be settled is tried again by a worker that stops.
const AGAIN: Duration = Duration::from_millis(500);
/// How often rows to prune are looked for, and the depth is measured.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

impl<S: InboxStore> InboxWorker<S> {
    /// A worker with the defaults.
    #[must_use]
    pub fn new(inbox: Inbox<S>, handler: impl EventHandler) -> Self {
        InboxWorker {
            inbox,
            handler: Arc::new(handler),
            concurrency: 8,
            poll_interval: Duration::from_millis(500),
            patience: Patience { max_attempts: 10, handler_timeout: Duration::from_secs(60) },
            grace: Duration::from_secs(30),
            retention: Duration::from_secs(7 * 86_400),
        }
    }

    /// How many handlers run at once: 8 by default, at least 1.
    #[must_use]
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = handlers.max(1);
        self
    }

    /// How often the store is asked for events of which this process doesn't know: those that other
    /// processes accepted, and those that are due again. 500 milliseconds by default.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How long a handler may run: 60 seconds by default, a day at most. One that takes longer is dropped, and its
    /// event tried again.
    #[must_use]
    pub fn handler_timeout(mut self, limit: Duration) -> Self {
        self.patience.handler_timeout = limit.min(LONGEST_ATTEMPT);
        self
    }

    /// How often an event is tried before it is given up: 10 times by default, at least once.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.patience.max_attempts = attempts.max(1);
        self
    }

    /// How long handlers that run are waited for when the worker stops: 30 seconds by default. Those that take longer
    /// are broken off, and their events given back; one that blocks its thread can't be, and keeps its event until
    /// the lease ends.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// For how long an event that is done is remembered, so that a copy of it is known: 7 days by default, an hour at
    /// least. Longer than the provider retries, and than a copy can be accepted: twice the scheme's tolerance, and for ever
    /// where it signs no time, as GitHub's.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention.max(LEAST_RETENTION);
        self
    }

    /// Handles events until `shutdown` is ready, and then stops gracefully: within the [grace](Self::grace), and
    /// 10 seconds more where the store is slow or doesn't answer. Where the future is dropped instead, the events
    /// that are being handled come back when their leases end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        // Beside the work, and not within it: a shutdown that asks the store itself would wait there with a
        // connection in its hand that the work needs.
        let stop = Notify::new();
        let out_of_time = async {
            shutdown.await;
            stop.notify_one();
            sleep(self.grace.saturating_add(LEEWAY)).await;
        };
        // The work asks whether to stop between its calls of the store, and one that hangs has no end.
        select! {
            () = self.work(&stop) => {}
            () = out_of_time => tracing::warn!(target: "countersign", "the worker stops without having settled what is under way, since its store can't be reached or written: it comes back when its leases end"),
        }
    }

    async fn work(&self, stop: &Notify) {
        let mut running = Running::default();
        let (mut next_housekeeping, mut next_pruning) = (Instant::now(), Instant::now());
        loop {
            self.settle(&mut running.ended).await;
            self.lease(&mut running).await;
            if Instant::now() >= next_housekeeping {
                self.measure().await;
                next_housekeeping = Instant::now() + HOUSEKEEPING;
            }
            if Instant::now() >= next_pruning {
                next_pruning = self.prune().await;
            }
            let full = running.tasks.len() >= self.concurrency;
            select! {
                biased;
                () = stop.notified() => break,
                () = running.one_has_ended(self.patience) => {}
                () = self.inbox.arrived(), if !full => {}
                () = sleep(self.poll_interval) => {}
                () = sleep_until(next_pruning) => {}
            }
        }
        self.stop(running).await;
    }

    /// Starts handlers for events that are due.
    async fn lease(&self, running: &mut Running) {
        let free = self.concurrency.saturating_sub(running.tasks.len());
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        // What can't be settled would pile up.
        if limit == 0 || !running.ended.is_empty() {
            return;
        }
        let lease = self.patience.handler_timeout.saturating_add(MARGIN);
        match in_time(self.inbox.lease(limit, lease)).await {
            Ok(leased) => {
                leased.into_iter().for_each(|leased| running.start(&self.handler, leased, self.patience));
            }
            Err(error) => log("events could not be leased", &error),
        }
    }

    /// Waits for the handlers that run, and breaks off those that take too long. Each is settled when it has ended:
    /// whoever stops the process may have less patience.
    async fn stop(&self, mut running: Running) {
        let mut out_of_time = pin!(sleep(self.grace));
        while !running.tasks.is_empty() {
            self.settle(&mut running.ended).await;
            select! {
                biased;
                () = running.one_has_ended(self.patience) => {}
                () = &mut out_of_time => {
                    self.break_off(&mut running).await;
                    break;
                }
            }
        }
        // As often as there is time for.
        self.settle(&mut running.ended).await;
        while !running.ended.is_empty() {
            sleep(AGAIN).await;
            self.settle(&mut running.ended).await;
        }
    }

    /// Breaks off the handlers that still run. Those that don't end even so keep their leases: given back, their events
    /// would be handled twice at once.
    async fn break_off(&self, running: &mut Running) {
        running.tasks.abort_all();
        if timeout(BREAKING_OFF, running.all_have_ended(self.patience)).await.is_err() {
            let handlers = running.tasks.len();
            tracing::warn!(target: "countersign", handlers, "handlers could not be broken off: their events come back when the leases end");
        }
    }

    /// Forgets some old events, and says when to go on. Where there are more, that is after as long as this has taken:
    /// leases and settlements have at least half of the time.
    async fn prune(&self) -> Instant {
        let began = Instant::now();
        match in_time(self.inbox.prune(self.retention)).await {
            Ok(forgotten) if forgotten >= PRUNED_AT_ONCE => return Instant::now() + began.elapsed(),
            Ok(_) => {}
            Err(error) => log("old events could not be pruned", &error),
        }
        began + HOUSEKEEPING
    }

    async fn measure(&self) {
        // A gauge is a float; so deep that it matters is no inbox.
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        if let Ok(depth) = in_time(self.inbox.depth()).await {
            gauge!("countersign_inbox_depth").set(depth as f64);
        }
    }
}

impl<S> fmt::Debug for InboxWorker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxWorker")
            .field("concurrency", &self.concurrency)
            .field("poll_interval", &self.poll_interval)
            .field("patience", &self.patience)
            .field("grace", &self.grace)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

/// What a call of the store gives, or an error where it gives nothing for a minute: a connection that was lost without
/// a word has no answer, ever.
async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| Err(StoreError::unavailable("it has not answered for a minute"));
    timeout(LONGEST_CALL, call).await.unwrap_or_else(late)
}

fn log(what: &str, error: &StoreError) {
    tracing::error!(target: "countersign", error = %error, "{what}");
}
