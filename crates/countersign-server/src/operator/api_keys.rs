//! API keys that the store holds: made, seen, removed, and asked for.

use countersign_store::{
    api_keys::{Scope, StoredKey},
    outbox::{OutboxStore, Page},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Operator, Rows, Wanted, known_form, new_id};
use crate::{
    ApiKey, Caller, KeyDigest,
    access::stored::{StoredKeys, let_in},
    refusal::{Faults, Refusal, RefusalKind},
    text,
    time::Time,
};

/// A new API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub(crate) struct KeyDraft {
    /// What the log calls the key: no other has it.
    #[schema(example = "billing", min_length = 1, max_length = 255)]
    pub(crate) label: String,
    /// What its holder may do.
    pub(crate) scope: ScopeName,
    /// The tenant that the key is confined to: of `app` always, of `read` where it is given, of `admin` never.
    #[schema(min_length = 1, max_length = 255)]
    pub(crate) tenant: Option<String>,
    /// From when it lets nobody in; never, where it is left out.
    pub(crate) expires_at: Option<Time>,
}

/// What the holder of a key may do.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Scope)]
pub(crate) enum ScopeName {
    /// Everything.
    Admin,
    /// Everything of one tenant.
    App,
    /// Seeing, and changing nothing.
    Read,
}

/// What lets somebody in, from one request to the next.
#[derive(Clone)]
pub(crate) enum Credential {
    /// It is known whom: they stay who they are.
    Known(Caller),
    /// A key of the store, which is asked each time whom it lets in, so that one that was removed ends at once.
    StoredKey(KeyDigest),
}

impl<S: OutboxStore> Operator<S> {
    /// Whose key this is: one of the configuration's, or one of the store's.
    ///
    /// # Errors
    /// Where the store can't be reached.
    pub(crate) async fn caller_of(&self, text: &str) -> Result<Option<Caller>, Refusal> {
        match self.credential(text) {
            Some(credential) => self.holder(&credential).await,
            None => Ok(None),
        }
    }

    /// The credential that a text is, where it is one of the configuration's keys, or can be one of the store's.
    pub(crate) fn credential(&self, text: &str) -> Option<Credential> {
        match self.0.access.find(text) {
            Some(caller) => Some(Credential::Known(caller.clone())),
            None => ApiKey::parse(text).ok().map(|key| Credential::StoredKey(key.digest())),
        }
    }

    /// Whom a credential lets in now.
    ///
    /// # Errors
    /// Where the store can't be reached.
    pub(crate) async fn holder(&self, credential: &Credential) -> Result<Option<Caller>, Refusal> {
        match (credential, &self.0.stored_keys) {
            (Credential::Known(caller), _) => Ok(Some(caller.clone())),
            (Credential::StoredKey(_), None) => Ok(None),
            (Credential::StoredKey(digest), Some(stored)) => {
                let found = stored.find(digest).await?;
                Ok(found.and_then(|found| let_in(found, digest, self.now())))
            }
        }
    }

    /// Whether the store holds keys, beside those of the configuration.
    pub(crate) fn has_stored_keys(&self) -> bool {
        self.0.stored_keys.is_some()
    }

    /// The keys that the store holds, by id.
    pub(crate) async fn api_keys(
        &self,
        caller: &Caller,
        wanted: &Wanted,
    ) -> Result<Rows<StoredKey>, Refusal> {
        let (stored, page) = (self.stored_keys(caller)?, wanted.page()?);
        let found = stored.list(&page).await?;
        Ok(Rows::of(&page, found, |key| key.id.clone()))
    }

    /// One of the keys that the store holds.
    pub(crate) async fn api_key(&self, caller: &Caller, id: &str) -> Result<StoredKey, Refusal> {
        self.stored_keys(caller)?.get(known_form(id)?).await?.ok_or_else(Refusal::not_found)
    }

    /// Makes a key. Its text is given once, now.
    pub(crate) async fn create_api_key(
        &self,
        caller: &Caller,
        draft: KeyDraft,
    ) -> Result<(StoredKey, ApiKey), Refusal> {
        let stored = self.stored_keys(caller)?;
        let now = self.now();
        let scope = draft.check(now)?;
        if self.0.access.has_label(&draft.label) {
            return Err(taken());
        }
        let key =
            ApiKey::generate().map_err(|error| Refusal::new(RefusalKind::Internal, error.to_string()))?;
        let made = StoredKey {
            id: new_id("key"),
            label: draft.label,
            digest: *key.digest().bytes(),
            scope,
            created_at: now,
            expires_at: draft.expires_at.map(|time| time.0),
        };
        if !stored.add(&made).await? {
            return Err(taken());
        }
        self.audit(caller, "key.created", &made.id);
        Ok((made, key))
    }

    /// Removes a key: it lets nobody in from now on.
    pub(crate) async fn remove_api_key(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        if !self.stored_keys(caller)?.remove(known_form(id)?).await? {
            return Err(Refusal::not_found());
        }
        self.audit(caller, "key.removed", id);
        Ok(())
    }

    /// Removes the keys of the store that are confined to a tenant.
    pub(super) async fn remove_api_keys_of(&self, tenant: &str) -> Result<(), Refusal> {
        let Some(stored) = &self.0.stored_keys else { return Ok(()) };
        let mut page = Page { after: None, limit: Page::MAX };
        loop {
            let keys = stored.list(&page).await?;
            for key in keys.iter().filter(|key| key.scope.tenant() == Some(tenant)) {
                stored.remove(&key.id).await?;
            }
            match keys.last() {
                Some(last) => page.after = Some(last.id.clone()),
                None => return Ok(()),
            }
        }
    }

    /// The store's keys, for an admin.
    fn stored_keys(&self, caller: &Caller) -> Result<&dyn StoredKeys, Refusal> {
        caller.check_is_admin()?;
        self.0.stored_keys.as_deref().ok_or_else(|| {
            Refusal::new(RefusalKind::NotFound, "this server has the keys of its configuration alone")
        })
    }
}

impl KeyDraft {
    /// What the key may do, where nothing is wrong with it.
    fn check(&self, now: i64) -> Result<Scope, Refusal> {
        let scope = self.scope.of(self.tenant.as_deref());
        let mut faults = Faults::default();
        faults.note("label", text::check(&self.label));
        faults.note("tenant", scope.as_ref());
        if self.expires_at.is_some_and(|time| time.0 <= now) {
            faults.add("expires_at", "is not in the future");
        }
        faults.finish()?;
        scope.map_err(|mistake| Refusal::field("tenant", mistake))
    }
}

impl ScopeName {
    fn of(self, tenant: Option<&str>) -> Result<Scope, &'static str> {
        tenant.map_or(Ok(()), text::check)?;
        match (self, tenant.map(str::to_owned)) {
            (ScopeName::Admin, None) => Ok(Scope::Admin),
            (ScopeName::Admin, Some(_)) => Err("can't confine an admin's key: leave it out"),
            (ScopeName::App, Some(tenant)) => Ok(Scope::App { tenant }),
            (ScopeName::App, None) => Err("is missing: a key of this scope is one tenant's"),
            (ScopeName::Read, tenant) => Ok(Scope::Read { tenant }),
        }
    }
}

impl From<&Scope> for ScopeName {
    fn from(scope: &Scope) -> Self {
        match scope {
            Scope::Admin => ScopeName::Admin,
            Scope::App { .. } => ScopeName::App,
            Scope::Read { .. } => ScopeName::Read,
        }
    }
}

fn taken() -> Refusal {
    Refusal::new(RefusalKind::Conflict, "another key has this label: give each its own")
}
