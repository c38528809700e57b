//! An outbox in the test's own time, and endpoints that do what a test says.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use countersign_dispatch::{Dispatcher, Outbox, Request, Response, SendError, Transport};
use countersign_store::outbox::{
    Attempt, Delivery, DeliveryFilter, DeliveryState, Endpoint, EndpointKey, MemoryOutbox, NewMessage,
    OutboxStore, Page,
};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};

pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const BODY: &str = r#"{"type":"invoice.paid","data":{"amount":42}}"#;
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Microseconds since 1970 that pass as tokio's time does.
pub(crate) fn clock() -> impl Fn() -> i64 + Send + Sync + Clone + 'static {
    let start = Instant::now();
    move || 1_764_000_000_000_000 + i64::try_from(start.elapsed().as_micros()).unwrap()
}

pub(crate) fn key(label: &str, secret: &str) -> EndpointKey {
    EndpointKey::new(label, secret)
}

pub(crate) fn endpoint(id: &str) -> Endpoint {
    let mut endpoint = Endpoint::new(id, format!("https://{id}.example/hooks"), "standard-webhooks");
    endpoint.keys.push(key("current", SECRET));
    endpoint
}

/// What an endpoint does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    Answer(u16),
    RetryAfter(u16, Duration),
    Late(u16, Duration),
    Fail,
    Short,
    Hang,
    Panic,
}

/// A part of the endpoints' URLs, and what they do in turn.
type ActsOf = (String, Vec<Act>);

/// Endpoints that do what a test says: the acts of one in turn, the last for ever.
#[derive(Clone, Default)]
pub(crate) struct Script {
    acts: Arc<Mutex<Vec<ActsOf>>>,
    sent: Arc<Mutex<Vec<(Instant, Request)>>>,
}

impl Script {
    pub(crate) fn new(acts: impl Into<Vec<Act>>) -> Script {
        Script::default().at("", acts)
    }

    /// The acts of the endpoints whose URL holds `part`, before the others'.
    pub(crate) fn at(self, part: &str, acts: impl Into<Vec<Act>>) -> Script {
        self.acts.lock().unwrap().insert(0, (part.to_owned(), acts.into()));
        self
    }

    pub(crate) fn sent(&self) -> Vec<Request> {
        self.sent.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    pub(crate) fn times(&self) -> Vec<Instant> {
        self.sent.lock().unwrap().iter().map(|(time, _)| *time).collect()
    }

    pub(crate) fn sent_to(&self, part: &str) -> usize {
        self.sent().iter().filter(|request| request.url.contains(part)).count()
    }

    fn next(&self, request: Request) -> Act {
        let mut acts = self.acts.lock().unwrap();
        let (_, acts) = acts.iter_mut().find(|(part, _)| request.url.contains(part.as_str())).unwrap();
        let act = if acts.len() > 1 { acts.remove(0) } else { acts[0].clone() };
        self.sent.lock().unwrap().push((Instant::now(), request));
        act
    }
}

impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let answer = |status, retry_after| {
            let headers = vec![("server".to_owned(), "script".to_owned())];
            Ok(Response { status, headers, body: Bytes::from_static(b"answer"), retry_after })
        };
        match self.next(request) {
            Act::Answer(status) => answer(status, None),
            Act::RetryAfter(status, after) => answer(status, Some(after)),
            Act::Late(status, after) => {
                sleep(after).await;
                answer(status, None)
            }
            Act::Fail => Err(SendError::new("connect: no connection")),
            Act::Short => Err(SendError::local("local: this machine is short of open files")),
            Act::Hang => pending().await,
            Act::Panic => panic!("a transport that panics, as this test wants"),
        }
    }
}

/// A dispatcher that runs.
pub(crate) struct Running<S = MemoryOutbox> {
    pub(crate) outbox: Outbox<S>,
    stop: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

/// Starts a dispatcher over endpoints of these, changed in some way.
pub(crate) async fn start(
    endpoints: &[Endpoint],
    script: &Script,
    change: impl FnOnce(Dispatcher<MemoryOutbox>) -> Dispatcher<MemoryOutbox>,
) -> Running {
    let clock = clock();
    start_over(MemoryOutbox::new().clock_micros(clock.clone()), endpoints, script, |d| {
        change(d.clock_micros(clock))
    })
    .await
}

/// The same over a store of the test's own.
pub(crate) async fn start_over<S: OutboxStore>(
    store: S,
    endpoints: &[Endpoint],
    script: &Script,
    change: impl FnOnce(Dispatcher<S>) -> Dispatcher<S>,
) -> Running<S> {
    let outbox = Outbox::new(store);
    for endpoint in endpoints {
        outbox.store().put_endpoint(endpoint).await.unwrap();
    }
    let (stop, task) = dispatch(change(Dispatcher::new(outbox.clone(), script.clone())));
    Running { outbox, stop, task }
}

pub(crate) fn dispatch<S: OutboxStore>(dispatcher: Dispatcher<S>) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel();
    let run = dispatcher.run(async move {
        stopped.await.ok();
    });
    (stop, tokio::spawn(run))
}

impl<S: OutboxStore> Running<S> {
    pub(crate) async fn enqueue(&self, kind: &str) -> String {
        self.outbox.enqueue(&[NewMessage::new(kind, BODY)]).await.unwrap().remove(0).id
    }

    /// The deliveries, the oldest first.
    pub(crate) async fn deliveries(&self) -> Vec<Delivery> {
        let page = Page { after: None, limit: 10_000 };
        let mut all = self.outbox.store().deliveries(&DeliveryFilter::default(), &page).await.unwrap();
        all.reverse();
        all
    }

    pub(crate) async fn states(&self) -> Vec<DeliveryState> {
        self.deliveries().await.into_iter().map(|delivery| delivery.state).collect()
    }

    pub(crate) async fn attempts(&self, delivery: i64) -> Vec<Attempt> {
        let mut attempts = self.outbox.store().attempts(delivery, &Page::default()).await.unwrap();
        attempts.reverse();
        attempts
    }

    pub(crate) async fn endpoint(&self, id: &str) -> Endpoint {
        self.outbox.store().endpoint(id).await.unwrap().unwrap()
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Waits until all deliveries are settled, for a month of the test's own time at most.
    pub(crate) async fn settled(&self) {
        self.settled_looking_every(Duration::from_secs(900)).await;
    }

    /// The same, in 3,000 looks at most.
    pub(crate) async fn settled_looking_every(&self, interval: Duration) {
        for _ in 0..3000 {
            let open =
                |state: &DeliveryState| matches!(state, DeliveryState::Pending | DeliveryState::Leased);
            if !self.states().await.iter().any(open) {
                return;
            }
            tokio::time::sleep(interval).await;
        }
        panic!("deliveries are left: {:?}", self.deliveries().await);
    }
}
