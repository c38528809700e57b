//! The outbox.

use std::time::Duration;

use countersign_store::{
    Fence, Settlement, StoreError, StoreErrorKind,
    outbox::{
        Activity, ActivityFilter, Attempt, Claimed, Delivery, DeliveryFilter, Depth, Endpoint, EndpointState,
        Enqueued, HealthChange, Message, MessageFilter, NewMessage, OutboxStore, Page, Redelivered,
        Retention, SettleDelivery, Tenant,
    },
};

use sqlx::PgConnection;

use super::{PgStore, error::failed};
use crate::{
    check,
    claims::PRUNE_AT_MOST,
    clock,
    outbox::{
        attempt, delivery, endpoint,
        filter::{self, Conditions},
        health, lost, message,
        operations::{self, forget, outbox_store},
        tenant,
    },
};

mod claim;
mod enqueue;
mod listen;
mod settle;

pub(super) use self::listen::Ear;

outbox_store!(PgStore on PgConnection, lock: " FOR UPDATE SKIP LOCKED");

impl PgStore {
    /// The time in microseconds since 1970.
    async fn time(&self) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar("SELECT countersign_now($1)").bind(self.now());
        query.fetch_one(&self.pool).await.map_err(failed)
    }

    async fn notified(&self) {
        self.ear.hear(&self.pool).await;
    }
}

/// A list as one parameter.
fn list(ids: &[String]) -> Result<&[String], StoreError> {
    Ok(ids)
}

const FORGET: [&str; 3] = forget!("SELECT unnest($1::text[])");
