//! `/replays`.

use axum::{Extension, Json, extract::State, http::StatusCode};
use countersign_store::outbox::OutboxStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::refused::Refused;
use crate::{
    Caller,
    input::{Input, Params},
    operator::{
        Operator,
        replay::{ReplayDraft, ReplayFilter},
    },
    refusal::Refusal,
    view::CountView,
};

/// A step of a replay.
#[derive(Serialize, ToSchema)]
#[schema(as = Replay)]
pub(super) struct ReplayView {
    /// How many deliveries wait again.
    redelivered: u64,
    /// The `after` of the next step; null where nothing is left.
    next: Option<i64>,
}

/// Counts the deliveries that a replay would make again.
#[utoipa::path(
    get, path = "/replays/count", operation_id = "count_replay", tag = "replays", params(ReplayFilter),
    responses((status = 200, description = "How many.", body = CountView), Refused)
)]
pub(super) async fn count<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Params(filter): Params<ReplayFilter>,
) -> Result<Json<CountView>, Refusal> {
    let count = operator.count_replay(&caller, &filter).await?;
    Ok(Json(CountView { count }))
}

/// Makes deliveries again, the oldest first, one step.
///
/// To go on, send the `next` of one step as the `after` of the next one. A replay can be stopped at any step, and
/// gone on with later.
#[utoipa::path(
    post, path = "/replays", operation_id = "replay", tag = "replays", request_body = ReplayDraft,
    responses((status = 202, description = "One step.", body = ReplayView), Refused)
)]
pub(super) async fn start<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Input(draft): Input<ReplayDraft>,
) -> Result<(StatusCode, Json<ReplayView>), Refusal> {
    let redelivered = operator.replay(&caller, &draft).await?;
    let next = redelivered.last.filter(|_| redelivered.count >= draft.limit.into());
    Ok((StatusCode::ACCEPTED, Json(ReplayView { redelivered: redelivered.count, next })))
}
