//! `/cancellations`.

use axum::{Extension, Json, extract::State};
use countersign_store::outbox::OutboxStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::refused::Refused;
use crate::{
    Caller,
    input::{Input, Params},
    operator::{
        Operator,
        cancel::{CancellationDraft, CancellationFilter},
    },
    refusal::Refusal,
    view::CountView,
};

/// A step of a cancellation.
#[derive(Serialize, ToSchema)]
#[schema(as = Cancellation)]
pub(super) struct CancellationView {
    /// How many deliveries were cancelled.
    cancelled: u64,
    /// Whether there may be more.
    more: bool,
}

/// Counts the deliveries that a cancellation would cancel: those that are pending.
#[utoipa::path(
    get, path = "/cancellations/count", operation_id = "count_cancellation", tag = "cancellations",
    params(CancellationFilter), responses((status = 200, description = "How many.", body = CountView), Refused)
)]
pub(super) async fn count<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Params(filter): Params<CancellationFilter>,
) -> Result<Json<CountView>, Refusal> {
    Ok(Json(CountView { count: operator.count_cancellation(&caller, &filter).await? }))
}

/// Cancels deliveries that wait, those that are due first, one step.
///
/// Send the same again while there is `more`. An attempt under way is not stopped, and what it leaves to be tried again
/// is not cancelled. What was cancelled can be made again by a replay.
#[utoipa::path(
    post, path = "/cancellations", operation_id = "cancel_many", tag = "cancellations",
    request_body = CancellationDraft,
    responses((status = 200, description = "One step.", body = CancellationView), Refused)
)]
pub(super) async fn start<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Input(draft): Input<CancellationDraft>,
) -> Result<Json<CancellationView>, Refusal> {
    let cancelled = operator.cancel_many(&caller, &draft).await?;
    Ok(Json(CancellationView { cancelled, more: cancelled >= draft.limit.into() }))
}
