//! One delivery: what was sent, what was answered, and why it failed.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
};
use countersign_store::outbox::{Attempt, Delivery, DeliveryState, Endpoint, OutboxStore, Payload};

use super::{
    code::{self, Body},
    fields::Asked,
    filters,
    frame::{Frame, Visit},
    page::{Answer, page, see},
    verifier::{self, Verifier},
    words,
};
use crate::{
    Caller,
    operator::{Operator, Wanted},
    refusal::Refusal,
};

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    frame: Frame,
    delivery: Delivery,
    endpoint: Endpoint,
    /// A page of the attempts, the last first.
    attempts: Vec<Shown>,
    /// The number of the attempt with which the page of older ones ends.
    older: Option<u32>,
    payload: Option<Body>,
    curl: Option<String>,
    verifiers: Vec<Verifier>,
    /// Whether the newest attempts are shown: those can change.
    is_newest: bool,
}

impl DeliveryPage {
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

/// Shows a delivery with its attempts.
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Asked(query): Asked,
) -> Answer {
    let delivery = operator.delivery(&caller, &id).await?;
    let endpoint = operator.endpoint(&caller, &delivery.endpoint_id).await?;
    let message = operator.message(&caller, &delivery.message_id).await?;
    let last = query.get("last").parse().unwrap_or(delivery.attempts).min(delivery.attempts);
    let attempts = attempts(&operator, &caller, &id, last).await?;
    let sent = match (&message.payload, attempts.first().and_then(|attempt| attempt.payload.as_ref())) {
        (_, Some(sent)) => Some(sent),
        (Payload::Bytes(bytes), None) => Some(bytes),
        (Payload::Reference(_), None) => None,
    };
    let newest = attempts.first();
    let curl = newest.zip(sent).map(|(attempt, body)| code::curl(&endpoint, attempt, body));
    let payload = sent.map(|body| Body::new(body));
    let (verifiers, is_newest) = (verifier::all(&endpoint), last == delivery.attempts);
    let older = last.checked_sub(ATTEMPTS).filter(|last| *last > 0);
    let attempts = attempts.into_iter().map(Shown::from).collect();
    page(&DeliveryPage { frame, delivery, endpoint, attempts, older, payload, curl, verifiers, is_newest })
}

/// Makes a delivery again.
pub(super) async fn redeliver<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let delivery = operator.redeliver(&caller, &id).await?;
    Ok(see(frame.at(&format!("/deliveries/{}?done=redelivered", delivery.id))))
}

/// The attempts up to the one of this number, the last first.
async fn attempts<S: OutboxStore>(
    operator: &Operator<S>,
    caller: &Caller,
    id: &str,
    last: u32,
) -> Result<Vec<Attempt>, Refusal> {
    let before = last.saturating_sub(ATTEMPTS);
    let wanted = Wanted { cursor: Some(before.to_string()), limit: Some(ATTEMPTS) };
    let mut attempts = operator.attempts(caller, id, &wanted).await?.items;
    attempts.retain(|attempt| attempt.number <= last);
    attempts.reverse();
    Ok(attempts)
}

impl From<Attempt> for Shown {
    fn from(attempt: Attempt) -> Self {
        Shown { answer: Body::new(&attempt.response_body), failure: words::failure(&attempt), attempt }
    }
}

/// The attempts of a page.
const ATTEMPTS: u32 = 20;
