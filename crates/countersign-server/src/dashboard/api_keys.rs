//! The API keys that the store holds.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
};
use countersign_store::{api_keys::StoredKey, outbox::OutboxStore};

use super::{
    fields::Asked,
    filters,
    frame::{Frame, Visit},
    page::{Answer, page, see},
};
use crate::operator::{Operator, Rows, Wanted};

#[derive(Template)]
#[template(path = "api_keys.html")]
struct KeysPage {
    frame: Frame,
    /// None, where the server has the keys of its configuration alone.
    keys: Option<Rows<StoredKey>>,
    is_first: bool,
    now: i64,
}

#[derive(Template)]
#[template(path = "api_key_remove.html")]
struct RemovePage {
    frame: Frame,
    key: StoredKey,
}

/// Lists keys.
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Asked(query): Asked,
) -> Answer {
    let wanted = Wanted { cursor: query.given("cursor"), limit: None };
    let keys = match operator.has_stored_keys() {
        true => Some(operator.api_keys(&caller, &wanted).await?),
        false => None,
    };
    let (is_first, now) = (wanted.cursor.is_none(), (operator.settings().clock)());
    page(&KeysPage { frame, keys, is_first, now })
}

/// Asks whether a key is really to be removed.
pub(super) async fn confirm_remove<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let key = operator.api_key(&caller, &id).await?;
    page(&RemovePage { frame, key })
}

/// Removes a key. Who has signed in with it is asked to sign in again.
pub(super) async fn remove<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    operator.remove_api_key(&caller, &id).await?;
    Ok(see(frame.at("/keys?done=removed")))
}
