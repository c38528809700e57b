//! API keys, the same statements in both databases.

use countersign_store::{
    StoreError,
    api_keys::{Scope, StoredKey},
};

/// Implements [`ApiKeyStore`](countersign_store::api_keys::ApiKeyStore) for a store. `failed` judges what its
/// database answers.
macro_rules! api_key_store {
    ($store:ident) => {
        impl ApiKeyStore for $store {
            async fn add_api_key(&self, key: &StoredKey) -> Result<bool, StoreError> {
                check::api_key(key)?;
                let query = sqlx::query(api_keys::ADD)
                    .bind(&key.id)
                    .bind(&key.label)
                    .bind(&key.digest[..])
                    .bind(key.scope.name())
                    .bind(key.scope.tenant())
                    .bind(key.created_at)
                    .bind(key.expires_at);
                let added = query.execute(&self.pool).await.map_err(failed)?;
                Ok(added.rows_affected() > 0)
            }

            async fn api_key(&self, digest: &[u8; 32]) -> Result<Option<StoredKey>, StoreError> {
                let query = sqlx::query_as(api_keys::BY_DIGEST).bind(&digest[..]);
                let row: Option<api_keys::Row> =
                    query.fetch_optional(self.readers()).await.map_err(failed)?;
                row.map(api_keys::key).transpose()
            }

            async fn api_key_by_id(&self, id: &str) -> Result<Option<StoredKey>, StoreError> {
                let query = sqlx::query_as(api_keys::BY_ID).bind(id);
                let row: Option<api_keys::Row> =
                    query.fetch_optional(self.readers()).await.map_err(failed)?;
                row.map(api_keys::key).transpose()
            }

            async fn api_keys(&self, page: &Page) -> Result<Vec<StoredKey>, StoreError> {
                let mut conditions = Conditions::new(api_keys::ALL);
                conditions.text("id >", page.after.as_deref());
                let mut sql = conditions.limit(" ORDER BY id", page.rows().into());
                let rows: Vec<api_keys::Row> =
                    sql.build_query_as().fetch_all(self.readers()).await.map_err(failed)?;
                rows.into_iter().map(api_keys::key).collect()
            }

            async fn remove_api_key(&self, id: &str) -> Result<bool, StoreError> {
                let query = sqlx::query(api_keys::REMOVE).bind(id);
                let removed = query.execute(&self.pool).await.map_err(failed)?;
                Ok(removed.rows_affected() > 0)
            }
        }
    };
}
pub(crate) use api_key_store;

/// The statement that reads a [`Row`], its columns in order, and goes on with `$rest`.
macro_rules! select_api_keys {
    ($rest:literal) => {
        concat!(
            "SELECT id, label, digest, scope, tenant, created_at, expires_at FROM countersign_api_keys ",
            $rest
        )
    };
}

/// A key as it is read.
pub(crate) type Row = (String, String, Vec<u8>, String, Option<String>, i64, Option<i64>);

/// The key of a row.
pub(crate) fn key(row: Row) -> Result<StoredKey, StoreError> {
    let (id, label, digest, scope, tenant, created_at, expires_at) = row;
    let digest =
        digest.try_into().map_err(|_| StoreError::invalid("an API key's digest has not 32 bytes"))?;
    let scope = Scope::new(&scope, tenant);
    let scope = scope.ok_or_else(|| StoreError::invalid("an API key's scope is none"))?;
    Ok(StoredKey { id, label, digest, scope, created_at, expires_at })
}

pub(crate) const ADD: &str = "
    INSERT INTO countersign_api_keys (id, label, digest, scope, tenant, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
pub(crate) const BY_DIGEST: &str = select_api_keys!("WHERE digest = $1");
pub(crate) const BY_ID: &str = select_api_keys!("WHERE id = $1");
pub(crate) const ALL: &str = select_api_keys!("");
pub(crate) const REMOVE: &str = "DELETE FROM countersign_api_keys WHERE id = $1";
