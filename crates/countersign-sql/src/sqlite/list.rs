//! Lists as one value: JSON.

use countersign_store::StoreError;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Sqlite, SqliteConnection, query::QueryScalar, sqlite::SqliteArguments};

use super::error::failed;
use crate::column;

/// The rows of a statement that answers with one value, a JSON array of them. Rows of their own would cost
/// more than reading this: SQLite's thread hands each over by itself, and copies each of its values.
pub(super) async fn as_one<T: DeserializeOwned>(
    query: QueryScalar<'_, Sqlite, String, SqliteArguments>,
    connection: &mut SqliteConnection,
) -> Result<Vec<T>, StoreError> {
    column::parse(&query.fetch_one(connection).await.map_err(failed)?)
}

/// A list as one parameter: JSON.
pub(super) fn list(rows: &[impl Serialize]) -> Result<String, StoreError> {
    column::json(&rows)
}
