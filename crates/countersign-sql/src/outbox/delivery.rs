//! Deliveries, as they are read.

use countersign_store::{
    StoreError,
    outbox::{Delivery, DeliveryState, Trigger},
};

use crate::clock;

/// The columns of a [`Row`], in order.
macro_rules! delivery_columns {
    () => {
        "id, message_id, kind, endpoint_id, tenant, state, attempts, due_at, created_at, last_at, last_latency, \
         last_status, last_error"
    };
}
pub(crate) use delivery_columns;

/// A delivery as it is read.
pub(crate) type Row = (
    i64,
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
    Option<i64>,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

/// The delivery of a row.
pub(crate) fn delivery(row: Row) -> Result<Delivery, StoreError> {
    let (id, message, kind, endpoint, tenant, state, attempts, due_at, created_at, ..) = row;
    let (.., last_at, latency, status, error) = row;
    let mut delivery = Delivery::new(id, message, kind, endpoint);
    delivery.tenant = tenant;
    delivery.state = read_state(&state)?;
    delivery.attempts = u32::try_from(attempts).map_err(StoreError::invalid)?;
    (delivery.due_at, delivery.created_at) = (due_at, created_at);
    delivery.last_at = last_at;
    delivery.last_latency = latency.map(clock::remaining);
    delivery.last_status = status.map(u16::try_from).transpose().map_err(StoreError::invalid)?;
    delivery.last_error = error;
    Ok(delivery)
}

/// The state, as it is written.
pub(crate) fn state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Leased => "leased",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Dead => "dead",
        DeliveryState::Cancelled => "cancelled",
    }
}

fn read_state(text: &str) -> Result<DeliveryState, StoreError> {
    let all = [
        DeliveryState::Pending,
        DeliveryState::Leased,
        DeliveryState::Delivered,
        DeliveryState::Dead,
        DeliveryState::Cancelled,
    ];
    let found = all.into_iter().find(|known| state(*known) == text);
    found.ok_or_else(|| StoreError::invalid("a delivery's state is of a later version"))
}

/// Why an attempt is made, as it is read.
pub(crate) fn trigger(asked_for: i64) -> Trigger {
    match asked_for {
        0 => Trigger::Schedule,
        _ => Trigger::Redelivery,
    }
}
