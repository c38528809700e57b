//! The dispatcher: claims, attempts, settles.

use std::{collections::HashMap, fmt, future::Future, pin::pin, sync::Arc, time::Duration};

use countersign_store::{
    Settlement, StoreError,
    outbox::{
        Claimed, Depth, DisabledBecause, Effect, HealthChange, OutboxStore, Retention, SettleDelivery,
        Verdict,
    },
};
use metrics::gauge;
use tokio::{
    join, select,
    sync::Notify,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, timeout},
};

use crate::{
    OperationalEvent, Outbox, PayloadSource, Schedule, Sealer, Transport,
    attempt::{Means, Sender, system_clock},
    pace::Pace,
    payload::Source,
    signing::Signers,
};

/// Dispatcher that delivers the messages of an [`Outbox`]; see the [crate's page](crate) for what it does.
///
/// Any number of dispatchers may share an outbox, on as many machines as its store serves.
pub struct Dispatcher<S> {
    outbox: Outbox<S>,
    sender: Arc<dyn Sender>,
    source: Option<Arc<dyn Source>>,
    sealer: Option<Sealer>,
    schedule: Schedule,
    concurrency: usize,
    attempt_timeout: Duration,
    poll_interval: Duration,
    grace: Duration,
    warn_after: Duration,
    disable_after: Duration,
    retention: Retention,
    on_event: Arc<dyn Fn(&OperationalEvent) + Send + Sync>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// How much longer a lease is than an attempt: for the wait of its turn and for the settling.
const MARGIN: Duration = Duration::from_secs(30);
/// The longest that an attempt waits for its endpoint's turn; one that would wait longer is put back.
const LONGEST_TURN: Duration = Duration::from_secs(5);
/// How long more results are waited for when one has come, so that they share a commit.
const LINGER: Duration = Duration::from_millis(1);
/// How often failure clocks are turned and old messages forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
const DAY: u64 = 86_400;

impl<S: OutboxStore> Dispatcher<S> {
    /// A dispatcher with the defaults.
    #[must_use]
    pub fn new(outbox: Outbox<S>, transport: impl Transport) -> Self {
        Dispatcher {
            outbox,
            sender: Arc::new(transport),
            source: None,
            sealer: None,
            schedule: Schedule::default(),
            concurrency: 64,
            attempt_timeout: Duration::from_secs(30),
            poll_interval: Duration::from_secs(1),
            grace: Duration::from_secs(30),
            warn_after: Duration::from_secs(5 * DAY),
            disable_after: Duration::from_secs(7 * DAY),
            retention: Retention::default(),
            on_event: Arc::new(|_| {}),
            clock: system_clock(),
        }
    }

    /// When deliveries are tried again, and how often.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Makes the payloads of messages that are rendered when they are delivered.
    #[must_use]
    pub fn payload_source(mut self, source: impl PayloadSource) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Opens secrets that are sealed in the store.
    #[must_use]
    pub fn sealer(mut self, sealer: Sealer) -> Self {
        self.sealer = Some(sealer);
        self
    }

    /// How many attempts are under way at once, to all endpoints together: 64 by default, at least 1. Each
    /// endpoint has a limit of its own besides.
    #[must_use]
    pub fn concurrency(mut self, attempts: usize) -> Self {
        self.concurrency = attempts.max(1);
        self
    }

    /// How long an attempt may take, the making of its payload included: 30 seconds by default. The
    /// transport's own limit, 15 seconds, is usually reached first.
    #[must_use]
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = limit;
        self
    }

    /// How often the store is asked for deliveries of which this process doesn't know: a second by default.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How long attempts that are under way are waited for when the dispatcher stops: 30 seconds by default.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// After how long of failing an endpoint is warned of, and after how long it is disabled: 5 and 7 days by
    /// default.
    #[must_use]
    pub fn failure_clock(mut self, warn_after: Duration, disable_after: Duration) -> Self {
        (self.warn_after, self.disable_after) = (warn_after, disable_after);
        self
    }

    /// For how long messages are kept that have nothing left to deliver: 30 days, and a million messages, by
    /// default.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Tells an operator what happens. It must be quick: the dispatcher waits.
    #[must_use]
    pub fn on_event(mut self, tell: impl Fn(&OperationalEvent) + Send + Sync + 'static) -> Self {
        self.on_event = Arc::new(tell);
        self
    }

