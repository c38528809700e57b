//! Deliveries, as rows of a history.

use std::collections::HashMap;

use countersign_store::outbox::{Delivery, OutboxStore};

use crate::{
    Caller,
    operator::{Operator, Wanted, deliveries::Status},
    refusal::{Refusal, RefusalKind},
};

/// A delivery with its last attempt.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    /// What people call its endpoint.
    pub(super) endpoint: String,
    /// When the last attempt began.
    pub(super) attempted_at: Option<i64>,
    /// How long it took, in microseconds.
    pub(super) latency: Option<u64>,
}

/// The status that a form calls so; any, where there is none.
pub(super) fn status(name: &str) -> Option<Status> {
    STATUSES.iter().find(|(_, known, _)| *known == name).map(|(status, ..)| *status)
}

/// The rows of these deliveries.
///
/// # Errors
/// Where the store can't be reached.
pub(super) async fn rows<S: OutboxStore>(
    operator: &Operator<S>,
    caller: &Caller,
    deliveries: Vec<Delivery>,
) -> Result<Vec<Row>, Refusal> {
    let mut names = HashMap::new();
    let mut rows = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let id = &delivery.endpoint_id;
        if !names.contains_key(id) {
            names.insert(id.clone(), name(operator, caller, id).await?);
        }
        let endpoint = names[id].clone();
        rows.push(row(operator, caller, endpoint, delivery).await?);
    }
    Ok(rows)
}

/// What people call an endpoint; its id, where it has been deleted since.
async fn name<S: OutboxStore>(operator: &Operator<S>, caller: &Caller, id: &str) -> Result<String, Refusal> {
    match operator.endpoint(caller, id).await {
        Ok(endpoint) => Ok(endpoint.name),
        Err(refusal) if refusal.kind == RefusalKind::NotFound => Ok(id.to_owned()),
        Err(refusal) => Err(refusal),
    }
}

async fn row<S: OutboxStore>(
    operator: &Operator<S>,
    caller: &Caller,
    endpoint: String,
    delivery: Delivery,
) -> Result<Row, Refusal> {
    let mut row = Row { delivery, endpoint, attempted_at: None, latency: None };
    // A store gives the attempts of a delivery all at once, with their bodies.
    if (1..=FEW).contains(&row.delivery.attempts) {
        let wanted = Wanted { cursor: Some((row.delivery.attempts - 1).to_string()), limit: Some(1) };
        let last = operator.attempts(caller, &row.delivery.id.to_string(), &wanted).await?.items.pop();
        row.attempted_at = last.as_ref().map(|attempt| attempt.at);
        row.latency = last.map(|attempt| attempt.latency);
    }
    Ok(row)
}

/// Each status, as a form calls it and in words.
pub(super) const STATUSES: [(Status, &str, &str); 5] = [
    (Status::Pending, "pending", "waiting"),
    (Status::Leased, "leased", "under way"),
    (Status::Delivered, "delivered", "delivered"),
    (Status::Dead, "dead", "given up"),
    (Status::Cancelled, "cancelled", "cancelled"),
];
/// The rows of a page of a history.
pub(super) const PAGE: u32 = 25;
/// Of deliveries with more attempts, the last one isn't read for a list.
const FEW: u32 = 20;
