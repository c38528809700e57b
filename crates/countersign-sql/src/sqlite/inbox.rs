//! The inbox.

use std::{collections::HashSet, time::Duration};

use countersign_store::{
    Accepted, DeadLetter, Fence, InboxStore, Leased, Received, Settle, Settlement, StoreError, TOO_FAR,
};
use sqlx::SqliteConnection;

use super::{
    SqliteStore,
    accept::Accept,
    error::failed,
    list::{as_one, list},
};
use crate::{
    check,
    claims::PRUNE_AT_MOST,
    clock,
    inbox::{
        lease::{END_PUTTING_OFF, GIVE_BACK_LEASED, Read, leasing, put_off},
        row::{self, Change, Row, select_rows},
    },
};

/// When a row was due, and its id.
type Due = (i64, i64);

impl InboxStore for SqliteStore {
    async fn accept(&self, received: &Received) -> Result<Accepted, StoreError> {
        check::received(received)?;
        let accept = Accept { received: received.clone(), now: self.now() };
        self.accepting.write(&self.file, accept).await
    }

    async fn lease(&self, limit: u32, lease: Duration) -> Result<Vec<Leased>, StoreError> {
        self.give_back(&self.lost_leases, GIVE_BACK_LEASED).await?;
        let fence = Fence::random()?;
        self.lost_leases.watch(fence, self.lease_rows(limit, lease, fence)).await
    }

    async fn settle(&self, settled: &[Settle]) -> Result<Vec<Settlement>, StoreError> {
        let changes = row::changes(settled);
        let mut transaction = self.begin().await?;
        let held = held(&mut transaction, &changes).await?;
        change(&mut transaction, &changes, self.now()).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(row::settlements(settled, held))
    }

    async fn requeue(&self, id: i64) -> Result<bool, StoreError> {
        let query = sqlx::query(REQUEUE).bind(id).bind(self.now());
        let requeued = query.execute(&self.pool).await.map_err(failed)?;
        Ok(requeued.rows_affected() > 0)
    }

    async fn dead(&self, after: i64, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let query = sqlx::query_as(DEAD).bind(after).bind(limit);
        let rows: Vec<Row> = query.fetch_all(self.readers()).await.map_err(failed)?;
        rows.into_iter().map(row::dead_letter).collect()
    }

    async fn depth(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(DEPTH).fetch_one(self.readers()).await.map_err(failed)?;
        u64::try_from(count).map_err(StoreError::invalid)
    }

    async fn prune(&self, ttl: Duration) -> Result<u64, StoreError> {
        self.end_putting_off().await?;
        let before = self.now().saturating_sub(clock::span(ttl));
        let query = sqlx::query(PRUNE).bind(before).bind(PRUNE_AT_MOST);
        let removed = query.execute(&self.pool).await.map_err(failed)?;
        Ok(removed.rows_affected())
    }
}

leasing!(SqliteStore);

impl SqliteStore {
    /// Leases rows, and returns their ids, the longest due first.
    async fn take(&self, limit: u32, lease: Duration, fence: Fence) -> Result<Vec<i64>, StoreError> {
        let mut transaction = self.begin().await?;
        let now = self.now();
        let ids = due(&mut transaction, limit, now).await?;
        sqlx::query(LEASE)
            .bind(list(&ids)?)
            .bind(now.saturating_add(clock::span(lease)))
            .bind(fence.as_i64())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(ids)
    }

    async fn read(&self, ids: &[i64], fence: Fence) -> Result<Vec<Leased>, StoreError> {
        let query = sqlx::query(LEASED).bind(list(ids)?).bind(fence.as_i64());
        let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
        let read = Read::of(&rows, fence);
        if !read.unreadable.is_empty() {
            let query = sqlx::query(PUT_OFF).bind(list(&read.unreadable)?).bind(fence.as_i64());
            query.execute(&self.pool).await.map_err(failed)?;
        }
        Ok(read.leased)
    }
}

/// The ids of rows that may be leased, the longest due first.
///
/// Of the rows that have a lane only the first of each can be leased. As a rule there are enough of them among the longest
/// due. Where there aren't, as behind many rows of one lane, the first of each lane is looked for: that costs the number of
/// the lanes, and not that of their rows.
async fn due(connection: &mut SqliteConnection, limit: u32, now: i64) -> Result<Vec<i64>, StoreError> {
    let looked_at = (4 * i64::from(limit)).max(256);
    let free = sqlx::query_as(FREE).bind(now).bind(limit);
    let mut due: Vec<Due> = free.fetch_all(&mut *connection).await.map_err(failed)?;
    let first = sqlx::query_as(FIRST).bind(now).bind(limit).bind(looked_at);
    let mut first: Vec<Due> = first.fetch_all(&mut *connection).await.map_err(failed)?;
    if first.len() < limit as usize {
        let more = sqlx::query_scalar(MORE).bind(now).bind(looked_at);
        if more.fetch_one(&mut *connection).await.map_err(failed)? {
            let of_all = sqlx::query_as(FIRST_OF_ALL).bind(now).bind(limit);
            first = of_all.fetch_all(&mut *connection).await.map_err(failed)?;
        }
    }
    due.extend(first);
    due.sort_unstable();
    Ok(due.into_iter().take(limit as usize).map(|(_, id)| id).collect())
}

/// The leases of these rows that are still held.
async fn held(
    connection: &mut SqliteConnection,
    changes: &[Change],
) -> Result<HashSet<(i64, i64)>, StoreError> {
    let ids: Vec<i64> = changes.iter().map(|change| change.id).collect();
    Ok(as_one(sqlx::query_scalar(HELD).bind(list(&ids)?), connection).await?.into_iter().collect())
}

