//! `/deliveries`.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use countersign_store::outbox::OutboxStore;
use serde::Deserialize;
use utoipa::IntoParams;

use super::refused::Refused;
use crate::{
    Caller,
    input::Params,
    operator::{Operator, Wanted, deliveries::DeliveryQuery},
    refusal::Refusal,
    view::{
        PageOf,
        delivery::{AttemptView, DeliveryView},
    },
};

/// Which attempts are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct AttemptQuery {
    /// The `next` of the page before.
    #[param(min_length = 1, max_length = 255)]
    cursor: Option<String>,
    /// How many rows, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Lists deliveries, the newest first.
#[utoipa::path(
    get, path = "/deliveries", operation_id = "list_deliveries", tag = "deliveries", params(DeliveryQuery),
    responses((status = 200, description = "A page.", body = PageOf<DeliveryView>), Refused)
)]
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<DeliveryQuery>,
) -> Result<Json<PageOf<DeliveryView>>, Refusal> {
    let rows = operator.deliveries(&caller, &query).await?;
    Ok(Json(PageOf::new(rows, DeliveryView::from)))
}

/// Shows a delivery.
#[utoipa::path(
    get, path = "/deliveries/{delivery}", operation_id = "show_delivery", tag = "deliveries",
    params(("delivery" = i64, Path, description = "The delivery's id.")),
    responses((status = 200, description = "The delivery.", body = DeliveryView), Refused)
)]
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryView>, Refusal> {
    Ok(Json(operator.delivery(&caller, &id).await?.into()))
}

/// Lists the attempts at a delivery, the last first.
#[utoipa::path(
    get, path = "/deliveries/{delivery}/attempts", operation_id = "list_attempts", tag = "deliveries",
    params(("delivery" = i64, Path, description = "The delivery's id."), AttemptQuery),
    responses((status = 200, description = "A page.", body = PageOf<AttemptView>), Refused)
)]
pub(super) async fn attempts<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Params(query): Params<AttemptQuery>,
) -> Result<Json<PageOf<AttemptView>>, Refusal> {
    let wanted = Wanted { cursor: query.cursor, limit: query.limit };
    let rows = operator.attempts(&caller, &id, &wanted).await?;
    Ok(Json(PageOf::new(rows, AttemptView::from)))
}

/// Makes a delivery that is settled again.
///
/// The message keeps its id, and the attempts are counted on.
#[utoipa::path(
    post, path = "/deliveries/{delivery}/redeliver", operation_id = "redeliver", tag = "deliveries",
    params(("delivery" = i64, Path, description = "The delivery's id.")),
    responses((status = 202, description = "The delivery, which waits again.", body = DeliveryView), Refused)
)]
pub(super) async fn redeliver<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<DeliveryView>), Refusal> {
    let delivery = operator.redeliver(&caller, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}
