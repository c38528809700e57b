//! The inbox.

use std::{collections::HashSet, time::Duration};

use countersign_store::{
    Accepted, DeadLetter, Fence, InboxStore, Leased, Received, Settle, Settlement, StoreError,
};
use sqlx::SqliteConnection;

use super::{SqliteStore, accept::Accept, error::failed};
use crate::{
    check,
    claims::PRUNE_AT_MOST,
    clock,
    row::{self, Change, Row, select_rows},
};

impl InboxStore for SqliteStore {
    async fn accept(&self, received: &Received) -> Result<Accepted, StoreError> {
        check::received(received)?;
        let accept = Accept { received: received.clone(), now: self.now() };
        self.accepting.write(&self.pool, accept).await
    }

    async fn lease(&self, limit: u32, lease: Duration) -> Result<Vec<Leased>, StoreError> {
        let fence = Fence::random()?;
        match self.take(limit, lease, fence).await? {
            ids if ids.is_empty() => Ok(Vec::new()),
            ids => self.read(&ids, fence).await,
        }
    }

    async fn settle(&self, settled: &[Settle]) -> Result<Vec<Settlement>, StoreError> {
        let mut transaction = self.begin().await?;
        let now = self.now();
        let mut changed = HashSet::new();
        for change in row::changes(settled) {
            if apply(&mut transaction, &change, now).await? {
                changed.insert((change.id, change.fence));
            }
        }
        transaction.commit().await.map_err(failed)?;
        Ok(row::settlements(settled, changed))
    }

    async fn requeue(&self, id: i64) -> Result<bool, StoreError> {
        let query = sqlx::query(REQUEUE).bind(id).bind(self.now());
        let requeued = query.execute(&self.pool).await.map_err(failed)?;
        Ok(requeued.rows_affected() > 0)
    }

    async fn dead(&self, after: i64, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let query = sqlx::query_as(DEAD).bind(after).bind(limit);
        let rows: Vec<Row> = query.fetch_all(&self.pool).await.map_err(failed)?;
        rows.into_iter().map(row::dead_letter).collect()
    }

    async fn depth(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(DEPTH).fetch_one(&self.pool).await.map_err(failed)?;
        u64::try_from(count).map_err(StoreError::invalid)
    }

    async fn prune(&self, ttl: Duration) -> Result<u64, StoreError> {
        let before = self.now().saturating_sub(clock::span(ttl));
        let query = sqlx::query(PRUNE).bind(before).bind(PRUNE_AT_MOST);
        let removed = query.execute(&self.pool).await.map_err(failed)?;
        Ok(removed.rows_affected())
    }
}

impl SqliteStore {
    /// Leases rows, and returns their ids, the longest due first.
    async fn take(&self, limit: u32, lease: Duration, fence: Fence) -> Result<Vec<i64>, StoreError> {
        let mut transaction = self.begin().await?;
        let now = self.now();
        let query = sqlx::query_scalar(DUE).bind(now).bind(limit);
        let ids: Vec<i64> = query.fetch_all(&mut *transaction).await.map_err(failed)?;
        sqlx::query(LEASE)
            .bind(json(&ids))
            .bind(now.saturating_add(clock::span(lease)))
            .bind(fence.as_i64())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(ids)
    }

    async fn read(&self, ids: &[i64], fence: Fence) -> Result<Vec<Leased>, StoreError> {
        let query = sqlx::query_as(LEASED).bind(json(ids)).bind(fence.as_i64());
        let rows: Vec<Row> = query.fetch_all(&self.pool).await.map_err(failed)?;
        rows.into_iter().map(|row| row::leased(row, fence)).collect()
    }
}

/// A JSON array, by which SQLite takes a list as one parameter.
fn json(ids: &[i64]) -> String {
    format!("{ids:?}")
}

/// Whether the row was still leased so.
async fn apply(connection: &mut SqliteConnection, change: &Change, now: i64) -> Result<bool, StoreError> {
    let changed = sqlx::query(SETTLE)
        .bind(change.id)
        .bind(change.fence)
        .bind(change.state)
        .bind(now.saturating_add(change.delay))
        .bind(&change.reason)
        .bind(change.uncounted)
        .bind(now)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(changed.rows_affected() > 0)
}

const DUE: &str = "
    SELECT id FROM countersign_inbox AS due
    WHERE state IN ('pending', 'leased') AND due_at <= ?1
      AND NOT EXISTS (
          SELECT 1 FROM countersign_inbox AS earlier
          WHERE earlier.lane = due.lane AND earlier.id < due.id AND earlier.state IN ('pending', 'leased'))
      AND NOT EXISTS (
          SELECT 1 FROM countersign_inbox AS other
          WHERE other.lane = due.lane AND other.state = 'leased' AND other.due_at > ?1)
    ORDER BY due_at, id LIMIT ?2";

const LEASE: &str = "
    UPDATE countersign_inbox SET state = 'leased', due_at = ?2, fence = ?3, attempts = attempts + 1
    WHERE id IN (SELECT value FROM json_each(?1))";

const LEASED: &str = select_rows!(
    "JOIN json_each(?1) AS given ON given.value = inbox.id WHERE inbox.fence = ?2 ORDER BY given.key"
);

const SETTLE: &str = "
    UPDATE countersign_inbox
    SET state = ?3, due_at = ?4, fence = NULL, attempts = attempts - ?6, reason = coalesce(?5, reason),
        settled_at = CASE WHEN ?3 IN ('done', 'dead') THEN ?7 END,
        body = CASE WHEN ?3 = 'done' THEN x'' ELSE body END
    WHERE id = ?1 AND fence = ?2";

const REQUEUE: &str = "
    UPDATE countersign_inbox
    SET state = 'pending', due_at = ?2, attempts = 0, reason = NULL, settled_at = NULL
    WHERE id = ?1 AND state = 'dead'";

const DEAD: &str = select_rows!("WHERE inbox.state = 'dead' AND inbox.id > ?1 ORDER BY inbox.id LIMIT ?2");

const DEPTH: &str = "SELECT count(*) FROM countersign_inbox WHERE state IN ('pending', 'leased')";

const PRUNE: &str = "
    DELETE FROM countersign_inbox WHERE id IN (
        SELECT id FROM countersign_inbox WHERE state = 'done' AND settled_at <= ?1
        ORDER BY settled_at LIMIT ?2)";
