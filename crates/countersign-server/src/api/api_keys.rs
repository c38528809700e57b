//! `/keys`.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use countersign_store::outbox::OutboxStore;

use super::{paging::PageQuery, refused::Refused};
use crate::{
    Caller,
    input::{Input, Params},
    operator::{Operator, api_keys::KeyDraft},
    refusal::Refusal,
    view::{
        PageOf,
        api_key::{KeyView, KeyWithText},
    },
};

/// Lists API keys, by id.
///
/// For admins. Those of the server's configuration are not among them.
#[utoipa::path(
    get, path = "/keys", operation_id = "list_keys", tag = "keys", params(PageQuery),
    responses((status = 200, description = "A page.", body = PageOf<KeyView>), Refused)
)]
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<PageQuery>,
) -> Result<Json<PageOf<KeyView>>, Refusal> {
    let rows = operator.api_keys(&caller, &query.into()).await?;
    Ok(Json(PageOf::new(rows, KeyView::from)))
}

/// Makes an API key, which lets its holder in at once.
///
/// For admins. The answer holds the key, this once.
#[utoipa::path(
    post, path = "/keys", operation_id = "create_key", tag = "keys", request_body = KeyDraft,
    responses((status = 201, description = "Made.", body = KeyWithText), Refused)
)]
pub(super) async fn create<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Input(draft): Input<KeyDraft>,
) -> Result<(StatusCode, Json<KeyWithText>), Refusal> {
    let (made, key) = operator.create_api_key(&caller, draft).await?;
    Ok((StatusCode::CREATED, Json(KeyWithText::new(made, &key))))
}

/// Removes an API key, which lets nobody in from then on.
///
/// For admins.
#[utoipa::path(
    delete, path = "/keys/{key_id}", operation_id = "remove_key", tag = "keys",
    params(("key_id" = String, Path, description = "The key's id; the key itself stands in no URL.")),
    responses((status = 204, description = "Removed."), Refused)
)]
pub(super) async fn remove<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    operator.remove_api_key(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
