//! `/event-types`.

use axum::{
    Json,
    extract::{Path, State},
};
use countersign_store::outbox::OutboxStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::refused::Refused;
use crate::{EventType, operator::Operator, refusal::Refusal};

/// All event types: at most 1,000.
#[derive(Serialize, ToSchema)]
#[schema(as = EventTypes)]
pub(super) struct EventTypeList {
    /// The event types.
    items: Vec<EventType>,
}

/// Lists the event types that the application sends.
#[utoipa::path(
    get, path = "/event-types", operation_id = "list_event_types", tag = "event types",
    responses((status = 200, description = "All of them.", body = EventTypeList), Refused)
)]
pub(super) async fn list<S: OutboxStore>(State(operator): State<Operator<S>>) -> Json<EventTypeList> {
    Json(EventTypeList { items: operator.event_types().iter().cloned().collect() })
}

/// Describes an event type.
#[utoipa::path(
    get, path = "/event-types/{name}", operation_id = "show_event_type", tag = "event types",
    params(("name" = String, Path, description = "The name; a `/` in it is written as `%2F`.")),
    responses((status = 200, description = "The event type.", body = EventType), Refused)
)]
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Path(name): Path<String>,
) -> Result<Json<EventType>, Refusal> {
    operator.event_types().find(&name).cloned().map(Json).ok_or_else(Refusal::not_found)
}
