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
use sqlx::SqliteConnection;
use tokio::time::{Instant, sleep};

use super::{
    SqliteStore,
    error::failed,
    list::{as_one, list},
};
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
mod due;
mod enqueue;
mod given;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]
mod plans;
mod settle;

pub(super) use self::enqueue::Enqueue;

// Whoever writes is alone.
outbox_store!(SqliteStore, lock: "");
forgetting!(SqliteStore on SqliteConnection, lock: "");

impl SqliteStore {
    /// SQLite tells nobody of what another process has written.
    async fn notified(&self) {
        std::future::pending().await
    }

    /// Commits a row as it is: a disk that is full shows when something is written.
    async fn try_writing(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let write = sqlx::query("UPDATE _countersign_migrations SET version = version WHERE version = 1");
        write.execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}

/// Nobody settles while another writes.
#[allow(clippy::unused_async, reason = "PostgreSQL has to be asked")]
async fn lock_deliveries(_: &mut SqliteConnection, _: &[String]) -> Result<(), StoreError> {
    Ok(())
}

const STILL_SETTLED: &str = still_settled!("IN (SELECT value FROM json_each($1))");
const FORGET_MESSAGES: [&str; 3] = forget_messages!("IN (SELECT value FROM json_each($1))");
const FORGET_DELIVERIES: [&str; 2] = forget_deliveries!("IN (SELECT value FROM json_each($1))");
