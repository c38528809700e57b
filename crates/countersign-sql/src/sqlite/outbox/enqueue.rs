//! Enqueueing: each table is written by one statement, whatever the number of messages.

use std::collections::HashSet;

use countersign_store::{
    StoreError,
    outbox::{Enqueued, NewMessage, Payload, Subscription},
};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::{
    super::{SqliteStore, error::failed},
    blob::Blob,
};
use crate::outbox::{
    endpoint,
    enqueue::{self, Batch, Fanned},
    message,
};

impl SqliteStore {
    /// Stores messages within the caller's transaction, each with a delivery for every endpoint that wants
    /// it: they commit or roll back with the caller's own rows. The answer has one entry for each message,
    /// in its order. See [the crate's page](crate#sending-in-the-applications-own-transaction).
    ///
    /// Begin the transaction with `BEGIN IMMEDIATE`, and wake the dispatcher once it has committed.
    ///
    /// # Errors
    /// Where the database can't be reached or another writer holds it for too long, a text holds a NUL, or
    /// an id is taken. Roll the transaction back then.
    pub async fn enqueue_in(
        &self,
        connection: &mut SqliteConnection,
        messages: &[NewMessage],
    ) -> Result<Vec<Enqueued>, StoreError> {
        let (batch, now) = (Batch::new(messages)?, self.now());
        let written = write_messages(connection, &batch, now).await?;
        let subscriptions = subscriptions(connection, &batch).await?;
        let fanned = batch.fan_out(&written, &subscriptions);
        write_deliveries(connection, &fanned, now).await?;
        let mut answers = Vec::with_capacity(messages.len());
        for (answer, message) in batch.answers(&written, &fanned).into_iter().zip(messages) {
            answers.push(match answer {
                Some(enqueued) => enqueued,
                None => duplicate(connection, message).await?,
            });
        }
        Ok(answers)
    }
}

/// Writes the messages that were not enqueued before, and returns their ids.
async fn write_messages(
    connection: &mut SqliteConnection,
    batch: &Batch<'_>,
    now: i64,
) -> Result<HashSet<String>, StoreError> {
    let mut payloads = Blob::new();
    let rows: Vec<Value> = batch.messages.iter().map(|(id, new)| row(id, new, &mut payloads)).collect();
    let query = sqlx::query_scalar(INSERT_MESSAGES)
        .bind(endpoint::json(&rows)?)
        .bind(payloads.into_bytes())
        .bind(now);
    let ids: Vec<String> = query.fetch_all(connection).await.map_err(failed)?;
    Ok(ids.into_iter().collect())
}

/// A message as JSON, with the place of its payload.
fn row(id: &str, new: &NewMessage, payloads: &mut Blob) -> Value {
    let payload = payloads.add(message::payload(&new.payload));
    let is_reference = i64::from(matches!(new.payload, Payload::Reference(_)));
    let NewMessage { tenant, kind, content_type, idempotency_key, traceparent, .. } = new;
    json!([id, tenant, kind, content_type, payload, is_reference, idempotency_key, traceparent])
}

async fn subscriptions(
    connection: &mut SqliteConnection,
    batch: &Batch<'_>,
) -> Result<Vec<Subscription>, StoreError> {
    let mut all = Vec::new();
    for tenant in batch.tenants() {
        let query = sqlx::query_as(SUBSCRIPTIONS).bind(tenant);
        let rows: Vec<endpoint::SubscriptionRow> = query.fetch_all(&mut *connection).await.map_err(failed)?;
        for row in rows {
            all.push(endpoint::subscription(row)?);
        }
    }
    Ok(all)
}

async fn write_deliveries(
    connection: &mut SqliteConnection,
    fanned: &[Fanned<'_>],
    now: i64,
) -> Result<(), StoreError> {
    if fanned.is_empty() {
        return Ok(());
    }
    let row = |Fanned { id, message, endpoint }: &Fanned<'_>| {
        json!([id, endpoint, message.tenant, message.kind, message.due_at.unwrap_or(now)])
    };
    let rows: Vec<Value> = fanned.iter().map(row).collect();
    let query = sqlx::query(INSERT_DELIVERIES).bind(endpoint::json(&rows)?).bind(now);
    query.execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn duplicate(connection: &mut SqliteConnection, message: &NewMessage) -> Result<Enqueued, StoreError> {
    let query = sqlx::query_as(enqueue::DUPLICATE).bind(&message.idempotency_key).bind(&message.tenant);
    query.fetch_one(connection).await.map(enqueue::duplicate).map_err(failed)
}

const INSERT_MESSAGES: &str = "
    INSERT INTO countersign_messages
        (id, tenant, kind, content_type, payload, is_reference, idempotency_key, traceparent, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, substr(?2, value ->> '$[4][0]', value ->> '$[4][1]'),
        value ->> 5, value ->> 6, value ->> 7, ?3
    FROM json_each(?1) WHERE true ORDER BY key
    ON CONFLICT (idempotency_key, coalesce(tenant, ''), (tenant IS NULL)) WHERE idempotency_key IS NOT NULL
    DO NOTHING
    RETURNING id";

const SUBSCRIPTIONS: &str =
    "SELECT id, tenant, events, channels FROM countersign_endpoints WHERE tenant IS ?1 ORDER BY id";

const INSERT_DELIVERIES: &str = "
    INSERT INTO countersign_deliveries
        (message_id, endpoint_id, tenant, kind, state, due_at, attempts, step, asked_for, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'pending', value ->> 4, 0, 0, 0, ?2
    FROM json_each(?1) ORDER BY key";
