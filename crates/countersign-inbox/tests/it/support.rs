//! An inbox in memory whose store can be made to fail, and handlers that note what they get.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use countersign_inbox::{Inbox, InboxEvent, InboxWorker};
use countersign_store::{
    Accepted, DeadLetter, Fence, InboxStore, Leased, Outcome, PRUNED_AT_ONCE, Received, Settle, Settlement,
    StoreError,
};
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

/// Rows by id. The time is tokio's, which tests may pause.
#[derive(Default)]
pub(crate) struct Rows {
    rows: Mutex<BTreeMap<i64, Row>>,
    failing_leases: AtomicUsize,
    failing_settles: AtomicUsize,
    /// Which settlements are refused, as one is whose text the database can't hold.
    refused: Option<fn(&Outcome) -> bool>,
    /// Whether leases and settlements never end.
    hangs: AtomicBool,
    /// How many rows there are besides that were done long ago.
    old: AtomicU64,
}

struct Row {
    received: Received,
    due: Instant,
    attempts: u32,
    fence: Option<Fence>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Waiting,
    Done,
    Dead(String),
}

impl Rows {
    pub(crate) fn fail_leases(&self, times: usize) {
        self.failing_leases.store(times, Ordering::SeqCst);
    }

    pub(crate) fn fail_settles(&self, times: usize) {
        self.failing_settles.store(times, Ordering::SeqCst);
    }

    pub(crate) fn hang(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }

    /// Answers again, but not those who wait for an answer.
    pub(crate) fn answer(&self) {
        self.hangs.store(false, Ordering::SeqCst);
    }

    async fn asked(&self) {
        if self.hangs.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
    }

    pub(crate) fn old(&self) -> &AtomicU64 {
        &self.old
    }

    pub(crate) fn done(&self) -> usize {
        self.rows.lock().unwrap().values().filter(|row| row.state == State::Done).count()
    }

    pub(crate) fn attempts(&self, id: i64) -> u32 {
        self.rows.lock().unwrap()[&id].attempts
    }
}

/// In a year, where that is later than any time there is.
fn later(span: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(span).unwrap_or(now + Duration::from_secs(365 * 86_400))
}

fn fails(times: &AtomicUsize) -> Result<(), StoreError> {
    let left = times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    left.map_or(Ok(()), |_| Err(StoreError::unavailable("as the test wants")))
}

