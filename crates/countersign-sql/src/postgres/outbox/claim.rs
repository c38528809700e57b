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
        claim::{Needed, Row, distinct, put_off},
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
        let limit = limit as usize;
        let mut ids = match &*self.turns.next(limit, lease) {
            [] => Vec::new(),
            turns => self.lease(limit, lease, fence, Some(turns)).await?,
        };
        if ids.len() < limit {
            ids.extend(self.lease(limit - ids.len(), lease, fence, None).await?);
        }
        match ids.is_empty() {
            true => Ok(Vec::new()),
            false => self.read_leased(&ids, fence).await,
        }
    }

    /// Leases deliveries of these endpoints, one of each, or of all endpoints, and returns their ids in turn.
    async fn lease(
        &self,
        limit: usize,
        lease: Duration,
        fence: Fence,
        among: Option<&[String]>,
    ) -> Result<Vec<i64>, StoreError> {
        let rows: Vec<(Option<i64>, Option<String>)> = sqlx::query_as(LEASE)
            .bind(self.now())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(clock::span(lease))
            .bind(fence.as_i64())
            .bind(i64::from(Endpoint::HALF_OPEN_AFTER))
            .bind(among)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let (ids, next): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        if among.is_none() {
            self.turns.follow(next.into_iter().flatten());
        }
        Ok(ids.into_iter().flatten().collect())
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
        let leased = Needed::new(messages, endpoints).claims(ids, rows, fence);
        if !leased.unreadable.is_empty() {
            let query = sqlx::query(PUT_OFF).bind(leased.unreadable).bind(fence.as_i64());
            query.execute(&self.pool).await.map_err(failed)?;
        }
        Ok(leased.claimed)
    }
}

/// A function of the fourth migration, in place of the second's, which says how places are kept exact.
const LEASE: &str = "SELECT leased_id, next_endpoint FROM countersign_outbox_lease($1, $2, $3, $4, $5, $6)";

const LEASED: &str = "
    SELECT id, message_id, endpoint_id, attempts, step, asked_for
    FROM countersign_deliveries WHERE id = ANY($1) AND fence = $2";
const MESSAGES: &str = select_messages!("WHERE id = ANY($1)");
const ENDPOINTS: &str = select_endpoints!("WHERE id = ANY($1)");
const PUT_OFF: &str = put_off!("= ANY($1)");
