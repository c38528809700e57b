//! Settling: each table is written by one statement, whatever the number of deliveries.

use countersign_store::{
    Settlement, StoreError,
    outbox::{Endpoint, Health, SettleDelivery},
};
use sqlx::PgConnection;

use super::super::{PgStore, error::failed};
use crate::{
    clock,
    outbox::{
        attempt::Written,
        health,
        settle::{Change, Settled, changes},
    },
};

impl PgStore {
    pub(super) async fn settle_deliveries(
        &self,
        settled: &[SettleDelivery],
    ) -> Result<Vec<Settlement>, StoreError> {
        let mut transaction = self.begin().await?;
        let leases = change(&mut transaction, &changes(settled), self.now()).await?;
        record(&mut transaction, &leases.attempts(settled)?).await?;
        fare(&mut transaction, settled, &leases, self.now()).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(leases.answers(settled))
    }
}

/// Changes the deliveries that are still leased so.
async fn change(
    connection: &mut PgConnection,
    changes: &[Change],
    now: Option<i64>,
) -> Result<Settled, StoreError> {
    let each = |field: fn(&Change) -> i64| changes.iter().map(field).collect::<Vec<_>>();
    let settled = sqlx::query_as(CHANGE)
        .bind(each(|change| change.id))
        .bind(each(|change| change.fence))
        .bind(changes.iter().map(|change| change.state).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| change.delay).collect::<Vec<_>>())
        .bind(each(|change| change.uncounted))
        .bind(changes.iter().map(|change| change.at).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| change.latency).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| change.status).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| change.error.as_deref()).collect::<Vec<_>>())
        .bind(now)
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    Ok(Settled::new(settled))
}

