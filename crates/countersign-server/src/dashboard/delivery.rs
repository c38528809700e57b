//! One delivery: what was sent, what was answered, and why it failed.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
};
use countersign_store::outbox::{Attempt, Delivery, DeliveryState, Endpoint, OutboxStore, Payload};

use super::{
    code::{self, Body},
    fields::{Asked, Fields},
    filters,
    frame::{Frame, Visit},
    live::{Live, Viewer, source, stream},
    page::{Answer, Failed, page, render, see},
    verifier::{self, Verifier},
    words,
};
use crate::{
    operator::{Operator, Rows, Wanted},
    refusal::Refusal,
};

#[derive(Template)]
#[template(path = "delivery.html", blocks = ["attempts"])]
struct DeliveryPage {
    frame: Frame,
    /// Where it is kept up to date; of the newest attempts alone.
    source: Option<String>,
    delivery: Delivery,
    endpoint: Endpoint,
    /// A page of the attempts, the last first.
    attempts: Vec<Shown>,
    /// The cursor of the page of older ones.
    older: Option<String>,
    payload: Option<Body>,
    curl: Option<String>,
    verifiers: Vec<Verifier>,
    /// Whether the newest attempts are shown: those can change.
    is_newest: bool,
    now: i64,
}

impl DeliveryPage {
    /// The part that can change while the page is looked at.
    fn parts(&self) -> Result<String, Failed> {
        render(&self.as_attempts())
    }

    fn path(&self) -> String {
        self.frame.at(&format!("/deliveries/{}", self.delivery.id))
    }

    /// Until when its endpoint is left alone, where that is later than it is due.
    fn held_until(&self) -> Option<i64> {
        let due = self.delivery.pending_until()?;
        let open = words::left_alone(&self.endpoint, self.now)?;
        Some(open).filter(|open| *open > due)
    }

    fn is_pending(&self) -> bool {
        self.delivery.state == DeliveryState::Pending
    }

    fn waits_for_later(&self) -> bool {
        self.delivery.pending_until().is_some_and(|due| due > self.now)
    }

    fn is_settled(&self) -> bool {
        !matches!(self.delivery.state, DeliveryState::Pending | DeliveryState::Leased)
    }
}

/// An attempt, as the page shows it.
struct Shown {
    attempt: Attempt,
    answer: Body,
    failure: Option<String>,
}

/// A delivery that somebody looks at.
struct Looked<S> {
    operator: Operator<S>,
    visit: Visit,
    id: String,
    query: Fields,
}

impl<S: OutboxStore> Looked<S> {
    async fn page(&self) -> Result<DeliveryPage, Failed> {
        let Looked { operator, visit: Visit { frame, caller }, id, query } = self;
        let delivery = operator.delivery(caller, id).await?;
        let endpoint = operator.endpoint(caller, &delivery.endpoint_id).await?;
        let message = operator.message(caller, &delivery.message_id).await?;
        let wanted = Wanted { cursor: query.given("cursor"), limit: Some(ATTEMPTS) };
        let Rows { items: attempts, next: older } = operator.attempts(caller, id, &wanted).await?;
        let sent = match (&message.payload, attempts.first().and_then(|attempt| attempt.payload.as_ref())) {
            (_, Some(sent)) => Some(sent),
            (Payload::Bytes(bytes), None) => Some(bytes),
            (Payload::Reference(_), None) => None,
        };
        let newest = attempts.first();
        Ok(DeliveryPage {
            frame: frame.clone(),
            source: None,
            curl: newest.zip(sent).map(|(attempt, body)| code::curl(&endpoint, attempt, body)),
            payload: sent.map(|body| Body::new(body)),
            verifiers: verifier::all(&endpoint),
            is_newest: wanted.cursor.is_none(),
            now: (operator.settings().clock)(),
            older,
            attempts: attempts.into_iter().map(Shown::from).collect(),
            delivery,
            endpoint,
        })
    }
}

impl<S: OutboxStore> Live for Looked<S> {
    async fn glance(&self) -> Result<Vec<Delivery>, Refusal> {
        Ok(vec![self.operator.delivery(&self.visit.caller, &self.id).await?])
    }

    async fn parts(&self) -> Result<String, Failed> {
        self.page().await?.parts()
    }
}

/// Shows a delivery with its attempts.
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Asked(query): Asked,
) -> Answer {
    let mut made = Looked { operator, visit, id, query }.page().await?;
    if made.is_newest {
        made.source = Some(source(&format!("{}/live", made.path()), &Fields::default(), &made.parts()?));
    }
    page(&made)
}

/// Keeps the page of a delivery up to date.
pub(super) async fn live<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Asked(query): Asked,
    viewer: Viewer<S>,
) -> Answer {
    stream(viewer, Looked { operator, visit, id, query }).await
}

/// Makes a delivery again, or at once what it waits for.
pub(super) async fn redeliver<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let delivery = operator.redeliver(&caller, &id).await?;
    Ok(see(frame.at(&format!("/deliveries/{}?done=redelivered", delivery.id))))
}

/// Cancels a delivery.
pub(super) async fn cancel<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let delivery = operator.cancel(&caller, &id).await?;
    Ok(see(frame.at(&format!("/deliveries/{}?done=cancelled", delivery.id))))
}

impl From<Attempt> for Shown {
    fn from(attempt: Attempt) -> Self {
        Shown { answer: Body::new(&attempt.response_body), failure: words::failure(&attempt), attempt }
    }
}

/// The attempts of a page.
const ATTEMPTS: u32 = 20;
