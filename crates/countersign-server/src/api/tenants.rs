//! `/tenants`.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use countersign_store::outbox::OutboxStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::{paging::PageQuery, refused::Refused};
use crate::{
    Caller,
    input::Params,
    operator::Operator,
    refusal::Refusal,
    view::{PageOf, tenant::TenantView},
};

/// A step of forgetting a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Forgotten)]
pub(super) struct ForgottenView {
    /// How many of its messages and endpoints are gone since this step.
    forgotten: u64,
    /// Whether there are more of them: ask again.
    more: bool,
}

/// Lists tenants, by name.
///
/// A tenant is there from its first endpoint or message on. A key of one tenant is shown that one.
#[utoipa::path(
    get, path = "/tenants", operation_id = "list_tenants", tag = "tenants", params(PageQuery),
    responses((status = 200, description = "A page.", body = PageOf<TenantView>), Refused)
)]
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<PageQuery>,
) -> Result<Json<PageOf<TenantView>>, Refusal> {
    let rows = operator.tenants(&caller, &query.into()).await?;
    Ok(Json(PageOf::new(rows, TenantView::from)))
}

/// Shows a tenant.
#[utoipa::path(
    get, path = "/tenants/{tenant}", operation_id = "show_tenant", tag = "tenants",
    params(("tenant" = String, Path, description = "The tenant's name; a `/` in it is written as `%2F`.")),
    responses((status = 200, description = "The tenant.", body = TenantView), Refused)
)]
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<TenantView>, Refusal> {
    Ok(Json(operator.tenant(&caller, &name).await?.into()))
}

/// Forgets a tenant with all that it has, one step.
///
/// For admins, and for ever. The first step removes the keys that were made for the tenant while the server ran, and
/// disables its endpoints: nothing more is sent to them. Messages go with their deliveries and attempts, some at each
/// step, and at last the endpoints. Ask again while there are `more`.
#[utoipa::path(
    delete, path = "/tenants/{tenant}", operation_id = "forget_tenant", tag = "tenants",
    params(("tenant" = String, Path, description = "The tenant's name; a `/` in it is written as `%2F`.")),
    responses((status = 200, description = "One step.", body = ForgottenView), Refused)
)]
pub(super) async fn forget<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<ForgottenView>, Refusal> {
    let (forgotten, more) = operator.forget_tenant(&caller, &name).await?;
    Ok(Json(ForgottenView { forgotten, more }))
}
