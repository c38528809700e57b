//! The contract of a store that keeps the keys of an operator's API, by their digests.
//!
//! A key is never kept, only its SHA-256: it is enough to know the key by, and not to make it. A key that was removed
//! is found by nobody from then on, in whatever process.
//!
//! Times are microseconds since 1970-01-01T00:00:00Z.

use std::{fmt, future::Future};

use crate::{StoreError, name::check_names, outbox::Page};

/// Keeps API keys; see the [module's page](self).
pub trait ApiKeyStore: Send + Sync + 'static {
    /// Adds a key. `false` where there is one of its id, its label or its digest: nothing is added.
    ///
    /// # Errors
    /// Where the store can't be reached, or the key [can't be kept](StoredKey::check).
    fn add_api_key(&self, key: &StoredKey) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The key of this digest, one that has expired too.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn api_key(
        &self,
        digest: &[u8; 32],
    ) -> impl Future<Output = Result<Option<StoredKey>, StoreError>> + Send;

    /// The key of this id, one that has expired too.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn api_key_by_id(&self, id: &str) -> impl Future<Output = Result<Option<StoredKey>, StoreError>> + Send;

    /// The keys whose id is above `page.after` (all, where it is `None`), by id.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn api_keys(&self, page: &Page) -> impl Future<Output = Result<Vec<StoredKey>, StoreError>> + Send;

    /// Removes a key. `false` where there is none of this id.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn remove_api_key(&self, id: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// An API key, as a store has it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The id, such as `key_…`.
    pub id: String,
    /// What the log calls it: each key has another.
    pub label: String,
    /// The SHA-256 of the key's text.
    pub digest: [u8; 32],
    /// What its holder may see and do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: i64,
    /// From when it lets nobody in; never, where it is `None`.
    pub expires_at: Option<i64>,
}

impl StoredKey {
    /// Refuses a key that no store keeps: one whose id, label or tenant is longer than [`MAX_NAME`](crate::MAX_NAME).
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`](crate::StoreErrorKind::Invalid).
    pub fn check(&self) -> Result<(), StoreError> {
        let tenant = self.scope.tenant().unwrap_or_default();
        check_names(&[("id", &self.id), ("label", &self.label), ("tenant", tenant)])
    }
}

impl StoredKey {
    /// Whether it has expired at `now` (microseconds).
    #[must_use]
    pub fn has_expired(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// Shows no byte of the digest.
impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id)
            .field("label", &self.label)
            .field("scope", &self.scope)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What the holder of a key may see and do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Everything of one tenant, and nothing of another.
    App {
        /// The tenant.
        tenant: String,
    },
    /// Seeing, and changing nothing.
    Read {
        /// The tenant; all, where it is `None`.
        tenant: Option<String>,
    },
}

impl Scope {
    /// The scope of this [name](Self::name) and tenant. `None` where there is no such name, where an admin's is
    /// confined to a tenant, or where an application's is not.
    #[must_use]
    pub fn new(name: &str, tenant: Option<String>) -> Option<Self> {
        match (name, tenant) {
            ("admin", None) => Some(Scope::Admin),
            ("app", Some(tenant)) => Some(Scope::App { tenant }),
            ("read", tenant) => Some(Scope::Read { tenant }),
            _ => None,
        }
    }

    /// The name: `admin`, `app` or `read`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Scope::Admin => "admin",
            Scope::App { .. } => "app",
            Scope::Read { .. } => "read",
        }
    }

    /// The tenant that it is confined to.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Scope::Admin => None,
            Scope::App { tenant } => Some(tenant),
            Scope::Read { tenant } => tenant.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scope: Scope) -> StoredKey {
        StoredKey {
            id: "key_1".to_owned(),
            label: "ops".to_owned(),
            digest: [171; 32],
            scope,
            created_at: 1,
            expires_at: Some(5),
        }
    }

    #[test]
    fn adv_97_its_debug_shows_no_byte_of_the_digest() {
        let shown = format!("{:?}", key(Scope::Admin));
        assert!(shown.contains("ops") && !shown.contains("171") && !shown.contains("digest"), "{shown}");
    }

    #[test]
    fn a_key_has_expired_from_its_time_on() {
        let key = key(Scope::Admin);
        assert_eq!([4, 5, 6].map(|now| key.has_expired(now)), [false, true, true]);
        assert!(!StoredKey { expires_at: None, ..key }.has_expired(i64::MAX));
    }

    #[test]
    fn a_scope_is_made_of_its_name_and_its_tenant() {
        let tenant = || Some("acme".to_owned());
        for (name, tenant) in [("admin", None), ("app", tenant()), ("read", None), ("read", tenant())] {
            let scope = Scope::new(name, tenant.clone()).expect("a scope");
            assert_eq!((scope.name(), scope.tenant()), (name, tenant.as_deref()));
        }
        for (name, tenant) in [("admin", tenant()), ("app", None), ("root", None), ("", tenant())] {
            assert_eq!(Scope::new(name, tenant), None, "{name}");
        }
    }
}