    /// The clock, in microseconds since 1970: the system's by default.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    /// Delivers until `shutdown` is ready, and then stops gracefully. Where the future is dropped instead, the
    /// deliveries that are under way come back when their leases end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        // Beside the work, and not within it: a shutdown that asks the store itself would wait there with a
        // connection in its hand that the work needs.
        let stop = Notify::new();
        let told = async {
            shutdown.await;
            stop.notify_one();
        };
        join!(told, self.work(&stop));
    }

    async fn work(&self, stop: &Notify) {
        let mut running = Running::new(self.means());
        let mut next_housekeeping = Instant::now();
        let mut changed = pin!(self.outbox.store().changed());
        loop {
            self.settle(&mut running).await;
            let more = self.claim(&mut running).await;
            if Instant::now() >= next_housekeeping {
                self.keep_house().await;
                next_housekeeping = Instant::now() + HOUSEKEEPING;
            }
            let full = running.tasks.len() >= self.concurrency;
            select! {
                biased;
                () = stop.notified() => break,
                () = running.some_have_ended() => {}
                () = self.outbox.woken(), if !full => {}
                () = &mut changed, if !full => changed.set(self.outbox.store().changed()),
                // Where the places were not enough, there is more at once.
                () = sleep(if more && !full { Duration::ZERO } else { self.poll_interval }) => {}
            }
        }
        self.stop(running).await;
    }

    fn means(&self) -> Arc<Means> {
        Arc::new(Means {
            sender: self.sender.clone(),
            source: self.source.clone(),
            signers: Signers::new(self.sealer.clone()),
            schedule: self.schedule.clone(),
            limit: self.attempt_timeout,
            clock: self.clock.clone(),
        })
    }

    /// Begins attempts at deliveries that are due. Says whether there were as many as there was room for.
    async fn claim(&self, running: &mut Running) -> bool {
        let free = self.concurrency.saturating_sub(running.tasks.len());
        // What can't be settled would pile up.
        if free == 0 || !running.ended.is_empty() {
            return false;
        }
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        let lease = self.attempt_timeout + LONGEST_TURN + MARGIN;
        match self.outbox.store().claim(limit, lease).await {
            Ok(claimed) => {
                let found = claimed.len() == free;
                claimed.into_iter().for_each(|claimed| running.begin(claimed));
                found
            }
            Err(error) => {
                log("deliveries could not be claimed", &error);
                false
            }
        }
    }

    /// Settles what has ended, all in one commit. Where that fails, it is kept and tried again.
    async fn settle(&self, running: &mut Running) {
        if running.ended.is_empty() {
            return;
        }
        match self.outbox.store().settle(&running.ended).await {
            Ok(settlements) => {
                let ended = running.ended.drain(..).zip(running.ended_claims.drain(..));
                for ((settled, claimed), settlement) in ended.zip(settlements) {
                    self.settled(&settled, &claimed, settlement);
                }
            }
            Err(error) => log("what was delivered could not be settled yet", &error),
        }
    }

    fn settled(&self, settled: &SettleDelivery, claimed: &Claimed, settlement: Settlement) {
        let (id, verdict, effect) = (settled.id, settled.verdict, settled.effect);
        if settlement == Settlement::Superseded {
            tracing::warn!(target: "countersign", delivery = id, "an attempt ended after its lease: it may be made twice");
            return;
        }
        let Claimed { endpoint, message, attempt, .. } = claimed;
        if effect == Effect::Gone {
            let (endpoint, because) = (endpoint.id.clone(), DisabledBecause::Gone);
            self.tell(&OperationalEvent::EndpointDisabled { endpoint, because });
        }
        if verdict == Verdict::Dead {
            let (message, endpoint) = (message.id.clone(), endpoint.id.clone());
            let (delivery, attempts) = (id, *attempt);
            self.tell(&OperationalEvent::DeliveryExhausted { delivery, message, endpoint, attempts });
        }
    }

    /// Waits for the attempts that are under way, and gives back those that take too long.
    async fn stop(&self, mut running: Running) {
        let all_ended = async {
            while !running.tasks.is_empty() {
                running.some_have_ended().await;
            }
        };
        if timeout(self.grace, all_ended).await.is_err() {
            tracing::warn!(target: "countersign", "attempts were broken off: they are made again");
        }
        self.settle(&mut running).await;
    }

    async fn keep_house(&self) {
        let store = self.outbox.store();
        match store.turn_failure_clocks(self.warn_after, self.disable_after).await {
            Ok(changes) => changes.into_iter().filter_map(event_of).for_each(|event| self.tell(&event)),
            Err(error) => log("the failure clocks could not be turned", &error),
        }
        if let Err(error) = store.prune_outbox(&self.retention).await {
            log("old messages could not be pruned", &error);
        }
        match store.depth().await {
            Ok(depth) => measure(depth),
            Err(error) => log("what waits could not be counted", &error),
        }
    }

    fn tell(&self, event: &OperationalEvent) {
        event.log();
        (self.on_event)(event);
    }
}

