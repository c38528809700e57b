//! Settling: each table is written by one statement for many deliveries.

use std::sync::LazyLock;

use countersign_store::{
    Settlement, StoreError,
    outbox::{Endpoint, Health, SettleDelivery},
};
use serde_json::json;
use sqlx::SqliteConnection;

use super::{
    super::{SqliteStore, error::failed},
    as_one,
    given::{ROWS, given},
    list,
};
use crate::{
    clock,
    outbox::{
        attempt::Written,
        settle::{Change, Settled, changes},
    },
};

impl SqliteStore {
    pub(super) async fn settle_deliveries(
        &self,
        settled: &[SettleDelivery],
    ) -> Result<Vec<Settlement>, StoreError> {
        let mut transaction = self.begin().await?;
        let now = self.now();
        let leases = change(&mut transaction, &changes(settled), now).await?;
        record(&mut transaction, &leases.attempts(settled)?).await?;
        fare(&mut transaction, settled, &leases, now).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(leases.answers(settled))
    }
}

/// Changes the deliveries that are still leased so.
async fn change(
    connection: &mut SqliteConnection,
    changes: &[Change],
    now: i64,
) -> Result<Settled, StoreError> {
    let ids: Vec<i64> = changes.iter().map(|change| change.id).collect();
    let leased = sqlx::query_scalar(LEASED).bind(list(&ids)?);
    let leased = Settled::new(as_one(leased, connection).await?);
    for chunk in changes.chunks(ROWS) {
        let query = chunk.iter().fold(sqlx::query(CHANGE.as_str()), |query, change| {
            query
                .bind(change.id)
                .bind(change.fence)
                .bind(change.state)
                .bind(change.delay.map(|delay| now + delay))
                .bind(change.uncounted)
                .bind(change.at)
                .bind(change.latency)
                .bind(change.status)
                .bind(&change.error)
        });
        query.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(leased)
}

/// Writes the attempts down.
async fn record(connection: &mut SqliteConnection, attempts: &[Written<'_>]) -> Result<(), StoreError> {
    for chunk in attempts.chunks(ROWS) {
        let query = chunk.iter().fold(sqlx::query(RECORD.as_str()), |query, written| {
            let attempt = written.attempt;
            query
                .bind(written.delivery)
                .bind(attempt.number)
                .bind(written.endpoint)
                .bind(attempt.at)
                .bind(written.asked_for)
                .bind(written.latency)
                .bind(&written.request_headers)
                .bind(attempt.payload_digest.as_ref().map(|digest| &digest[..]))
                .bind(attempt.payload.as_deref())
                .bind(attempt.status)
                .bind(&written.response_headers)
                .bind(&attempt.response_body[..])
                .bind(&written.error)
        });
        query.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// Writes down how the endpoints fare.
async fn fare(
    connection: &mut SqliteConnection,
    settled: &[SettleDelivery],
    leases: &Settled,
    now: i64,
) -> Result<(), StoreError> {
    let changes: Vec<_> = leases.effects(settled).into_iter().collect();
    for chunk in changes.chunks(ROWS) {
        let query = chunk.iter().fold(sqlx::query(FARE.as_str()), |query, ((endpoint, url), change)| {
            query
                .bind(*endpoint)
                .bind(*url)
                .bind(change.well)
                .bind(change.failures)
                .bind(change.open_for)
                .bind(change.gone)
                .bind(now)
        });
        query.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

const LEASED: &str = "
    SELECT json_group_array(json_array(id, fence, endpoint_id)) FROM countersign_deliveries
    WHERE id IN (SELECT value FROM json_each(?1)) AND fence IS NOT NULL";

static CHANGE: LazyLock<String> = LazyLock::new(|| {
    given(
        "id, fence, state, due_at, uncounted, at, latency, status, error",
        "UPDATE countersign_deliveries AS delivery
        SET state = given.state, due_at = given.due_at, fence = NULL,
            attempts = attempts - uncounted, step = step - uncounted,
            asked_for = CASE uncounted WHEN 1 THEN asked_for ELSE 0 END,
            last_at = CASE uncounted WHEN 1 THEN last_at ELSE at END,
            last_latency = CASE uncounted WHEN 1 THEN last_latency ELSE latency END,
            last_status = CASE uncounted WHEN 1 THEN last_status ELSE status END,
            last_error = CASE uncounted WHEN 1 THEN last_error ELSE error END
        FROM given WHERE delivery.id = given.id AND delivery.fence = given.fence",
    )
});

static RECORD: LazyLock<String> = LazyLock::new(|| {
    given(
        "delivery_id, number, endpoint_id, at, asked_for, latency, request_headers, payload_digest, payload, \
         status, response_headers, response_body, error",
        "INSERT INTO countersign_attempts
            (delivery_id, number, endpoint_id, at, asked_for, latency, request_headers, payload_digest, payload,
            status, response_headers, response_body, error)
        SELECT * FROM given WHERE delivery_id IS NOT NULL",
    )
});

/// Failures count up to the one that opens the circuit: where it is half open already, the first.
static FARE: LazyLock<String> = LazyLock::new(|| {
    let half_open = Endpoint::HALF_OPEN_AFTER;
    let openings = Health::OPENINGS.map(clock::span);
    let (last, openings) = (openings.len() - 1, json!(openings));
    given(
        "id, url, well, failed, open_for, gone, now",
        &format!(
            ", faring AS (
                SELECT given.*,
                    failed > 0 AND (well OR open_until IS NULL OR open_until <= now) AS counts,
                    CASE WHEN well THEN 0 ELSE failures END AS before,
                    CASE WHEN well THEN NULL ELSE open_until END AS open
                FROM given JOIN countersign_endpoints USING (id, url)
            ), counted AS (
                SELECT *, CASE WHEN counts THEN min(before + failed, max(before + 1, {half_open})) ELSE before END AS total
                FROM faring
            ), opened AS (
                SELECT *, CASE WHEN counts AND total >= {half_open}
                    THEN now + json_extract('{openings}', '$[' || min(total - {half_open}, {last}) || ']') END AS opens
                FROM counted
            )
            UPDATE countersign_endpoints AS endpoint
            SET state = CASE WHEN gone AND state = 'enabled' THEN 'gone' ELSE state END,
                revision = CASE WHEN gone AND state = 'enabled' THEN revision + 1 ELSE revision END,
                failures = total,
                failing_since = CASE
                    WHEN failed = 0 THEN CASE WHEN well THEN NULL ELSE failing_since END
                    WHEN well THEN now
                    ELSE coalesce(failing_since, now) END,
                warned_at = CASE WHEN well THEN NULL ELSE warned_at END,
                open_until = nullif(max(coalesce(open, 0), coalesce(now + open_for, 0), coalesce(opens, 0)), 0),
                succeeded_at = CASE WHEN well THEN now ELSE succeeded_at END,
                attempted_at = now
            FROM opened WHERE endpoint.id = opened.id AND endpoint.url = opened.url"
        ),
    )
});
