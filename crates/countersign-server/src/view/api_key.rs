//! API keys, as admins are shown them.

use countersign_store::api_keys::StoredKey;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{ApiKey, operator::api_keys::ScopeName, time::Time};

/// An API key: nothing of its text.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyView {
    /// The id.
    #[schema(example = "key_019aa5a2b6c07f5e9d3f0b1c2d3e4f50")]
    id: String,
    /// What the log calls it.
    label: String,
    /// What its holder may do.
    scope: ScopeName,
    /// The tenant that it is confined to.
    tenant: Option<String>,
    /// When it was made.
    created_at: Time,
    /// From when it lets nobody in; null for never.
    expires_at: Option<Time>,
}

/// An API key with its text, which is never shown again.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyWithText {
    #[serde(flatten)]
    view: KeyView,
    /// The key, to be sent as `Authorization: Bearer csk_…`.
    #[schema(example = "csk_…")]
    key: String,
}

impl From<StoredKey> for KeyView {
    fn from(key: StoredKey) -> Self {
        KeyView {
            scope: (&key.scope).into(),
            tenant: key.scope.tenant().map(str::to_owned),
            id: key.id,
            label: key.label,
            created_at: Time(key.created_at),
            expires_at: key.expires_at.map(Time),
        }
    }
}

impl KeyWithText {
    pub(crate) fn new(made: StoredKey, key: &ApiKey) -> Self {
        KeyWithText { view: made.into(), key: key.expose().to_owned() }
    }
}