/// Writes the attempts down.
async fn record(connection: &mut PgConnection, attempts: &[Written<'_>]) -> Result<(), StoreError> {
    let made = || attempts.iter().map(|written| written.attempt);
    sqlx::query(RECORD)
        .bind(attempts.iter().map(|written| written.delivery).collect::<Vec<_>>())
        .bind(made().map(|attempt| i64::from(attempt.number)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|written| written.endpoint).collect::<Vec<_>>())
        .bind(made().map(|attempt| attempt.at).collect::<Vec<_>>())
        .bind(attempts.iter().map(|written| written.asked_for).collect::<Vec<_>>())
        .bind(attempts.iter().map(|written| written.latency).collect::<Vec<_>>())
        .bind(attempts.iter().map(|written| written.request_headers.as_str()).collect::<Vec<_>>())
        .bind(
            made()
                .map(|attempt| attempt.payload_digest.as_ref().map(|digest| &digest[..]))
                .collect::<Vec<_>>(),
        )
        .bind(made().map(|attempt| attempt.payload.as_deref()).collect::<Vec<_>>())
        .bind(made().map(|attempt| attempt.status.map(i64::from)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|written| written.response_headers.as_str()).collect::<Vec<_>>())
        .bind(made().map(|attempt| &attempt.response_body[..]).collect::<Vec<_>>())
        .bind(attempts.iter().map(|written| written.error.as_deref()).collect::<Vec<_>>())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Writes down how the endpoints fare. They come in order, so that two batches can't wait for each other.
async fn fare(
    connection: &mut PgConnection,
    settled: &[SettleDelivery],
    leases: &Settled,
    now: Option<i64>,
) -> Result<(), StoreError> {
    let changes = leases.effects(settled);
    let each = |field: fn(&health::Change) -> bool| changes.values().map(field).collect::<Vec<_>>();
    sqlx::query(FARE)
        .bind(changes.keys().map(|(endpoint, _)| *endpoint).collect::<Vec<_>>())
        .bind(changes.keys().map(|(_, url)| *url).collect::<Vec<_>>())
        .bind(each(|change| change.well))
        .bind(changes.values().map(|change| change.failures).collect::<Vec<_>>())
        .bind(changes.values().map(|change| change.open_for).collect::<Vec<_>>())
        .bind(each(|change| change.gone))
        .bind(now)
        .bind(i64::from(Endpoint::HALF_OPEN_AFTER))
        .bind(Health::OPENINGS.map(clock::span))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// The deliveries are locked in the order in which those who send them again or forget them lock them: an update alone
/// takes them in any, and of two who wait for each other PostgreSQL breaks one off.
const CHANGE: &str = "
    WITH locked AS (
        SELECT id FROM countersign_deliveries WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE countersign_deliveries AS delivery
    SET state = change.state, due_at = clock.now + change.delay, fence = NULL,
        attempts = delivery.attempts - change.uncounted, step = delivery.step - change.uncounted,
        asked_for = CASE change.uncounted WHEN 1 THEN delivery.asked_for ELSE 0 END,
        last_at = CASE change.uncounted WHEN 1 THEN delivery.last_at ELSE change.at END,
        last_latency = CASE change.uncounted WHEN 1 THEN delivery.last_latency ELSE change.latency END,
        last_status = CASE change.uncounted WHEN 1 THEN delivery.last_status ELSE change.status END,
        last_error = CASE change.uncounted WHEN 1 THEN delivery.last_error ELSE change.error END
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::text[]) AS change (id, fence, state, delay, uncounted, at, latency, status, error),
        (SELECT countersign_now($10) AS now) AS clock
    WHERE delivery.id = change.id AND delivery.fence = change.fence AND delivery.id IN (SELECT id FROM locked)
    RETURNING change.id, change.fence, delivery.endpoint_id";

const RECORD: &str = "
    INSERT INTO countersign_attempts
        (delivery_id, number, endpoint_id, at, asked_for, latency, request_headers, payload_digest, payload,
        status, response_headers, response_body, error)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::text[], $8::bytea[], $9::bytea[], $10::bigint[], $11::text[], $12::bytea[], $13::text[])";

/// The endpoints are locked in order first: an update alone takes them in any. Failures count up to the one that opens the
/// circuit: where it is half open already, the first.
const FARE: &str = "
    WITH locked AS (
        SELECT id, url, failures, open_until FROM countersign_endpoints
        WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
    ), faring AS (
        SELECT change.*, clock.now,
            change.failed > 0 AND (change.well OR coalesce(locked.open_until <= clock.now, TRUE)) AS counts,
            CASE WHEN change.well THEN 0 ELSE locked.failures END AS before,
            CASE WHEN change.well THEN NULL ELSE locked.open_until END AS open
        FROM unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::boolean[])
                AS change (id, url, well, failed, open_for, gone)
            JOIN locked ON locked.id = change.id AND locked.url = change.url,
            (SELECT countersign_now($7) AS now) AS clock
    ), counted AS (
        SELECT *, CASE WHEN counts THEN least(before + failed, greatest(before + 1, $8)) ELSE before END AS total
        FROM faring
    ), opened AS (
        SELECT *, CASE WHEN counts AND total >= $8
            THEN now + ($9::bigint[])[least(total - $8 + 1, cardinality($9))] END AS opens
        FROM counted
    )
    UPDATE countersign_endpoints AS endpoint
    SET state = CASE WHEN opened.gone AND endpoint.state = 'enabled' THEN 'gone' ELSE endpoint.state END,
        revision = CASE WHEN opened.gone AND endpoint.state = 'enabled' THEN endpoint.revision + 1
            ELSE endpoint.revision END,
        failures = opened.total,
        failing_since = CASE
            WHEN opened.failed = 0 THEN CASE WHEN opened.well THEN NULL ELSE endpoint.failing_since END
            WHEN opened.well THEN opened.now
            ELSE coalesce(endpoint.failing_since, opened.now) END,
        warned_at = CASE WHEN opened.well THEN NULL ELSE endpoint.warned_at END,
        open_until = greatest(opened.open, opened.now + opened.open_for, opened.opens),
        succeeded_at = CASE WHEN opened.well THEN opened.now ELSE endpoint.succeeded_at END,
        attempted_at = opened.now
    FROM opened WHERE endpoint.id = opened.id";
