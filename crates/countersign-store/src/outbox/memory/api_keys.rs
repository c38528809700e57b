//! The API keys of an outbox in memory.

use super::MemoryOutbox;
use crate::{
    StoreError,
    api_keys::{ApiKeyStore, StoredKey},
    outbox::Page,
};

impl ApiKeyStore for MemoryOutbox {
    async fn add_api_key(&self, key: &StoredKey) -> Result<bool, StoreError> {
        key.check()?;
        let keys = &mut self.lock().api_keys;
        let is_like =
            |known: &StoredKey| known.id == key.id || known.label == key.label || known.digest == key.digest;
        let is_new = !keys.values().any(is_like);
        if is_new {
            keys.insert(key.id.clone(), key.clone());
        }
        Ok(is_new)
    }

    async fn api_key(&self, digest: &[u8; 32]) -> Result<Option<StoredKey>, StoreError> {
        Ok(self.lock().api_keys.values().find(|key| key.digest == *digest).cloned())
    }

    async fn api_key_by_id(&self, id: &str) -> Result<Option<StoredKey>, StoreError> {
        Ok(self.lock().api_keys.get(id).cloned())
    }

    async fn api_keys(&self, page: &Page) -> Result<Vec<StoredKey>, StoreError> {
        let tables = self.lock();
        let is_after = |key: &&StoredKey| page.after.as_ref().is_none_or(|after| key.id > *after);
        let found = tables.api_keys.values().filter(is_after);
        Ok(found.take(page.rows() as usize).cloned().collect())
    }

    async fn remove_api_key(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.lock().api_keys.remove(id).is_some())
    }
}