/// Changes the rows that are still leased so, in one statement: each by itself would wait for SQLite's thread.
async fn change(connection: &mut SqliteConnection, changes: &[Change], now: i64) -> Result<(), StoreError> {
    let due_at = |change: &Change| now.saturating_add(change.delay);
    let given = changes.iter().map(|change| {
        (change.id, change.fence, change.state, due_at(change), change.reason.as_deref(), change.uncounted)
    });
    let given: Vec<_> = given.collect();
    sqlx::query(SETTLE).bind(list(&given)?).bind(now).execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Those without a lane.
const FREE: &str = "
    SELECT due_at, id FROM countersign_inbox
    WHERE state IN ('pending', 'leased') AND lane IS NULL AND due_at <= ?1
    ORDER BY due_at, id LIMIT ?2";

/// Of the longest due that have a lane, those that are the first of it.
const FIRST: &str = "
    SELECT due_at, id
    FROM (
        SELECT due_at, id, lane FROM countersign_inbox
        WHERE state IN ('pending', 'leased') AND lane IS NOT NULL AND due_at <= ?1
        ORDER BY due_at, id LIMIT ?3) AS oldest
    WHERE NOT EXISTS (
          SELECT 1 FROM countersign_inbox AS earlier
          WHERE earlier.lane = oldest.lane AND earlier.id < oldest.id AND earlier.state IN ('pending', 'leased'))
      AND NOT EXISTS (
          SELECT 1 FROM countersign_inbox AS other
          WHERE other.lane = oldest.lane AND other.state = 'leased' AND other.due_at > ?1)
    ORDER BY due_at, id LIMIT ?2";

/// Whether there are more of them than were looked at.
const MORE: &str = "
    SELECT EXISTS (
        SELECT 1 FROM countersign_inbox
        WHERE state IN ('pending', 'leased') AND lane IS NOT NULL AND due_at <= ?1
        ORDER BY due_at, id LIMIT 1 OFFSET ?2)";

/// Of the first of each lane, those that are due. Each lane is looked for behind the one before it.
const FIRST_OF_ALL: &str = "
    WITH RECURSIVE lanes (lane) AS (
        SELECT min(lane) FROM countersign_inbox WHERE state IN ('pending', 'leased') AND lane IS NOT NULL
        UNION ALL
        SELECT (SELECT min(lane) FROM countersign_inbox WHERE state IN ('pending', 'leased') AND lane > lanes.lane)
        FROM lanes WHERE lane IS NOT NULL)
    SELECT first.due_at, first.id
    FROM lanes CROSS JOIN countersign_inbox AS first ON first.id = (
        SELECT min(id) FROM countersign_inbox WHERE state IN ('pending', 'leased') AND lane = lanes.lane)
    WHERE first.due_at <= ?1 AND NOT EXISTS (
        SELECT 1 FROM countersign_inbox AS other
        WHERE other.lane = lanes.lane AND other.state = 'leased' AND other.due_at > ?1)
    ORDER BY first.due_at, first.id LIMIT ?2";

const LEASE: &str = "
    UPDATE countersign_inbox SET state = 'leased', due_at = ?2, fence = ?3, attempts = attempts + 1
    WHERE id IN (SELECT value FROM json_each(?1))";

const LEASED: &str = select_rows!(
    "JOIN json_each(?1) AS given ON given.value = inbox.id WHERE inbox.fence = ?2 ORDER BY given.key"
);

const PUT_OFF: &str = put_off!("IN (SELECT value FROM json_each($1))");

const HELD: &str = "
    SELECT json_group_array(json_array(id, fence)) FROM countersign_inbox
    WHERE id IN (SELECT value FROM json_each(?1)) AND fence IS NOT NULL";

const SETTLE: &str = "
    WITH given (id, fence, state, due_at, reason, uncounted) AS MATERIALIZED (
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?1))
    UPDATE countersign_inbox AS inbox
    SET state = given.state, due_at = given.due_at, fence = NULL, attempts = attempts - uncounted,
        reason = coalesce(given.reason, inbox.reason),
        settled_at = CASE WHEN given.state IN ('done', 'dead') THEN ?2 END,
        body = CASE WHEN given.state = 'done' THEN x'' ELSE body END,
        headers = CASE WHEN given.state = 'done' THEN '[]' ELSE headers END
    FROM given WHERE inbox.id = given.id AND inbox.fence = given.fence";

const REQUEUE: &str = "
    UPDATE countersign_inbox
    SET state = 'pending', due_at = ?2, attempts = 0, reason = NULL, settled_at = NULL
    WHERE id = ?1 AND state = 'dead'";

const DEAD: &str = select_rows!("WHERE inbox.state = 'dead' AND inbox.id > ?1 ORDER BY inbox.id LIMIT ?2");

/// Two counts, because two indexes hold them.
const DEPTH: &str = "
    SELECT (SELECT count(*) FROM countersign_inbox WHERE state IN ('pending', 'leased') AND lane IS NULL)
        + (SELECT count(*) FROM countersign_inbox WHERE state IN ('pending', 'leased') AND lane IS NOT NULL)";

const PRUNE: &str = "
    DELETE FROM countersign_inbox WHERE id IN (
        SELECT id FROM countersign_inbox WHERE state = 'done' AND settled_at <= ?1
        ORDER BY settled_at LIMIT ?2)";
