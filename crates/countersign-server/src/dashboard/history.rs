//! Deliveries, as rows of a history.

use std::collections::{BTreeSet, HashMap};

use countersign_store::outbox::{Delivery, OutboxStore};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

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

/// The status that a form calls so; any, where it says nothing.
///
/// # Errors
/// A status that isn't known.
pub(super) fn status(name: &str) -> Result<Option<Status>, Refusal> {
    match STATUSES.iter().find(|(_, known, _)| *known == name) {
        Some((status, ..)) => Ok(Some(*status)),
        None if name.is_empty() => Ok(None),
        None => Err(unknown_status()),
    }
}

/// The answer to a filter by a status that there isn't.
pub(super) fn unknown_status() -> Refusal {
    Refusal::field("status", "is not known: choose one of the page's")
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
    let endpoints: BTreeSet<String> =
        deliveries.iter().map(|delivery| delivery.endpoint_id.clone()).collect();
    let named = endpoints.into_iter().map(|id| named(operator, caller, id));
    // Some at a time: one after the other, each would wait for the store's answer to the one before.
    let names: HashMap<String, String> = stream::iter(named).buffer_unordered(AT_ONCE).try_collect().await?;
    let row = |delivery: Delivery| Row { endpoint: names[&delivery.endpoint_id].clone(), delivery };
    Ok(deliveries.into_iter().map(row).collect())
}

/// An endpoint's id, and what people call it; its id, where it has been deleted since.
async fn named<S: OutboxStore>(
    operator: &Operator<S>,
    caller: &Caller,
    id: String,
) -> Result<(String, String), Refusal> {
    let name = match operator.endpoint(caller, &id).await {
        Ok(endpoint) => endpoint.name,
        Err(refusal) if refusal.kind == RefusalKind::NotFound => id.clone(),
        Err(refusal) => return Err(refusal),
    };
    Ok((id, name))
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
/// How many endpoints are asked for at once.
const AT_ONCE: usize = 8;
