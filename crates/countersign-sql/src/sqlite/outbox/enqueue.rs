//! Enqueueing: each table is written by one statement for many messages.

use std::sync::LazyLock;

use countersign_store::{
    StoreError,
    outbox::{Enqueued, NewMessage, Payload, Subscription},
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    super::{
        SqliteStore,
        error::failed,
        group::{Size, Write},
    },
    as_one,
    given::{ROWS, given},
};
use crate::{
    check,
    clock::Clock,
    outbox::{
        endpoint,
        enqueue::{self, Batch, Fanned, WrittenRow},
        message,
    },
};

impl SqliteStore {
    /// Stores messages within the caller's transaction, each with a delivery for every endpoint that wants
    /// it: they commit or roll back with the caller's own rows. The answer has one entry for each message,
    /// in its order. See [the crate's page](crate#sending-in-the-applications-own-transaction).
    ///
    /// Begin the transaction with `BEGIN IMMEDIATE`, and wake the dispatcher once it has committed.
    ///
    /// # Errors
    /// Where the database can't be reached or another writer holds it for too long, a message
    /// [can't be kept](NewMessage::check), a text holds a NUL, or an id is taken. Roll the transaction back then.
    pub async fn enqueue_in(
        &self,
        connection: &mut SqliteConnection,
        messages: &[NewMessage],
    ) -> Result<Vec<Enqueued>, StoreError> {
        enqueue(connection, &Batch::new(messages)?, self.now()).await
    }

    /// Stores messages in one commit, with those of others that come at the same moment.
    pub(super) async fn enqueue_messages(
        &self,
        messages: &[NewMessage],
    ) -> Result<Vec<Enqueued>, StoreError> {
        messages.iter().try_for_each(check::message)?;
        let enqueue = Enqueue { messages: messages.to_vec(), clock: self.clock.clone() };
        self.enqueueing.write(&self.file, enqueue).await
    }
}

/// What a caller wants enqueued, and the clock by which it is.
pub(in crate::sqlite) struct Enqueue {
    messages: Vec<NewMessage>,
    clock: Clock,
}

impl Write for Enqueue {
    type Answer = Vec<Enqueued>;

    fn size(&self) -> Size {
        let bytes = self.messages.iter().map(|message| message::payload(&message.payload).len()).sum();
        Size { rows: self.messages.len(), bytes }
    }

    async fn write(
        all: &[Self],
        connection: &mut SqliteConnection,
    ) -> Result<Vec<Vec<Enqueued>>, StoreError> {
        let Some(first) = all.first() else { return Ok(Vec::new()) };
        let batch = Batch::new(all.iter().flat_map(|one| &one.messages))?;
        let mut answers = enqueue(connection, &batch, (first.clock)()).await?.into_iter();
        Ok(all.iter().map(|one| answers.by_ref().take(one.messages.len()).collect()).collect())
    }
}

async fn enqueue(
    connection: &mut SqliteConnection,
    batch: &Batch<'_>,
    now: i64,
) -> Result<Vec<Enqueued>, StoreError> {
    let written = write_messages(connection, batch, now).await?;
    let subscriptions = subscriptions(connection, batch).await?;
    let fanned = batch.fan_out(&written, &subscriptions);
    write_deliveries(connection, &fanned, now).await?;
    let mut answers = Vec::with_capacity(batch.messages.len());
    for (answer, (_, message)) in batch.answers(&written, &fanned).into_iter().zip(&batch.messages) {
        answers.push(match answer {
            Some(enqueued) => enqueued,
            None => duplicate(connection, message).await?,
        });
    }
    Ok(answers)
}

/// Writes the messages that were not enqueued before, and says which.
async fn write_messages(
    connection: &mut SqliteConnection,
    batch: &Batch<'_>,
    now: i64,
) -> Result<Vec<bool>, StoreError> {
    let has_keys = batch.has_keys();
    let statement = if has_keys { &INSERT_MESSAGES_AND_TELL } else { &INSERT_MESSAGES };
    let mut written = Vec::new();
    for chunk in batch.messages.chunks(ROWS) {
        let query = chunk.iter().fold(sqlx::query(statement.as_str()), |query, (id, new)| {
            query
                .bind(id)
                .bind(&new.tenant)
                .bind(&new.event_type)
                .bind(&new.content_type)
                .bind(message::payload(&new.payload))
                .bind(matches!(new.payload, Payload::Reference(_)))
                .bind(&new.idempotency_key)
                .bind(&new.traceparent)
                .bind(now)
        });
        for row in query.fetch_all(&mut *connection).await.map_err(failed)? {
            written.push(WrittenRow::from_row(&row).map_err(failed)?);
        }
    }
    Ok(if has_keys { batch.written(written) } else { vec![true; batch.messages.len()] })
}

async fn subscriptions(
    connection: &mut SqliteConnection,
    batch: &Batch<'_>,
) -> Result<Vec<Subscription>, StoreError> {
    let mut all = Vec::new();
    for tenant in batch.tenants() {
        let query = sqlx::query_scalar(SUBSCRIPTIONS).bind(tenant);
        let mut rows: Vec<endpoint::SubscriptionRow> = as_one(query, connection).await?;
        rows.sort_unstable();
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
    for chunk in fanned.chunks(ROWS) {
        let query = chunk.iter().fold(sqlx::query(INSERT_DELIVERIES.as_str()), |query, delivery| {
            let Fanned { id, message, endpoint } = delivery;
            query
                .bind(*id)
                .bind(*endpoint)
                .bind(&message.tenant)
                .bind(&message.event_type)
                .bind(message.due_at.unwrap_or(now))
                .bind(now)
        });
        query.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

async fn duplicate(connection: &mut SqliteConnection, message: &NewMessage) -> Result<Enqueued, StoreError> {
    let query = sqlx::query_as(enqueue::DUPLICATE).bind(&message.idempotency_key).bind(&message.tenant);
    query.fetch_one(connection).await.map(enqueue::duplicate).map_err(failed)
}

const SUBSCRIPTIONS: &str = "
    SELECT json_group_array(json_array(id, tenant, events, channels))
    FROM countersign_endpoints WHERE tenant IS ?1";

static INSERT_MESSAGES: LazyLock<String> = LazyLock::new(|| {
    given(
        "id, tenant, kind, content_type, payload, is_reference, idempotency_key, traceparent, created_at",
        "INSERT INTO countersign_messages
            (id, tenant, kind, content_type, payload, is_reference, idempotency_key, traceparent, created_at)
        SELECT * FROM given WHERE id IS NOT NULL
        ON CONFLICT (idempotency_key, coalesce(tenant, ''), (tenant IS NULL)) WHERE idempotency_key IS NOT NULL
        DO NOTHING",
    )
});

/// With keys some may not be written.
static INSERT_MESSAGES_AND_TELL: LazyLock<String> =
    LazyLock::new(|| format!("{} RETURNING id, tenant, idempotency_key", *INSERT_MESSAGES));

static INSERT_DELIVERIES: LazyLock<String> = LazyLock::new(|| {
    given(
        "message_id, endpoint_id, tenant, kind, due_at, created_at",
        "INSERT INTO countersign_deliveries
            (message_id, endpoint_id, tenant, kind, state, due_at, attempts, step, asked_for, created_at)
        SELECT message_id, endpoint_id, tenant, kind, 'pending', due_at, 0, 0, 0, created_at
        FROM given WHERE message_id IS NOT NULL",
    )
});
