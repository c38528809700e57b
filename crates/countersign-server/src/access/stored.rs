//! The keys that a store holds.

use std::{future::Future, pin::Pin};

use countersign_dispatch::Outbox;
use countersign_store::{
    StoreError,
    api_keys::{ApiKeyStore, StoredKey},
    outbox::{OutboxStore, Page},
};
use subtle::ConstantTimeEq;

use super::{Caller, KeyDigest};

/// The API keys of a store, whatever store it is: a server can do without one.
pub(crate) trait StoredKeys: Send + Sync {
    fn add<'a>(&'a self, key: &'a StoredKey) -> Answer<'a, bool>;
    fn find<'a>(&'a self, digest: &'a KeyDigest) -> Answer<'a, Option<StoredKey>>;
    fn get<'a>(&'a self, id: &'a str) -> Answer<'a, Option<StoredKey>>;
    fn list<'a>(&'a self, page: &'a Page) -> Answer<'a, Vec<StoredKey>>;
    fn remove<'a>(&'a self, id: &'a str) -> Answer<'a, bool>;
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

impl<S: OutboxStore + ApiKeyStore> StoredKeys for Outbox<S> {
    fn add<'a>(&'a self, key: &'a StoredKey) -> Answer<'a, bool> {
        Box::pin(self.store().add_api_key(key))
    }

    fn find<'a>(&'a self, digest: &'a KeyDigest) -> Answer<'a, Option<StoredKey>> {
        Box::pin(self.store().api_key(digest.bytes()))
    }

    fn get<'a>(&'a self, id: &'a str) -> Answer<'a, Option<StoredKey>> {
        Box::pin(self.store().api_key_by_id(id))
    }

    fn list<'a>(&'a self, page: &'a Page) -> Answer<'a, Vec<StoredKey>> {
        Box::pin(self.store().api_keys(page))
    }

    fn remove<'a>(&'a self, id: &'a str) -> Answer<'a, bool> {
        Box::pin(self.store().remove_api_key(id))
    }
}

/// Whom a stored key lets in at `now`: its holder, unless it has expired. It is compared once more, in constant
/// time, for a store that compares otherwise than byte by byte.
pub(crate) fn let_in(key: StoredKey, digest: &KeyDigest, now: i64) -> Option<Caller> {
    let is_same: bool = key.digest.ct_eq(digest.bytes()).into();
    (is_same && !key.has_expired(now)).then(|| Caller::new(key.label, key.scope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApiKey, Scope};

    #[test]
    fn adv_97_a_store_that_gives_another_key_lets_nobody_in() {
        let (digest, other) = (digest(), digest());
        let stored = |expires_at| StoredKey {
            id: "key_1".to_owned(),
            label: "ops".to_owned(),
            digest: *digest.bytes(),
            scope: Scope::Admin,
            created_at: 0,
            expires_at,
        };
        assert_eq!(let_in(stored(None), &digest, 9).as_ref().map(Caller::label), Some("ops"));
        assert_eq!(let_in(stored(None), &other, 9), None);
        assert!(let_in(stored(Some(10)), &digest, 9).is_some());
        assert_eq!(let_in(stored(Some(9)), &digest, 9), None);
    }

    fn digest() -> KeyDigest {
        ApiKey::generate().expect("a key").digest()
    }
}
