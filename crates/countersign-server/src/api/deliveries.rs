//! `/deliveries`.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use countersign_store::outbox::OutboxStore;

use super::{paging::PageQuery, refused::Refused};
use crate::{
    Caller,
    input::Params,
    operator::{Operator, deliveries::DeliveryQuery},
    refusal::Refusal,
    view::{
        PageOf,
        delivery::{AttemptView, DeliveryView},
    },
};

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
    params(("delivery" = i64, Path, description = "The delivery's id."), PageQuery),
    responses((status = 200, description = "A page.", body = PageOf<AttemptView>), Refused)
)]
pub(super) async fn attempts<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Params(query): Params<PageQuery>,
) -> Result<Json<PageOf<AttemptView>>, Refusal> {
    let rows = operator.attempts(&caller, &id, &query.into()).await?;
    Ok(Json(PageOf::new(rows, AttemptView::from)))
}

/// Makes a delivery that is settled again, or at once the attempt that one waits for.
///
/// The message keeps its id, and the attempts are counted on. One that was settled has all attempts of the schedule
/// again, one that waits those that it has left. While its endpoint is left alone, it waits for that;
/// enabling the endpoint, even one that is enabled, ends it.
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

/// Cancels a delivery that waits.
///
/// No attempt is made any more, unless somebody asks for one. An attempt under way is not stopped: the answer is 409.
#[utoipa::path(
    post, path = "/deliveries/{delivery}/cancel", operation_id = "cancel", tag = "deliveries",
    params(("delivery" = i64, Path, description = "The delivery's id.")),
    responses((status = 200, description = "The delivery, which is cancelled.", body = DeliveryView), Refused)
)]
pub(super) async fn cancel<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryView>, Refusal> {
    Ok(Json(operator.cancel(&caller, &id).await?.into()))
}
