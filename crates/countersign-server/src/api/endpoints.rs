//! `/endpoints`.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse,
};
use countersign_store::outbox::OutboxStore;
use serde::Deserialize;
use utoipa::IntoParams;

use super::refused::Refused;
use crate::{
    Caller,
    input::{Input, Optional, Params},
    operator::{
        Operator, Wanted,
        draft::{EndpointChange, EndpointDraft},
        secrets::Rotation,
        test_event::TestDraft,
    },
    refusal::Refusal,
    view::{
        PageOf,
        delivery::DeliveryView,
        endpoint::{EndpointView, EndpointWithSecret},
    },
};

/// Which endpoints are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct EndpointQuery {
    /// The tenant.
    #[param(min_length = 1, max_length = 4096)]
    tenant: Option<String>,
    /// The `next` of the page before.
    #[param(min_length = 1, max_length = 4096)]
    cursor: Option<String>,
    /// How many rows, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Lists endpoints, by id.
#[utoipa::path(
    get, path = "/endpoints", operation_id = "list_endpoints", tag = "endpoints", params(EndpointQuery),
    responses((status = 200, description = "A page.", body = PageOf<EndpointView>), Refused)
)]
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<EndpointQuery>,
) -> Result<Json<PageOf<EndpointView>>, Refusal> {
    let wanted = Wanted { cursor: query.cursor, limit: query.limit };
    let rows = operator.endpoints(&caller, query.tenant.as_deref(), &wanted).await?;
    Ok(Json(PageOf::new(rows, |endpoint| EndpointView::new(endpoint, &caller))))
}

/// Makes an endpoint.
///
/// The answer holds its secret, this once.
#[utoipa::path(
    post, path = "/endpoints", operation_id = "create_endpoint", tag = "endpoints", request_body = EndpointDraft,
    responses((status = 201, description = "Made.", body = EndpointWithSecret), Refused)
)]
pub(super) async fn create<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Input(draft): Input<EndpointDraft>,
) -> Result<impl IntoResponse, Refusal> {
    let (endpoint, secret) = operator.create_endpoint(&caller, draft).await?;
    let location = [(header::LOCATION, format!("endpoints/{}", endpoint.id))];
    let view = EndpointWithSecret::new(endpoint, secret.as_ref(), &caller);
    Ok((StatusCode::CREATED, location, Json(view)))
}

/// Shows an endpoint.
#[utoipa::path(
    get, path = "/endpoints/{endpoint}", operation_id = "show_endpoint", tag = "endpoints",
    params(("endpoint" = String, Path, description = "The endpoint's id.")),
    responses((status = 200, description = "The endpoint.", body = EndpointView), Refused)
)]
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<EndpointView>, Refusal> {
    let endpoint = operator.endpoint(&caller, &id).await?;
    Ok(Json(EndpointView::new(endpoint, &caller)))
}

/// Changes an endpoint: the fields that are given.
#[utoipa::path(
    patch, path = "/endpoints/{endpoint}", operation_id = "change_endpoint", tag = "endpoints",
    params(("endpoint" = String, Path, description = "The endpoint's id.")),
    request_body = EndpointChange,
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView), Refused)
)]
pub(super) async fn change<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Input(change): Input<EndpointChange>,
) -> Result<Json<EndpointView>, Refusal> {
    let endpoint = operator.change_endpoint(&caller, &id, change).await?;
    Ok(Json(EndpointView::new(endpoint, &caller)))
}

/// Deletes an endpoint with its history, for ever.
#[utoipa::path(
    delete, path = "/endpoints/{endpoint}", operation_id = "delete_endpoint", tag = "endpoints",
    params(("endpoint" = String, Path, description = "The endpoint's id.")),
    responses((status = 204, description = "Deleted."), Refused)
)]
pub(super) async fn delete<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    operator.delete_endpoint(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enables an endpoint.
///
/// Its failure clock is set back, and what waits for it goes out; so it does where it is enabled already, and left
/// alone until its `health.open_until`.
#[utoipa::path(
    post, path = "/endpoints/{endpoint}/enable", operation_id = "enable_endpoint", tag = "endpoints",
    params(("endpoint" = String, Path, description = "The endpoint's id.")),
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView), Refused)
)]
pub(super) async fn enable<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<EndpointView>, Refusal> {
    let endpoint = operator.enable_endpoint(&caller, &id).await?;
    Ok(Json(EndpointView::new(endpoint, &caller)))
}

/// Disables an endpoint.
///
/// Its deliveries are kept, and wait.
#[utoipa::path(
    post, path = "/endpoints/{endpoint}/disable", operation_id = "disable_endpoint", tag = "endpoints",
    params(("endpoint" = String, Path, description = "The endpoint's id.")),
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView), Refused)
)]
pub(super) async fn disable<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<EndpointView>, Refusal> {
    let endpoint = operator.disable_endpoint(&caller, &id).await?;
    Ok(Json(EndpointView::new(endpoint, &caller)))
}

/// Changes an endpoint's secret.
///
/// The answer holds the new one, this once. The old ones sign beside it for a while, where the scheme has room for
/// several signatures. Where it has not, the new one alone signs from now on: let the receiver accept it first, and
/// then give it here.
#[utoipa::path(
    post, path = "/endpoints/{endpoint}/rotate", operation_id = "rotate_secret", tag = "endpoints",
    params(("endpoint" = String, Path, description = "The endpoint's id.")),
    request_body = Option<Rotation>,
    responses((status = 200, description = "The endpoint and its secret.", body = EndpointWithSecret), Refused)
)]
pub(super) async fn rotate<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Optional(rotation): Optional<Rotation>,
) -> Result<Json<EndpointWithSecret>, Refusal> {
    let (endpoint, secret) = operator.rotate_secret(&caller, &id, rotation).await?;
    Ok(Json(EndpointWithSecret::new(endpoint, Some(&secret), &caller)))
}

/// Sends a test event to an endpoint, and to no other.
///
/// It is delivered as every message is, and not before the endpoint's `health.open_until`: ask for the delivery to
/// see what came of it, and enable the endpoint to have it tried now.
#[utoipa::path(
    post, path = "/endpoints/{endpoint}/test", operation_id = "test_endpoint", tag = "endpoints",
    params(("endpoint" = String, Path, description = "The endpoint's id.")),
    request_body = Option<TestDraft>,
    responses((status = 202, description = "The delivery, which waits.", body = DeliveryView), Refused)
)]
pub(super) async fn test<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Optional(draft): Optional<TestDraft>,
) -> Result<(StatusCode, Json<DeliveryView>), Refusal> {
    let delivery = operator.send_test(&caller, &id, draft).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}
