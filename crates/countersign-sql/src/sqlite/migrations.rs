//! Creating the tables, step by step.

use sqlx::{Error, SqliteConnection};

/// Takes the steps that were not taken yet. The transaction must hold the write lock.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS _countersign_migrations (version INTEGER NOT NULL PRIMARY KEY) STRICT",
    )
    .execute(&mut *connection)
    .await?;
    let done: i64 = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _countersign_migrations")
        .fetch_one(&mut *connection)
        .await?;
    for (version, sql) in STEPS.iter().filter(|(version, _)| *version > done) {
        sqlx::raw_sql(*sql).execute(&mut *connection).await?;
        sqlx::query("INSERT INTO _countersign_migrations (version) VALUES (?1)")
            .bind(version)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A step that was released never changes; what changes is a new one.
const STEPS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/sqlite/0001_receiving.sql")),
    (2, include_str!("../../migrations/sqlite/0002_sending.sql")),
    (3, include_str!("../../migrations/sqlite/0003_api_keys.sql")),
    (4, include_str!("../../migrations/sqlite/0004_not_delivered.sql")),
];
