//! Creating the tables, step by step.

use sqlx::{Error, PgConnection};

/// Takes the steps that were not taken yet, one process at a time.
pub(super) async fn run(connection: &mut PgConnection) -> Result<(), Error> {
    // Until the transaction ends. `IF NOT EXISTS` alone fails where two processes create at once.
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *connection).await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS _countersign_migrations (version BIGINT NOT NULL PRIMARY KEY)")
        .execute(&mut *connection)
        .await?;
    let done: i64 = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _countersign_migrations")
        .fetch_one(&mut *connection)
        .await?;
    for (version, sql) in STEPS.iter().filter(|(version, _)| *version > done) {
        sqlx::raw_sql(*sql).execute(&mut *connection).await?;
        sqlx::query("INSERT INTO _countersign_migrations (version) VALUES ($1)")
            .bind(version)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The advisory lock: `countersign` shortened to eight bytes.
const LOCK: i64 = i64::from_be_bytes(*b"cntrsign");

/// A step that was released never changes; what changes is a new one.
const STEPS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/postgres/0001_receiving.sql")),
    (2, include_str!("../../migrations/postgres/0002_sending.sql")),
    (3, include_str!("../../migrations/postgres/0003_api_keys.sql")),
    (4, include_str!("../../migrations/postgres/0004_turns.sql")),
    (5, include_str!("../../migrations/postgres/0005_plans.sql")),
    (6, include_str!("../../migrations/postgres/0006_served.sql")),
];
