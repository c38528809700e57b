//! The dispatcher: claims, attempts, settles.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use countersign_store::outbox::{OutboxStore, Retention};
use tokio::{select, sync::Notify, time::sleep};

use crate::{
    OperationalEvent, Outbox, PayloadSource, Schedule, Sealer, Transport,
    attempt::{Means, Sender},
    clock::system_clock,
    payload::{FirstBody, Payloads, Source},
    random,
    signing::Signers,
};

mod housekeeping;
mod running;
mod settling;
mod telling;
mod work;

/// Dispatcher that delivers the messages of an [`Outbox`]; see the [crate's page](crate) for what it does.
///
/// Any number of dispatchers may share an outbox, on as many machines as its store serves.
pub struct Dispatcher<S> {
    outbox: Outbox<S>,
    sender: Arc<dyn Sender>,
    source: Option<Arc<dyn Source>>,
    first_body_wins: bool,
    sealer: Option<Sealer>,
    schedule: Schedule,
    concurrency: usize,
    attempt_timeout: Duration,
    poll_interval: Duration,
    grace: Duration,
    warn_after: Duration,
    disable_after: Duration,
    retention: Retention,
    on_event: Vec<Handler>,
    announce_to: Option<Option<String>>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    chance: Arc<dyn Fn() -> f64 + Send + Sync>,
}

type Handler = Box<dyn Fn(&OperationalEvent) + Send + Sync>;

const DAY: u64 = 86_400;

/// How many attempts are under way at once, by default.
pub const CONCURRENCY: usize = 64;
/// After how long of failing an endpoint is warned of, by default: 5 days.
pub const WARN_AFTER: Duration = Duration::from_secs(5 * DAY);
/// After how long of failing an endpoint is disabled, by default: 7 days.
pub const DISABLE_AFTER: Duration = Duration::from_secs(7 * DAY);

/// How much longer than the grace a stop may take: for the store.
const LEEWAY: Duration = Duration::from_secs(10);

impl<S: OutboxStore> Dispatcher<S> {
    /// A dispatcher with the defaults.
    #[must_use]
    pub fn new(outbox: Outbox<S>, transport: impl Transport) -> Self {
        Dispatcher {
            outbox,
            sender: Arc::new(transport),
            source: None,
            first_body_wins: false,
            sealer: None,
            schedule: Schedule::default(),
            concurrency: CONCURRENCY,
            attempt_timeout: Duration::from_secs(30),
            poll_interval: Duration::from_secs(1),
            grace: Duration::from_secs(30),
            warn_after: WARN_AFTER,
            disable_after: DISABLE_AFTER,
            retention: Retention::default(),
            on_event: Vec::new(),
            announce_to: None,
            clock: system_clock(),
            chance: Arc::new(random::unit),
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

    /// Whether a message that is rendered when it is delivered is sent again with the bytes of the first
    /// attempt that is recorded with a body, in place of being rendered anew: no, by default.
    ///
    /// For receivers that keep the digest of what came under an id, and refuse another body. It holds for
    /// each endpoint by itself, and for a redelivery as for a retry: whoever wants the state of today to be
    /// sent enqueues another message. An attempt whose process died is not recorded, and doesn't count.
    #[must_use]
    pub fn first_body_wins(mut self, wins: bool) -> Self {
        self.first_body_wins = wins;
        self
    }

    /// Opens secrets that are sealed in the store.
    #[must_use]
    pub fn sealer(mut self, sealer: Sealer) -> Self {
        self.sealer = Some(sealer);
        self
    }

    /// How many attempts are under way at once, to all endpoints together: [`CONCURRENCY`] by default, at least 1. Each
    /// endpoint has a limit of its own besides.
    #[must_use]
    pub fn concurrency(mut self, attempts: usize) -> Self {
        self.concurrency = attempts.max(1);
        self
    }

    /// How long an attempt may take, the making of its payload included: 30 seconds by default, and less than a day. The
    /// transport's own limit, 15 seconds, is usually reached first.
    ///
    /// What is under way is leased for this and 30 seconds. Where the process is killed, that is how long its deliveries,
    /// and their places at their endpoints, are nobody's.
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

    /// After how long of failing an endpoint is warned of, and after how long it is disabled:
    /// [`WARN_AFTER`] and [`DISABLE_AFTER`] by default.
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

    /// Tells an operator what happens. It must be quick: the dispatcher waits. One that panics is logged, and told of
    /// the next. Called again, it adds another to be told.
    #[must_use]
    pub fn on_event(mut self, tell: impl Fn(&OperationalEvent) + Send + Sync + 'static) -> Self {
        self.on_event.push(Box::new(tell));
        self
    }

    /// Tells endpoints of the operator's own what happens: each [`OperationalEvent`] is enqueued as a message
    /// of this tenant as well, for those that want its [type](OperationalEvent::TYPES), such as by
    /// `endpoint.*`.
    ///
    /// Give it a tenant of its own. Where customers' endpoints are of the same tenant, or of none like the
    /// messages, one that wants every event is told of all the others. The body of such a message is
    /// `{"type": …, "timestamp": …, "data": {…}}`. The data names by id what it is about, and shows the scheme
    /// and host of the endpoint's URL:
    ///
    /// | type | `data` |
    /// |---|---|
    /// | each | `endpoint_id`, `tenant`, `url`, `failing_since` (RFC 3339, or null) |
    /// | `endpoint.warned` | and `disabled_in_seconds` |
    /// | `endpoint.disabled` | and `because`: `failing` or `gone` |
    /// | `delivery.exhausted` | and `delivery_id`, `message_id`, `event_type`, `attempts` |
    ///
    /// It is announced at most once, after what it tells of is settled. A delivery of an announcement that is
    /// given up is not announced in turn: it stands in the log, and is told to [`on_event`](Self::on_event).
    #[must_use]
    pub fn announce_to(mut self, tenant: Option<String>) -> Self {
        self.announce_to = Some(tenant);
        self
    }

    /// The clock, in microseconds since 1970: the system's by default.
    #[must_use]
    pub fn clock_micros(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    /// Where chance comes from, as a number from 0 to 1: the operating system by default.
    #[must_use]
    pub fn chance(mut self, chance: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.chance = Arc::new(chance);
        self
    }

    /// Delivers until `shutdown` is ready, and then stops gracefully: within the [grace](Self::grace), and 10
    /// seconds more where the store is slow or doesn't answer. Where the future is dropped instead, the deliveries
    /// that are under way come back when their leases end.
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
            () = out_of_time => tracing::warn!(target: "countersign", "the dispatcher stops without having settled what is under way, since its store can't be reached or written: it comes back when its leases end"),
        }
    }

    fn means(&self) -> Arc<Means> {
        let outbox = || Arc::new(self.outbox.clone()) as Arc<dyn FirstBody>;
        let first = self.first_body_wins.then(outbox);
        Arc::new(Means {
            sender: self.sender.clone(),
            payloads: Payloads { source: self.source.clone(), first },
            signers: Signers::new(self.sealer.clone()),
            schedule: self.schedule.clone(),
            limit: self.attempt_timeout,
            clock: self.clock.clone(),
            chance: self.chance.clone(),
        })
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
