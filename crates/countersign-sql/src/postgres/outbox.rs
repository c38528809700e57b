//! The outbox.

use std::time::Duration;

use countersign_store::{
    AHEAD, Fence, PRUNED_AT_ONCE, Settlement, StoreError, StoreErrorKind, TOO_FAR,
    outbox::{
        Activity, ActivityFilter, Attempt, Claimed, Delivery, DeliveryFilter, Depth, Endpoint, EndpointState,
        Enqueued, HealthChange, Message, MessageFilter, NewMessage, OutboxStore, Page, Redelivered,
        Retention, SettleDelivery, Tenant, TenantFilter,
    },
};

use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use super::{PgStore, error::failed};
use crate::{
    check,
    claims::PRUNE_AT_MOST,
    clock, column,
    outbox::{
        attempt,
        claim::GIVE_BACK_CLAIMED,
        delivery, endpoint,
        filter::{self, Conditions},
        forget::{
            self, Place, Search, forget_deliveries, forget_messages, forgetting, some_deliveries,
            still_settled,
        },
        health, message,
        operations::{self, outbox_store},
        statements, tenant,
    },
};

mod claim;
mod enqueue;
mod listen;
mod settle;

pub(super) use self::listen::Ear;

outbox_store!(PgStore, lock: " FOR UPDATE SKIP LOCKED");
forgetting!(PgStore on PgConnection, lock: " FOR UPDATE SKIP LOCKED");

impl PgStore {
    async fn notified(&self) {
        self.ear.hear(&self.pool).await;
    }

    async fn try_writing(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::raw_sql(TRY_WRITING).execute(&mut *transaction).await.map_err(failed)?;
        transaction.rollback().await.map_err(failed)
    }
}

/// Takes the locks of who writes, and changes nothing, which a database that can be read alone refuses.
const TRY_WRITING: &str = "
    SET LOCAL lock_timeout = '1s';
    LOCK TABLE countersign_endpoints, countersign_messages, countersign_deliveries, countersign_attempts
        IN ROW EXCLUSIVE MODE;
    UPDATE countersign_endpoints SET revision = revision WHERE FALSE";

/// A list as one parameter.
fn list<T>(ids: &[T]) -> Result<&[T], StoreError> {
    Ok(ids)
}

/// Waits for those that settle deliveries of messages at this moment, or send them again. What they have written is there
/// for the next statement, and whoever comes later waits.
async fn lock_deliveries(connection: &mut PgConnection, messages: &[String]) -> Result<(), StoreError> {
    let query = sqlx::query(LOCK_DELIVERIES).bind(messages);
    query.execute(connection).await.map(drop).map_err(failed)
}

const LOCK_DELIVERIES: &str = "
    SELECT count(*) FROM (
        SELECT FROM countersign_deliveries WHERE message_id = ANY($1) ORDER BY id FOR UPDATE) AS locked";

/// Those that another process forgets at this moment are left to it.
const STILL_SETTLED: &str = concat!(still_settled!("= ANY($1)"), " FOR UPDATE SKIP LOCKED");
const FORGET_MESSAGES: [&str; 3] = forget_messages!("= ANY($1)");
const FORGET_DELIVERIES: [&str; 2] = forget_deliveries!("= ANY($1)");
