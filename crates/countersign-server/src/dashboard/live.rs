//! Streams of Server-Sent Events, which keep a page up to date while somebody looks at it.
//!
//! 1. A page says where its stream is, and what its parts that can change are known by. htmx asks for it.
//! 2. Each second the stream asks the store one question. Where the answer is a new one, and else every 10 seconds,
//!    the parts are made again, and sent if they are not those that the page has. Each names the swap that htmx makes:
//!    what differs is changed in place, and the rest is left alone.
//! 3. A stream ends with the session, which is asked after each second, with the dashboard's streams, and by itself
//!    after 10 minutes. A browser then asks for another, and says what it was sent last.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response, Sse, sse::Event},
};
use countersign_store::outbox::{Delivery, OutboxStore};
use futures_util::stream::{self, Stream, StreamExt as _};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, sleep},
};
use zeroize::Zeroizing;

use super::{
    Dashboard,
    fields::Fields,
    frame::{self, Visit},
    page::{Answer, Failed},
};
use crate::{operator::Operator, refusal::Refusal};

/// A page with parts that can change while it is looked at.
pub(super) trait Live: Send + Sync + 'static {
    /// What is asked each second: one question, whose answer is another where a part may be.
    fn glance(&self) -> impl Future<Output = Result<Vec<Delivery>, Refusal>> + Send;

    /// The parts as they are now.
    fn parts(&self) -> impl Future<Output = Result<String, Failed>> + Send;
}

/// The streams of a dashboard: so many at once, until they are ended.
pub(super) struct Streams {
    places: Arc<Semaphore>,
    ended: watch::Sender<bool>,
}

impl Streams {
    pub(super) fn new(most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Streams { places, ended: watch::Sender::new(false) }
    }

    /// Ends those that there are, and begins no more.
    pub(super) fn end(&self) {
        self.places.close();
        self.ended.send_replace(true);
    }
}

/// Who looks at a page, and what they were sent last.
pub(super) struct Viewer<S> {
    dashboard: Dashboard,
    operator: Operator<S>,
    /// The session's text; `None` where the application has let them in.
    session: Option<Zeroizing<String>>,
    seen: String,
}

impl<S: OutboxStore> Viewer<S> {
    /// Whether they may look on: not where that can't be told.
    async fn is_signed_in(&self) -> bool {
        let Some(session) = &self.session else { return true };
        let caller = self.dashboard.caller(&self.operator, session).await;
        caller.is_ok_and(|caller| caller.is_some_and(|caller| caller.is_admin()))
    }
}

impl<S: OutboxStore> FromRequestParts<Operator<S>> for Viewer<S> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, operator: &Operator<S>) -> Result<Self, Failed> {
        let (dashboard, visit) = (parts.extensions.get::<Dashboard>(), parts.extensions.get::<Visit>());
        let (Some(dashboard), Some(visit)) = (dashboard, visit) else {
            return Err(Refusal::not_found().into());
        };
        let session = frame::session(&parts.headers).filter(|_| visit.frame.has_session);
        let last = parts.headers.get(LAST).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let query = Fields::read(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Viewer {
            dashboard: dashboard.clone(),
            operator: operator.clone(),
            session: session.map(|text| Zeroizing::new(text.to_owned())),
            seen: last.unwrap_or_else(|| query.get("since").to_owned()),
        })
    }
}

/// Where the stream is of a page that has these parts.
pub(super) fn source(path: &str, query: &Fields, parts: &str) -> String {
    format!("{path}?{}", query.with("since", id(parts)).query())
}

/// Answers with a page's stream, or with 503 where there are too many.
pub(super) async fn stream<S: OutboxStore>(viewer: Viewer<S>, live: impl Live) -> Answer {
    let streams = viewer.dashboard.streams.clone();
    let Ok(place) = streams.places.clone().try_acquire_owned() else {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    };
    let mut watch = Watch::new(viewer, live, place);
    let first = watch.news().await?.unwrap_or_default().retry(RETRY);
    let others = watch.events(streams.ended.subscribe());
    let events = stream::once(async { first }).chain(others).map(Ok::<_, Infallible>);
    Ok(unbuffered(Sse::new(events)))
}

/// What parts of a page are known by.
fn id(parts: &str) -> String {
    hex::encode(&Sha256::digest(parts)[..16])
}

/// A page that is looked at.
struct Watch<S, L> {
    viewer: Viewer<S>,
    live: L,
    /// What was last seen at a glance, and when the parts were made after it.
    glance: Option<(Vec<Delivery>, Instant)>,
    /// Until when nothing is looked at.
    rests_until: Instant,
    /// When something was last said.
    said: Instant,
    until: Instant,
    _place: OwnedSemaphorePermit,
}

impl<S: OutboxStore, L: Live> Watch<S, L> {
    fn new(viewer: Viewer<S>, live: L, place: OwnedSemaphorePermit) -> Self {
        let now = Instant::now();
        Watch { viewer, live, glance: None, rests_until: now, said: now, until: now + LIFE, _place: place }
    }

    /// What is said until the stream ends.
    fn events(self, ended: watch::Receiver<bool>) -> impl Stream<Item = Event> {
        stream::unfold((self, ended), async |(mut watch, mut ended)| {
            let event = tokio::select! {
                _ = ended.wait_for(|ended| *ended) => None,
                event = watch.next() => event,
            };
            event.map(|event| (event, (watch, ended)))
        })
    }

    /// What is said next; `None` where the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            sleep(INTERVAL).await;
            if Instant::now() >= self.until || !self.viewer.is_signed_in().await {
                return None;
            }
            let news = self.news().await.ok()?;
            let quiet = self.said.elapsed() >= QUIET;
            if let Some(event) = news.or_else(|| quiet.then_some(Event::DEFAULT_KEEP_ALIVE)) {
                self.said = Instant::now();
                return Some(event);
            }
        }
    }

    /// The parts, where they are not those that the viewer has.
    async fn news(&mut self) -> Result<Option<Event>, Failed> {
        let begun = Instant::now();
        if begun < self.rests_until {
            return Ok(None);
        }
        let deliveries = self.live.glance().await?;
        if self.glance.as_ref().is_some_and(|(seen, at)| *seen == deliveries && at.elapsed() < ANYWAY) {
            return Ok(None);
        }
        self.glance = Some((deliveries, Instant::now()));
        let parts = self.live.parts().await?;
        self.rests_until = Instant::now() + begun.elapsed() * REST;
        let id = id(&parts);
        if id == self.viewer.seen {
            return Ok(None);
        }
        self.viewer.seen.clone_from(&id);
        Ok(Some(Event::default().id(id).data(parts)))
    }
}

/// Asks proxies to pass on what comes as it comes, and to keep nothing.
fn unbuffered(response: impl IntoResponse) -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, response).into_response()
}

const LAST: &str = "last-event-id";
/// How often the store is asked.
const INTERVAL: Duration = Duration::from_secs(1);
/// How many times as long as the parts took nothing is looked at. Where a million attempts are counted for them, that takes
/// a second, in which SQLite does nothing else.
const REST: u32 = 10;
/// When the parts are made again whatever a glance tells, which doesn't tell all.
const ANYWAY: Duration = Duration::from_secs(10);
/// How long nothing is said, so that nobody on the way takes the connection for dead.
const QUIET: Duration = Duration::from_secs(15);
const LIFE: Duration = Duration::from_secs(600);
/// After how long a browser asks for another stream.
const RETRY: Duration = Duration::from_secs(3);
