//! Deliveries, as rows of a history.

use std::collections::HashMap;

use countersign_store::outbox::{Delivery, OutboxStore};

use crate::{
    Caller,
    operator::{Operator, deliveries::Status},
    refusal::{Refusal, RefusalKind},
};

/// A delivery, and where it goes.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    /// What people call its endpoint.
    pub(super) endpoint: String,
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
        rows.push(Row { delivery, endpoint });
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