impl<S> fmt::Debug for Dispatcher<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("schedule", &self.schedule)
            .field("concurrency", &self.concurrency)
            .field("attempt_timeout", &self.attempt_timeout)
            .finish_non_exhaustive()
    }
}

/// The attempts that are under way, and those that are to be settled.
struct Running {
    means: Arc<Means>,
    pace: Arc<Pace>,
    tasks: JoinSet<SettleDelivery>,
    claimed: HashMap<Id, Claimed>,
    /// What is to be settled, and of which delivery, in one order.
    ended: Vec<SettleDelivery>,
    ended_claims: Vec<Claimed>,
}

impl Running {
    fn new(means: Arc<Means>) -> Self {
        Running {
            means,
            pace: Arc::default(),
            tasks: JoinSet::new(),
            claimed: HashMap::new(),
            ended: Vec::new(),
            ended_claims: Vec::new(),
        }
    }

    fn begin(&mut self, claimed: Claimed) {
        let (means, pace, own) = (self.means.clone(), self.pace.clone(), claimed.clone());
        let task = self.tasks.spawn(async move {
            match pace.turn(&own.endpoint) {
                wait if wait > LONGEST_TURN => put_back(&own, wait),
                wait => {
                    sleep(wait).await;
                    means.attempt(&own).await
                }
            }
        });
        self.claimed.insert(task.id(), claimed);
    }

    /// Waits until an attempt has ended and a moment longer, and takes all that have. Never ready where
    /// none is under way.
    async fn some_have_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.take(ended),
            None => std::future::pending().await,
        }
        let until = Instant::now() + LINGER;
        while let Ok(Some(ended)) = tokio::time::timeout_at(until, self.tasks.join_next_with_id()).await {
            self.take(ended);
        }
    }

    fn take(&mut self, ended: Result<(Id, SettleDelivery), JoinError>) {
        let (task, settle) = match ended {
            Ok((task, settle)) => (task, Some(settle)),
            Err(error) => (error.id(), None),
        };
        if let Some(claimed) = self.claimed.remove(&task) {
            let settle = settle.unwrap_or_else(|| self.means.panicked(&claimed));
            self.ended.push(settle);
            self.ended_claims.push(claimed);
        }
    }
}

/// A delivery that is not tried, because its endpoint's turn comes too late.
fn put_back(claimed: &Claimed, wait: Duration) -> SettleDelivery {
    let verdict = Verdict::Retry { after: wait };
    SettleDelivery { id: claimed.id, fence: claimed.fence, verdict, effect: Effect::None, attempt: None }
}

/// What an operator is told of a change.
fn event_of(change: HealthChange) -> Option<OperationalEvent> {
    match change {
        HealthChange::Warned { endpoint, failing_for } => {
            Some(OperationalEvent::EndpointWarned { endpoint, failing_for })
        }
        HealthChange::Disabled { endpoint, .. } => {
            let because = DisabledBecause::Failing;
            Some(OperationalEvent::EndpointDisabled { endpoint: endpoint.id, because })
        }
        _ => None,
    }
}

fn measure(depth: Depth) {
    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
    gauge!("countersign_outbox_depth").set((depth.pending + depth.leased) as f64);
    gauge!("countersign_outbox_oldest_due_seconds").set(depth.oldest_due.unwrap_or_default().as_secs_f64());
}

fn log(what: &str, error: &StoreError) {
    tracing::error!(target: "countersign", error = %error, "{what}");
}
