//! `/messages`.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use countersign_store::outbox::OutboxStore;

use super::refused::Refused;
use crate::{
    Caller, input,
    input::{Input, Params},
    operator::{
        Operator,
        messages::{MessageDraft, MessageQuery},
    },
    refusal::Refusal,
    view::{
        PageOf,
        message::{EnqueuedView, MessageView, MessageWithPayload},
    },
};

/// Lists messages, the newest first.
#[utoipa::path(
    get, path = "/messages", operation_id = "list_messages", tag = "messages", params(MessageQuery),
    responses((status = 200, description = "A page.", body = PageOf<MessageView>), Refused)
)]
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<MessageQuery>,
) -> Result<Json<PageOf<MessageView>>, Refusal> {
    let rows = operator.messages(&caller, &query).await?;
    Ok(Json(PageOf::new(rows, MessageView::from)))
}

/// Enqueues a message for every endpoint that wants it.
///
/// With an `Idempotency-Key`, it can be sent again without harm: what was enqueued under the key is answered. One of another
/// type, or with another payload, is refused; channels and the time when it is due are those of the first.
#[utoipa::path(
    post, path = "/messages", operation_id = "create_message", tag = "messages", request_body = MessageDraft,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A text of the caller's, in double quotes."),
        ("traceparent" = Option<String>, Header, description = "The W3C trace context, for endpoints that want it."),
    ),
    responses(
        (status = 201, description = "Enqueued.", body = EnqueuedView),
        (status = 200, description = "Enqueued before, under the same key.", body = EnqueuedView),
        Refused
    )
)]
pub(super) async fn create<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Input(draft): Input<MessageDraft>,
) -> Result<impl IntoResponse, Refusal> {
    let (key, traceparent) = (input::idempotency_key(&headers)?, input::traceparent(&headers));
    let enqueued = operator.enqueue(&caller, draft, key, traceparent).await?;
    let status = if enqueued.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    let location = [(header::LOCATION, format!("messages/{}", enqueued.id))];
    Ok((status, location, Json(EnqueuedView::from(enqueued))))
}

/// Shows a message with its payload.
#[utoipa::path(
    get, path = "/messages/{message}", operation_id = "show_message", tag = "messages",
    params(("message" = String, Path, description = "The message's id.")),
    responses((status = 200, description = "The message.", body = MessageWithPayload), Refused)
)]
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<MessageWithPayload>, Refusal> {
    Ok(Json(operator.message(&caller, &id).await?.into()))
}
