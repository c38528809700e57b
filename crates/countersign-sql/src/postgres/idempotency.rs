//! Claims.

use std::{sync::atomic::Ordering, time::Duration};

use countersign_store::{Answer, Claim, ClaimToken, Fence, IdempotencyStore, Settlement, StoreError};
use sqlx::PgConnection;

use super::{PgStore, error::failed};
use crate::{
    check,
    claims::{self, Held, Occurrence},
    clock,
};

impl PgStore {
    /// Records the event as done within the caller's transaction, which commits or rolls back with
    /// the caller's own rows; see [the crate's page](crate#in-the-handlers-own-transaction). Its
    /// answer is recorded as 200, and kept for `ttl`.
    ///
    /// Another transaction that claims the same key waits until this one ends. Outside of a
    /// transaction the event is recorded at once.
    ///
    /// # Errors
    /// Where the database can't be reached, the key is empty or too long, or the layer has claimed
    /// it. Where transactions are `REPEATABLE READ` or `SERIALIZABLE`, also where another transaction
    /// has just claimed the key: try the whole transaction again.
    pub async fn claim_in(
        &self,
        connection: &mut PgConnection,
        key: &str,
        ttl: Duration,
    ) -> Result<Occurrence, StoreError> {
        let status = Some(claims::ANSWERED.status);
        let take = Take::new(key, Fence::from_i64(0), status, self.now(), ttl)?;
        claims::occurrence(take.run(connection).await?)
    }

    /// Removes claims that have expired, up to 1,000. Says how many. Claiming does it now and then.
    ///
    /// # Errors
    /// Where the database can't be reached.
    pub async fn prune_claims(&self) -> Result<u64, StoreError> {
        let removed = sqlx::query(PRUNE)
            .bind(self.now())
            .bind(claims::GRACE)
            .bind(claims::PRUNE_AT_MOST)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(removed.rows_affected())
    }
}

impl IdempotencyStore for PgStore {
    async fn claim(&self, key: &str, lease: Duration) -> Result<Claim, StoreError> {
        let fence = Fence::random()?;
        let take = Take::new(key, fence, None, self.now(), lease)?;
        if self.claims.fetch_add(1, Ordering::Relaxed).is_multiple_of(claims::PRUNE_EVERY) {
            // What can't be forgotten now is so later: no reason to refuse an event.
            if let Err(error) = self.prune_claims().await {
                tracing::warn!(target: "countersign", %error, "old claims could not be forgotten");
            }
        }
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        Ok(claims::claim(key, fence, take.run(&mut connection).await?))
    }

    async fn complete(
        &self,
        token: &ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Result<Settlement, StoreError> {
        let settled = sqlx::query(COMPLETE)
            .bind(token.key())
            .bind(token.fence().as_i64())
            .bind(i32::from(answer.status))
            .bind(self.now())
            .bind(clock::span(ttl))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(claims::settlement(settled.rows_affected()))
    }

    async fn release(&self, token: &ClaimToken) -> Result<Settlement, StoreError> {
        let settled = sqlx::query(RELEASE)
            .bind(token.key())
            .bind(token.fence().as_i64())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(claims::settlement(settled.rows_affected()))
    }
}

/// The taking of a key: claimed without a status, done with one.
struct Take<'a> {
    key: &'a str,
    fence: Fence,
    status: Option<u16>,
    now: Option<i64>,
    span: Duration,
}

impl<'a> Take<'a> {
    fn new(
        key: &'a str,
        fence: Fence,
        status: Option<u16>,
        now: Option<i64>,
        span: Duration,
    ) -> Result<Self, StoreError> {
        check::key(key)?;
        Ok(Take { key, fence, status, now, span })
    }

    /// Takes the key, or says who has it. One statement decides; whoever lost reads afterwards, and
    /// tries again where the key was given back in between.
    async fn run(&self, connection: &mut PgConnection) -> Result<Option<Held>, StoreError> {
        for _ in 0..claims::LOOKS {
            if self.insert(connection).await? {
                return Ok(None);
            }
            if let Some(held) = self.read(connection).await? {
                return Ok(Some(held));
            }
        }
        Err(claims::restless())
    }

    async fn insert(&self, connection: &mut PgConnection) -> Result<bool, StoreError> {
        let taken = sqlx::query(TAKE)
            .bind(self.key)
            .bind(self.fence.as_i64())
            .bind(self.status.map(i32::from))
            .bind(self.now)
            .bind(clock::span(self.span))
            .bind(claims::AHEAD)
            .execute(connection)
            .await
            .map_err(failed)?;
        Ok(taken.rows_affected() > 0)
    }

    async fn read(&self, connection: &mut PgConnection) -> Result<Option<Held>, StoreError> {
        let row = sqlx::query_as(HELD)
            .bind(self.key)
            .bind(self.now)
            .fetch_optional(connection)
            .await
            .map_err(failed)?;
        row.map(Held::read).transpose()
    }
}

/// The look beforehand decides nothing. It spares a claim that has come too late the lock on the row,
/// which would be written and flushed like any change.
const TAKE: &str = "
    INSERT INTO countersign_claims AS claim (key, fence, status, claimed_at, expires_at)
    SELECT $1, $2, $3, countersign_now($4), countersign_now($4) + $5
    WHERE NOT EXISTS (
        SELECT FROM countersign_claims
        WHERE key = $1 AND expires_at > countersign_now($4)
          AND (status IS NOT NULL OR claimed_at <= countersign_now($4) + $6))
    ON CONFLICT (key) DO UPDATE
    SET fence = excluded.fence, status = excluded.status,
        claimed_at = excluded.claimed_at, expires_at = excluded.expires_at
    WHERE claim.expires_at <= countersign_now($4)
       OR (claim.status IS NULL AND claim.claimed_at > countersign_now($4) + $6)";

const HELD: &str = "SELECT status, expires_at - countersign_now($2) FROM countersign_claims WHERE key = $1";

const COMPLETE: &str = "
    UPDATE countersign_claims SET status = $3, expires_at = countersign_now($4) + $5
    WHERE key = $1 AND fence = $2 AND status IS NULL";

const RELEASE: &str = "DELETE FROM countersign_claims WHERE key = $1 AND fence = $2 AND status IS NULL";

/// The time is asked for once, in a subquery, so that the index on it is used.
const PRUNE: &str = "
    DELETE FROM countersign_claims WHERE key IN (
        SELECT key FROM countersign_claims
        WHERE expires_at <= (SELECT countersign_now($1))
          AND (status IS NOT NULL OR expires_at <= (SELECT countersign_now($1)) - $2)
        ORDER BY expires_at LIMIT $3
        FOR UPDATE SKIP LOCKED)";
