//! API keys.

use countersign_store::{
    StoreError,
    api_keys::{ApiKeyStore, StoredKey},
    outbox::Page,
};

use super::{PgStore, error::failed};
use crate::{
    api_keys::{self, api_key_store},
    check,
    outbox::filter::Conditions,
};

api_key_store!(PgStore);
