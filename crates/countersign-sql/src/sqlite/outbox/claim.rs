//! Claiming, fairly.

use std::time::Duration;

use countersign_store::{Fence, StoreError, outbox::Claimed};
use sqlx::SqliteConnection;

use super::{
    super::{SqliteStore, error::failed},
    as_one, due, list,
};
use crate::{
    clock, column,
    outbox::{
        claim::{Needed, Row, distinct, put_off},
        endpoint::endpoint_columns,
        message,
    },
};

/// A message but for its payload, as it is read.
type Head = (String, Option<String>, String, String, i64, Option<String>, i64);

impl SqliteStore {
    pub(super) async fn claim_deliveries(
        &self,
        limit: u32,
        lease: Duration,
        fence: Fence,
    ) -> Result<Vec<Claimed>, StoreError> {
        let ids = self.lease_due(limit as usize, lease, fence).await?;
        match ids.is_empty() {
            true => Ok(Vec::new()),
            false => self.read_leased(&ids, fence).await,
        }
    }

    /// Leases deliveries, and returns their ids in turn. Those that have waited since all were looked at have a turn
    /// before the others.
    async fn lease_due(&self, limit: usize, lease: Duration, fence: Fence) -> Result<Vec<i64>, StoreError> {
        let mut transaction = self.begin().await?;
        let now = self.now();
        let until = now.saturating_add(clock::span(lease));
        let mut ids = due::first_of_each(&mut transaction, &self.turns.next(limit, lease), now).await?;
        take(&mut transaction, &ids, until, fence).await?;
        if ids.len() < limit {
            let others = due::in_turn(&mut transaction, limit - ids.len(), now, &self.turns).await?;
            take(&mut transaction, &others, until, fence).await?;
            ids.extend(others);
        }
        if !ids.is_empty() {
            transaction.commit().await.map_err(failed)?;
        }
        Ok(ids)
    }

    /// Reads the deliveries apart from leasing them: nobody waits to write while payloads are read.
    async fn read_leased(&self, ids: &[i64], fence: Fence) -> Result<Vec<Claimed>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let rows = sqlx::query_scalar(LEASED).bind(list(ids)?).bind(fence.as_i64());
        let rows: Vec<Row> = as_one(rows, &mut connection).await?;
        let endpoints = sqlx::query_scalar(ENDPOINTS).bind(list(&distinct(&rows, |row| &row.2))?);
        let endpoints = as_one(endpoints, &mut connection).await?;
        let messages = sqlx::query_as(MESSAGES).bind(list(&distinct(&rows, |row| &row.1))?);
        let messages: Vec<(String, Vec<u8>)> = messages.fetch_all(&mut *connection).await.map_err(failed)?;
        let messages = messages.into_iter().map(whole).collect::<Result<_, _>>()?;
        let leased = Needed::new(messages, endpoints).claims(ids, rows, fence);
        if !leased.unreadable.is_empty() {
            let query = sqlx::query(PUT_OFF).bind(list(&leased.unreadable)?).bind(fence.as_i64());
            query.execute(&mut *connection).await.map_err(failed)?;
        }
        Ok(leased.claimed)
    }
}

/// A message of its head and its payload.
fn whole((head, payload): (String, Vec<u8>)) -> Result<message::Row, StoreError> {
    let (id, tenant, kind, content_type, is_reference, traceparent, created_at): Head = column::parse(&head)?;
    Ok((id, tenant, kind, content_type, payload, is_reference, traceparent, created_at))
}

/// Leases these deliveries until then.
async fn take(
    connection: &mut SqliteConnection,
    ids: &[i64],
    until: i64,
    fence: Fence,
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(LEASE).bind(list(ids)?).bind(until).bind(fence.as_i64());
    query.execute(connection).await.map_err(failed)?;
    Ok(())
}

const LEASE: &str = "
    UPDATE countersign_deliveries
    SET state = 'leased', due_at = ?2, fence = ?3, attempts = attempts + 1, step = step + 1
    WHERE id IN (SELECT value FROM json_each(?1))";

const LEASED: &str = "
    SELECT json_group_array(json_array(id, message_id, endpoint_id, attempts, step, asked_for))
    FROM countersign_deliveries WHERE id IN (SELECT value FROM json_each(?1)) AND fence = ?2";

const MESSAGES: &str = "
    SELECT json_array(id, tenant, kind, content_type, is_reference, traceparent, created_at), payload
    FROM countersign_messages WHERE id IN (SELECT value FROM json_each(?1))";

const ENDPOINTS: &str = concat!(
    "SELECT json_group_array(json_array(json_array(",
    endpoint_columns!(),
    "), revision)) FROM countersign_endpoints WHERE id IN (SELECT value FROM json_each(?1))"
);

const PUT_OFF: &str = put_off!("IN (SELECT value FROM json_each($1))");
