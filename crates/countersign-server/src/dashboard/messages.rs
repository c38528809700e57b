//! Messages: looked for, and shown with what they send.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
};
use countersign_store::outbox::{Message, OutboxStore, Payload};

use super::{
    code::Body,
    fields::{Asked, Fields},
    filters,
    frame::{Frame, Visit},
    history::{self, Row},
    page::{Answer, page, see},
    words,
};
use crate::{
    operator::{Operator, deliveries::DeliveryQuery, messages::MessageQuery},
    refusal::{Refusal, RefusalKind},
};

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    frame: Frame,
    messages: Vec<Message>,
    fields: Fields,
    /// The cursor of the next page.
    next: Option<String>,
}

impl MessagesPage {
    /// Whether one of them is a tenant's.
    fn shows_tenant(&self) -> bool {
        self.messages.iter().any(|message| message.tenant.is_some())
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    message: Message,
    payload: Option<Body>,
    rows: Vec<Row>,
    /// The cursor of the next page of deliveries.
    next: Option<String>,
}

/// Lists messages: the one of an id, or those of a type.
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Asked(fields): Asked,
) -> Answer {
    if let Some(id) = fields.given("id") {
        return match operator.message(&caller, &id).await {
            Ok(message) => Ok(see(frame.message(&message.id))),
            Err(refusal) if refusal.kind == RefusalKind::NotFound => {
                page(&MessagesPage { frame, messages: Vec::new(), fields, next: None })
            }
            Err(refusal) => Err(refusal.into()),
        };
    }
    let query = MessageQuery {
        kind: fields.given("type"),
        tenant: fields.given("tenant"),
        from: fields.time("from")?,
        until: fields.time("until")?,
        cursor: fields.given("cursor"),
        ..MessageQuery::default()
    };
    let found = operator.messages(&caller, &query).await?;
    page(&MessagesPage { frame, messages: found.items, fields, next: found.next })
}

/// Shows a message with its deliveries.
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Asked(query): Asked,
) -> Answer {
    let message = operator.message(&caller, &id).await?;
    let deliveries = DeliveryQuery {
        message: Some(id),
        cursor: query.given("cursor"),
        limit: Some(history::PAGE),
        ..DeliveryQuery::default()
    };
    let found = operator.deliveries(&caller, &deliveries).await?;
    let rows = history::rows(&operator, &caller, found.items).await?;
    let payload = match &message.payload {
        Payload::Bytes(bytes) => Some(Body::new(bytes)),
        Payload::Reference(_) => None,
    };
    page(&MessagePage { frame, message, payload, rows, next: found.next })
}

/// The payload, byte for byte, as a file that no browser takes for a page.
pub(super) async fn payload<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { caller, .. }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let Payload::Bytes(bytes) = operator.message(&caller, &id).await?.payload else {
        let reason = "the message has no body of its own: it is made when it is delivered";
        return Err(Refusal::new(RefusalKind::NotFound, reason).into());
    };
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"payload.txt\""),
    ];
    Ok((headers, bytes).into_response())
}
