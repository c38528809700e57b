//! Enqueueing: each table is written by one statement, whatever the number of messages.

use countersign_store::{
    StoreError,
    outbox::{Enqueued, NewMessage, Payload, Subscription},
};
use sqlx::PgConnection;

use super::{
    super::{
        PgStore,
        error::{failed, gave_way},
    },
    listen::CHANNEL,
};
use crate::outbox::{
    endpoint,
    enqueue::{self, Batch, Fanned},
    message,
};

impl PgStore {
    /// Stores messages within the caller's transaction, each with a delivery for every endpoint that wants
    /// it: they commit or roll back with the caller's own rows. The answer has one entry for each message,
    /// in its order. See [the crate's page](crate#sending-in-the-applications-own-transaction).
    ///
    /// Dispatchers hear of it when the transaction commits.
    ///
    /// # Errors
    /// Where the database can't be reached, a message [can't be kept](NewMessage::check), a text holds a NUL, or
    /// an id is taken. Roll the transaction back then. So it is where two transactions enqueue the same idempotency
    /// keys in different orders: the server ends one of them (`40P01`, unavailable), which can be tried again.
    pub async fn enqueue_in(
        &self,
        connection: &mut PgConnection,
        messages: &[NewMessage],
    ) -> Result<Vec<Enqueued>, StoreError> {
        let batch = Batch::new(messages)?;
        let written = write_messages(connection, &batch, self.now()).await?;
        let subscriptions = subscriptions(connection, &batch).await?;
        let fanned = batch.fan_out(&written, &subscriptions);
        write_deliveries(connection, &fanned, self.now()).await?;
        let mut answers = Vec::with_capacity(messages.len());
        for (answer, message) in batch.answers(&written, &fanned).into_iter().zip(messages) {
            answers.push(match answer {
                Some(enqueued) => enqueued,
                None => duplicate(connection, message).await?,
            });
        }
        Ok(answers)
    }

    /// Stores messages in a transaction of their own. Those that commit at one moment share a flush, which
    /// the server sees to. Two batches that hold the same keys in different orders each wait for the other,
    /// until the server rolls one back: that one is tried again, and finds what the other has enqueued.
    pub(super) async fn enqueue_messages(
        &self,
        messages: &[NewMessage],
    ) -> Result<Vec<Enqueued>, StoreError> {
        for _ in 1..TRIES {
            match self.enqueue_and_commit(messages).await {
                Err(error) if gave_way(&error) => {}
                done => return done,
            }
        }
        self.enqueue_and_commit(messages).await
    }

    async fn enqueue_and_commit(&self, messages: &[NewMessage]) -> Result<Vec<Enqueued>, StoreError> {
        let mut transaction = self.begin().await?;
        let enqueued = self.enqueue_in(&mut transaction, messages).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(enqueued)
    }
}

/// How often a batch of its own transaction gives way to another before its caller is told. The server takes a
/// second (`deadlock_timeout`) to find out each time.
const TRIES: u32 = 5;

/// Writes the messages that were not enqueued before, and says which.
async fn write_messages(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
    now: Option<i64>,
) -> Result<Vec<bool>, StoreError> {
    let messages = || batch.messages.iter().map(|(_, message)| *message);
    let is_reference = |message: &NewMessage| i64::from(matches!(message.payload, Payload::Reference(_)));
    let rows = sqlx::query_as(INSERT_MESSAGES)
        .bind(batch.messages.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.tenant.as_deref()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.event_type.as_str()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.content_type.as_str()).collect::<Vec<_>>())
        .bind(messages().map(|message| message::payload(&message.payload)).collect::<Vec<_>>())
        .bind(messages().map(is_reference).collect::<Vec<_>>())
        .bind(messages().map(|message| message.idempotency_key.as_deref()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.traceparent.as_deref()).collect::<Vec<_>>())
        .bind(now)
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    Ok(batch.written(rows))
}

async fn subscriptions(
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
    fanned: &[Fanned<'_>],
    now: Option<i64>,
) -> Result<(), StoreError> {
    if fanned.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT_DELIVERIES)
        .bind(fanned.iter().map(|delivery| delivery.id).collect::<Vec<_>>())
        .bind(fanned.iter().map(|delivery| delivery.endpoint).collect::<Vec<_>>())
        .bind(fanned.iter().map(|delivery| delivery.message.tenant.as_deref()).collect::<Vec<_>>())
        .bind(fanned.iter().map(|delivery| delivery.message.event_type.as_str()).collect::<Vec<_>>())
        .bind(fanned.iter().map(|delivery| delivery.message.due_at).collect::<Vec<_>>())
        .bind(now)
        .bind(CHANNEL)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// What was enqueued before under the key of a message that wasn't written. Where nothing was, it is the id that is
/// taken.
async fn duplicate(connection: &mut PgConnection, message: &NewMessage) -> Result<Enqueued, StoreError> {
    let query = sqlx::query_as(enqueue::DUPLICATE).bind(&message.idempotency_key).bind(&message.tenant);
    let known = query.fetch_optional(connection).await.map_err(failed)?;
    known.map(enqueue::duplicate).ok_or_else(|| StoreError::invalid("the id of a message is taken"))
}

/// A conflict is passed over whichever index finds it: of two who write one id and one key at one moment, the second
/// finds that of the id first.
const INSERT_MESSAGES: &str = "
    INSERT INTO countersign_messages
        (id, tenant, kind, content_type, payload, is_reference, idempotency_key, traceparent, created_at)
    SELECT id, tenant, kind, content_type, payload, is_reference, idempotency_key, traceparent, clock.now
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bigint[], $7::text[], $8::text[])
            WITH ORDINALITY AS given
            (id, tenant, kind, content_type, payload, is_reference, idempotency_key, traceparent, place),
        (SELECT countersign_now($9) AS now) AS clock
    ORDER BY place
    ON CONFLICT DO NOTHING
    RETURNING id, tenant, idempotency_key";

const SUBSCRIPTIONS: &str = "
    SELECT id, tenant, events, channels FROM countersign_endpoints
    WHERE tenant IS NOT DISTINCT FROM $1 ORDER BY id";

/// And tells those that listen, once it commits, by the number of the table: other schemas have others.
const INSERT_DELIVERIES: &str = "
    WITH written AS (
        INSERT INTO countersign_deliveries
            (message_id, endpoint_id, tenant, kind, state, due_at, attempts, step, asked_for, created_at)
        SELECT message_id, endpoint_id, tenant, kind, 'pending', coalesce(due_at, clock.now), 0, 0, 0, clock.now
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY AS given
                (message_id, endpoint_id, tenant, kind, due_at, place),
            (SELECT countersign_now($6) AS now) AS clock
        ORDER BY place
    )
    SELECT pg_notify($7, 'countersign_deliveries'::regclass::oid::text)";
