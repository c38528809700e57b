//! The inbox.

use std::time::Duration;

use countersign_store::{
    Accepted, DeadLetter, Fence, InboxStore, Leased, Received, Settle, Settlement, StoreError, TOO_FAR,
};

use super::{PgStore, error::failed};
use crate::{
    check,
    claims::PRUNE_AT_MOST,
    clock,
    inbox::{
        lane::lane,
        lease::{END_PUTTING_OFF, GIVE_BACK_LEASED, Read, leasing, put_off},
        row::{self, Change, Row, select_rows},
    },
};

impl InboxStore for PgStore {
    async fn accept(&self, received: &Received) -> Result<Accepted, StoreError> {
        check::received(received)?;
        let inserted = sqlx::query(INSERT)
            .bind(&received.key)
            .bind(self.now())
            .bind(lane(received))
            .bind(&received.source)
            .bind(&received.tenant)
            .bind(&received.event_id)
            .bind(&received.event_type)
            .bind(&received.order)
            .bind(&received.data_at)
            .bind(row::headers(received)?)
            .bind(&received.body[..])
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        if inserted.rows_affected() > 0 {
            return Ok(Accepted::New);
        }
        let query = sqlx::query_scalar(row::IS_DEAD).bind(&received.key);
        query.fetch_optional(&self.pool).await.map(row::known).map_err(failed)
    }

    async fn lease(&self, limit: u32, lease: Duration) -> Result<Vec<Leased>, StoreError> {
        self.give_back(&self.lost_leases, GIVE_BACK_LEASED).await?;
        let fence = Fence::random()?;
        self.lost_leases.watch(fence, self.lease_rows(limit, lease, fence)).await
    }

    async fn settle(&self, settled: &[Settle]) -> Result<Vec<Settlement>, StoreError> {
        let changes = row::changes(settled);
        let each = |field: fn(&Change) -> i64| changes.iter().map(field).collect::<Vec<_>>();
        let changed: Vec<(i64, i64)> = sqlx::query_as(SETTLE)
            .bind(each(|change| change.id))
            .bind(each(|change| change.fence))
            .bind(changes.iter().map(|change| change.state).collect::<Vec<_>>())
            .bind(each(|change| change.delay))
            .bind(changes.iter().map(|change| change.reason.as_deref()).collect::<Vec<_>>())
            .bind(each(|change| change.uncounted))
            .bind(self.now())
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        Ok(row::settlements(settled, changed.into_iter().collect()))
    }

    async fn requeue(&self, id: i64) -> Result<bool, StoreError> {
        let query = sqlx::query(REQUEUE).bind(id).bind(self.now());
        let requeued = query.execute(&self.pool).await.map_err(failed)?;
        Ok(requeued.rows_affected() > 0)
    }

    async fn dead(&self, after: i64, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let query = sqlx::query_as(DEAD).bind(after).bind(i64::from(limit));
        let rows: Vec<Row> = query.fetch_all(&self.pool).await.map_err(failed)?;
        rows.into_iter().map(row::dead_letter).collect()
    }

    async fn depth(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(DEPTH).fetch_one(&self.pool).await.map_err(failed)?;
        u64::try_from(count).map_err(StoreError::invalid)
    }

    async fn prune(&self, ttl: Duration) -> Result<u64, StoreError> {
        self.end_putting_off().await?;
        let query = sqlx::query(PRUNE).bind(self.now()).bind(clock::span(ttl)).bind(PRUNE_AT_MOST);
        let removed = query.execute(&self.pool).await.map_err(failed)?;
        Ok(removed.rows_affected())
    }
}

leasing!(PgStore);

impl PgStore {
    /// Leases rows, and returns their ids, the longest due first.
    async fn take(&self, limit: u32, lease: Duration, fence: Fence) -> Result<Vec<i64>, StoreError> {
        sqlx::query_scalar(LEASE)
            .bind(self.now())
            .bind(i64::from(limit))
            .bind(clock::span(lease))
            .bind(fence.as_i64())
            .fetch_all(&self.pool)
            .await
            .map_err(failed)
    }

    /// Reads the rows apart from leasing them: bodies that a slow client doesn't fetch would hold up
    /// everybody's next lease.
    async fn read(&self, ids: &[i64], fence: Fence) -> Result<Vec<Leased>, StoreError> {
        let query = sqlx::query(LEASED).bind(ids).bind(fence.as_i64());
        let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
        let read = Read::of(&rows, fence);
        if !read.unreadable.is_empty() {
            let query = sqlx::query(PUT_OFF).bind(&read.unreadable).bind(fence.as_i64());
            query.execute(&self.pool).await.map_err(failed)?;
        }
        Ok(read.leased)
    }
}

const INSERT: &str = "
    INSERT INTO countersign_inbox (key, state, due_at, attempts, lane, accepted_at,
        source, tenant, event_id, event_type, ordering, data_at, headers, body)
    SELECT $1, 'pending', clock.now, 0, $3, clock.now, $4, $5, $6, $7, $8, $9, $10, $11
    FROM (SELECT countersign_now($2) AS now) AS clock
    ON CONFLICT (key) DO NOTHING";

/// A function of the first migration, which says how rows of one lane are kept apart.
const LEASE: &str = "SELECT countersign_inbox_lease($1, $2, $3, $4)";

const LEASED: &str = select_rows!(
    "JOIN unnest($1) WITH ORDINALITY AS given (id, place) ON given.id = inbox.id
     WHERE inbox.fence = $2 ORDER BY given.place"
);

const PUT_OFF: &str = put_off!("= ANY($1)");

const SETTLE: &str = "
    UPDATE countersign_inbox AS inbox
    SET state = change.state, due_at = clock.now + change.delay, fence = NULL,
        attempts = inbox.attempts - change.uncounted, reason = coalesce(change.reason, inbox.reason),
        settled_at = CASE WHEN change.state IN ('done', 'dead') THEN clock.now END,
        body = CASE WHEN change.state = 'done' THEN ''::bytea ELSE inbox.body END,
        headers = CASE WHEN change.state = 'done' THEN '[]' ELSE inbox.headers END
    FROM unnest($1, $2, $3, $4, $5, $6) AS change (id, fence, state, delay, reason, uncounted),
        (SELECT countersign_now($7) AS now) AS clock
    WHERE inbox.id = change.id AND inbox.fence = change.fence
    RETURNING change.id, change.fence";

const REQUEUE: &str = "
    UPDATE countersign_inbox
    SET state = 'pending', due_at = countersign_now($2), attempts = 0, reason = NULL, settled_at = NULL
    WHERE id = $1 AND state = 'dead'";

const DEAD: &str = select_rows!("WHERE inbox.state = 'dead' AND inbox.id > $1 ORDER BY inbox.id LIMIT $2");

/// Two counts, because two indexes hold them.
const DEPTH: &str = "
    SELECT (SELECT count(*) FROM countersign_inbox WHERE state IN ('pending', 'leased') AND lane IS NULL)
        + (SELECT count(*) FROM countersign_inbox WHERE state IN ('pending', 'leased') AND lane IS NOT NULL)";

/// The time is asked for once, in a subquery, so that the index on it is used.
const PRUNE: &str = "
    DELETE FROM countersign_inbox WHERE id IN (
        SELECT id FROM countersign_inbox
        WHERE state = 'done' AND settled_at <= (SELECT countersign_now($1)) - $2
        ORDER BY settled_at LIMIT $3
        FOR UPDATE SKIP LOCKED)";