impl InboxStore for Rows {
    async fn accept(&self, received: &Received) -> Result<Accepted, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        if rows.values().any(|row| row.received.key == received.key) {
            return Ok(Accepted::Duplicate);
        }
        let id = i64::try_from(rows.len()).unwrap() + 1;
        let received = received.clone();
        rows.insert(
            id,
            Row { received, due: Instant::now(), attempts: 0, fence: None, state: State::Waiting },
        );
        Ok(Accepted::New)
    }

    async fn lease(&self, limit: u32, lease: Duration) -> Result<Vec<Leased>, StoreError> {
        self.asked().await;
        fails(&self.failing_leases)?;
        let (mut rows, now, mut leased) = (self.rows.lock().unwrap(), Instant::now(), Vec::new());
        let due = rows.iter_mut().filter(|(_, row)| row.state == State::Waiting && row.due <= now);
        for (id, row) in due.take(limit as usize) {
            let fence = Fence::random()?;
            (row.fence, row.due, row.attempts) = (Some(fence), later(lease), row.attempts + 1);
            let (attempt, received) = (row.attempts, row.received.clone());
            leased.push(Leased { id: *id, fence, attempt, accepted_at: 0, received });
        }
        Ok(leased)
    }

    async fn settle(&self, settled: &[Settle]) -> Result<Vec<Settlement>, StoreError> {
        self.asked().await;
        fails(&self.failing_settles)?;
        if self.refused.is_some_and(|refused| settled.iter().any(|settle| refused(&settle.outcome))) {
            return Err(StoreError::invalid("a row is refused, as the test wants"));
        }
        let mut rows = self.rows.lock().unwrap();
        let settle = |settle: &Settle| {
            let row = rows.get_mut(&settle.id).unwrap();
            if row.fence != Some(settle.fence) {
                return Settlement::Superseded;
            }
            row.fence = None;
            match &settle.outcome {
                Outcome::Done => row.state = State::Done,
                Outcome::Dead { reason } => row.state = State::Dead(reason.clone()),
                Outcome::Retry { after, .. } => row.due = later(*after),
                Outcome::Returned => (row.due, row.attempts) = (Instant::now(), row.attempts - 1),
            }
            Settlement::Settled
        };
        Ok(settled.iter().map(settle).collect())
    }

    async fn requeue(&self, id: i64) -> Result<bool, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let dead = rows.get_mut(&id).filter(|row| matches!(row.state, State::Dead(_)));
        Ok(dead.map(|row| (row.state, row.attempts, row.due) = (State::Waiting, 0, Instant::now())).is_some())
    }

    async fn dead(&self, _: i64, _: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let letter = |(id, row): (&i64, &Row)| match &row.state {
            State::Dead(reason) => Some(DeadLetter {
                id: *id,
                attempts: row.attempts,
                reason: reason.clone(),
                accepted_at: 0,
                received: row.received.clone(),
            }),
            _ => None,
        };
        Ok(rows.iter().filter_map(letter).collect())
    }

    async fn depth(&self) -> Result<u64, StoreError> {
        Ok(self.rows.lock().unwrap().values().filter(|row| row.state == State::Waiting).count() as u64)
    }

    async fn prune(&self, _: Duration) -> Result<u64, StoreError> {
        let less = |old: u64| Some(old.saturating_sub(PRUNED_AT_ONCE));
        let old = self.old.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).unwrap();
        Ok(old.min(PRUNED_AT_ONCE))
    }
}

pub(crate) type TestInbox = Inbox<Arc<Rows>>;

pub(crate) fn inbox() -> (TestInbox, Arc<Rows>) {
    inbox_over(Rows::default())
}

/// An inbox whose store refuses some settlements.
pub(crate) fn refusing(refused: fn(&Outcome) -> bool) -> (TestInbox, Arc<Rows>) {
    inbox_over(Rows { refused: Some(refused), ..Rows::default() })
}

fn inbox_over(rows: Rows) -> (TestInbox, Arc<Rows>) {
    let rows = Arc::new(rows);
    (Inbox::new(rows.clone()), rows)
}

pub(crate) fn event(key: &str) -> Received {
    let mut received = Received::new(key, "billing", r#"{"type":"invoice.paid","data":{"amount":42}}"#);
    received.event_type = Some("invoice.paid".to_owned());
    received.data_at = "/data".to_owned();
    received.headers = [("x-shop", "acme"), (":path", "/in?order=42")]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    received
}

pub(crate) async fn accept(inbox: &TestInbox, count: usize) {
    for number in 0..count {
        assert_eq!(inbox.accept(&event(&format!("evt_{number}"))).await.unwrap(), Accepted::New);
    }
}

/// A worker that runs until it is told to stop.
pub(crate) struct Started {
    stop: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) fn start(worker: InboxWorker<Arc<Rows>>) -> Started {
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(worker.run(async move {
        stopped.await.ok();
    }));
    Started { stop, task }
}

impl Started {
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

/// Waits until it is so, in the test's own time; for an hour at most.
pub(crate) async fn until(so: impl Fn() -> bool) {
    for _ in 0..360_000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never was");
}

/// How often each event was handled.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<String, u32>>>);

impl Seen {
    pub(crate) fn note(&self, event: &InboxEvent) -> u32 {
        let mut seen = self.0.lock().unwrap();
        let times = seen.entry(event.key().to_owned()).or_default();
        *times += 1;
        *times
    }

    pub(crate) fn counts(&self) -> Vec<u32> {
        self.0.lock().unwrap().values().copied().collect()
    }

    pub(crate) fn times(&self, key: &str) -> u32 {
        self.0.lock().unwrap().get(key).copied().unwrap_or(0)
    }
}
