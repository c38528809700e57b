//! Accepting events, many in one commit.

use countersign_store::{Accepted, Received, StoreError};
use sqlx::SqliteConnection;

use super::{
    error::failed,
    group::{Size, Write},
};
use crate::inbox::{lane::lane, row};

/// An event that is to be accepted, and when it came.
pub(super) struct Accept {
    pub(super) received: Received,
    pub(super) now: i64,
}

impl Write for Accept {
    type Answer = Accepted;

    fn size(&self) -> Size {
        Size { rows: 1, bytes: self.received.body.len() }
    }

    async fn write(all: &[Self], connection: &mut SqliteConnection) -> Result<Vec<Accepted>, StoreError> {
        let mut accepted = Vec::with_capacity(all.len());
        for Accept { received, now } in all {
            accepted.push(insert(connection, received, *now).await?);
        }
        Ok(accepted)
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    received: &Received,
    now: i64,
) -> Result<Accepted, StoreError> {
    let inserted = sqlx::query(INSERT)
        .bind(&received.key)
        .bind(now)
        .bind(lane(received))
        .bind(&received.source)
        .bind(&received.tenant)
        .bind(&received.event_id)
        .bind(&received.event_type)
        .bind(&received.order)
        .bind(&received.data_at)
        .bind(row::headers(received)?)
        .bind(&received.body[..])
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if inserted.rows_affected() > 0 {
        return Ok(Accepted::New);
    }
    let query = sqlx::query_scalar(row::IS_DEAD).bind(&received.key);
    query.fetch_optional(connection).await.map(row::known).map_err(failed)
}

const INSERT: &str = "
    INSERT INTO countersign_inbox (key, state, due_at, attempts, lane, accepted_at,
        source, tenant, event_id, event_type, ordering, data_at, headers, body)
    VALUES (?1, 'pending', ?2, 0, ?3, ?2, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (key) DO NOTHING";
