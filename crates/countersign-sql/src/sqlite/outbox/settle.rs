//! Settling: each table is written by one statement, whatever the number of deliveries.

use countersign_store::{Settlement, StoreError, outbox::SettleDelivery};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::{
    super::{SqliteStore, error::failed},
    blob::Blob,
};
use crate::outbox::{
    attempt::Written,
    endpoint, health,
    settle::{Change, Settled, changes},
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
    let rows = endpoint::json(&changes.iter().map(row).collect::<Vec<_>>())?;
    let query = sqlx::query_as(STILL_LEASED).bind(&rows);
    let settled = Settled::new(query.fetch_all(&mut *connection).await.map_err(failed)?);
    sqlx::query(CHANGE).bind(&rows).bind(now).execute(connection).await.map_err(failed)?;
    Ok(settled)
}

fn row(change: &Change) -> Value {
    let Change { id, fence, state, delay, uncounted, status, error } = change;
    json!([id, fence, state, delay, uncounted, status, error])
}

/// Writes the attempts down.
async fn record(connection: &mut SqliteConnection, attempts: &[Written<'_>]) -> Result<(), StoreError> {
    let mut bytes = Blob::new();
    let rows: Vec<Value> = attempts.iter().map(|written| attempt_row(written, &mut bytes)).collect();
    let query = sqlx::query(RECORD).bind(endpoint::json(&rows)?).bind(bytes.into_bytes());
    query.execute(connection).await.map_err(failed)?;
    Ok(())
}

/// An attempt as JSON, with the places of its bytes.
fn attempt_row(written: &Written<'_>, bytes: &mut Blob) -> Value {
    let attempt = written.attempt;
    let digest = attempt.payload_digest.map(|digest| bytes.add(&digest));
    let payload = attempt.payload.as_ref().map(|payload| bytes.add(payload));
    let body = bytes.add(&attempt.response_body);
    json!([
        written.delivery,
        attempt.number,
        written.endpoint,
        attempt.at,
        written.asked_for,
        written.latency,
        written.request_headers,
        digest,
        payload,
        attempt.status,
        written.response_headers,
        body,
        written.error
    ])
}

/// Writes down how the endpoints fare.
async fn fare(
    connection: &mut SqliteConnection,
    settled: &[SettleDelivery],
    leases: &Settled,
    now: i64,
) -> Result<(), StoreError> {
    let changes = leases.effects(settled);
    let row = |(endpoint, change): (&&str, &health::Change)| {
        json!([endpoint, change.well, change.failures, change.open_until, change.gone])
    };
    let rows: Vec<Value> = changes.iter().map(row).collect();
    let query = sqlx::query(FARE).bind(endpoint::json(&rows)?).bind(now);
    query.execute(connection).await.map_err(failed)?;
    Ok(())
}

const STILL_LEASED: &str = "
    SELECT delivery.id, delivery.fence, delivery.endpoint_id
    FROM json_each(?1) AS change CROSS JOIN countersign_deliveries AS delivery
    WHERE delivery.id = change.value ->> 0 AND delivery.fence = change.value ->> 1";

const CHANGE: &str = "
    UPDATE countersign_deliveries
    SET state = change.value ->> 2, due_at = ?2 + (change.value ->> 3), fence = NULL,
        attempts = attempts - (change.value ->> 4), step = step - (change.value ->> 4),
        asked_for = CASE change.value ->> 4 WHEN 1 THEN asked_for ELSE 0 END,
        last_status = CASE change.value ->> 4 WHEN 1 THEN last_status ELSE change.value ->> 5 END,
        last_error = CASE change.value ->> 4 WHEN 1 THEN last_error ELSE change.value ->> 6 END
    FROM json_each(?1) AS change
    WHERE countersign_deliveries.id = change.value ->> 0 AND fence = change.value ->> 1";

const RECORD: &str = "
    INSERT INTO countersign_attempts
        (delivery_id, number, endpoint_id, at, asked_for, latency, request_headers, payload_digest, payload,
        status, response_headers, response_body, error)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
        substr(?2, value ->> '$[7][0]', value ->> '$[7][1]'), substr(?2, value ->> '$[8][0]', value ->> '$[8][1]'),
        value ->> 9, value ->> 10, substr(?2, value ->> '$[11][0]', value ->> '$[11][1]'), value ->> 12
    FROM json_each(?1)";

const FARE: &str = "
    UPDATE countersign_endpoints
    SET state = CASE WHEN change.value ->> 4 THEN 'gone' ELSE state END,
        failures = CASE WHEN change.value ->> 1 THEN 0 ELSE failures END + (change.value ->> 2),
        failing_since = CASE
            WHEN change.value ->> 2 = 0 THEN CASE WHEN change.value ->> 1 THEN NULL ELSE failing_since END
            WHEN change.value ->> 1 THEN ?2
            ELSE coalesce(failing_since, ?2) END,
        warned_at = CASE WHEN change.value ->> 1 THEN NULL ELSE warned_at END,
        open_until = CASE
            WHEN change.value ->> 1 OR open_until IS NULL THEN change.value ->> 3
            ELSE max(open_until, coalesce(change.value ->> 3, open_until)) END,
        succeeded_at = CASE WHEN change.value ->> 1 THEN ?2 ELSE succeeded_at END,
        attempted_at = ?2
    FROM json_each(?1) AS change
    WHERE countersign_endpoints.id = change.value ->> 0";
