//! `/stats`.

use axum::{Extension, Json, extract::State};
use countersign_store::outbox::OutboxStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::refused::Refused;
use crate::{
    Caller,
    input::Params,
    operator::{Operator, stats::ActivityQuery},
    refusal::Refusal,
    time::Time,
};

/// How much waits.
#[derive(Serialize, ToSchema)]
#[schema(as = Depth)]
pub(super) struct DepthView {
    /// Deliveries that wait until they are due.
    pending: u64,
    /// Deliveries of which an attempt is under way.
    leased: u64,
    /// For how long the oldest has been due; null where none is, and to a key of one tenant.
    oldest_due_seconds: Option<f64>,
}

/// How it has been going.
#[derive(Serialize, ToSchema)]
#[schema(as = Activities)]
pub(super) struct ActivityList {
    /// The steps of time that had attempts, the first first: at most 1,000.
    items: Vec<ActivityView>,
}

/// The attempts of one step of time.
#[derive(Serialize, ToSchema)]
#[schema(as = Activity)]
struct ActivityView {
    /// When the step begins.
    at: Time,
    /// How many attempts were answered 2xx.
    succeeded: u64,
    /// How many were not.
    failed: u64,
}

/// Says how much waits to be delivered.
#[utoipa::path(
    get, path = "/stats", operation_id = "show_depth", tag = "stats",
    responses((status = 200, description = "How much waits.", body = DepthView), Refused)
)]
pub(super) async fn depth<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<DepthView>, Refusal> {
    let depth = operator.depth(&caller).await?;
    let oldest_due_seconds = depth.oldest_due.map(|due| due.as_secs_f64());
    Ok(Json(DepthView { pending: depth.pending, leased: depth.leased, oldest_due_seconds }))
}

/// Counts the attempts that succeeded and failed, step by step.
#[utoipa::path(
    get, path = "/stats/activity", operation_id = "show_activity", tag = "stats", params(ActivityQuery),
    responses((status = 200, description = "The steps.", body = ActivityList), Refused)
)]
pub(super) async fn activity<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<ActivityQuery>,
) -> Result<Json<ActivityList>, Refusal> {
    let steps = operator.activity(&caller, &query).await?.into_iter();
    let view = |step: countersign_store::outbox::Activity| ActivityView {
        at: Time(step.at),
        succeeded: step.succeeded,
        failed: step.failed,
    };
    Ok(Json(ActivityList { items: steps.map(view).collect() }))
}
