//! Claiming, fairly.

use std::time::Duration;

use countersign_store::{
    Fence, StoreError,
    outbox::{Claimed, Endpoint},
};

use super::super::{PgStore, error::failed};
use crate::{
    clock,
    outbox::{
        claim::{Needed, Row, distinct},
        endpoint::{self, select_endpoints},
        message::{self, select_messages},
    },
};

impl PgStore {
    pub(super) async fn claim_deliveries(
        &self,
        limit: u32,
        lease: Duration,
        fence: Fence,
    ) -> Result<Vec<Claimed>, StoreError> {
        let ids: Vec<i64> = sqlx::query_scalar(LEASE)
            .bind(self.now())
            .bind(i64::from(limit))
            .bind(clock::span(lease))
            .bind(fence.as_i64())
            .bind(i64::from(Endpoint::HALF_OPEN_AFTER))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        match ids.is_empty() {
            true => Ok(Vec::new()),
            false => self.read_leased(&ids, fence).await,
        }
    }

    /// Reads the deliveries apart from leasing them: payloads that a slow client doesn't fetch would hold
    /// up everybody's next lease.
    async fn read_leased(&self, ids: &[i64], fence: Fence) -> Result<Vec<Claimed>, StoreError> {
        let rows = sqlx::query_as(LEASED).bind(ids).bind(fence.as_i64());
        let rows: Vec<Row> = rows.fetch_all(&self.pool).await.map_err(failed)?;
        let messages = sqlx::query_as(MESSAGES).bind(distinct(&rows, |row| &row.1));
        let messages: Vec<message::Row> = messages.fetch_all(&self.pool).await.map_err(failed)?;
        let endpoints = sqlx::query_as(ENDPOINTS).bind(distinct(&rows, |row| &row.2));
        let endpoints: Vec<endpoint::Row> = endpoints.fetch_all(&self.pool).await.map_err(failed)?;
        Needed::new(messages, endpoints)?.claims(ids, rows, fence)
    }
}

/// A function of the second migration, which says how places are kept exact.
const LEASE: &str = "SELECT countersign_outbox_lease($1, $2, $3, $4, $5)";

const LEASED: &str = "
    SELECT id, message_id, endpoint_id, attempts, step, asked_for
    FROM countersign_deliveries WHERE id = ANY($1) AND fence = $2";
const MESSAGES: &str = select_messages!("WHERE id = ANY($1)");
const ENDPOINTS: &str = select_endpoints!("WHERE id = ANY($1)");
