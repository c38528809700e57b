//! All deliveries.

use askama::Template;
use axum::{Extension, extract::State};
use countersign_store::outbox::OutboxStore;

use super::{
    fields::{Asked, Fields},
    filters,
    frame::{Frame, Visit},
    history::{self, Row, STATUSES},
    page::{Answer, page},
    words,
};
use crate::operator::{Operator, deliveries::DeliveryQuery};

#[derive(Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage {
    frame: Frame,
    rows: Vec<Row>,
    /// Which deliveries are shown.
    fields: Fields,
    status: String,
    /// The cursor of the next page.
    next: Option<String>,
}

/// Lists deliveries by status and type.
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Asked(fields): Asked,
) -> Answer {
    let query = DeliveryQuery {
        status: history::status(fields.get("status"))?,
        kind: fields.given("type"),
        tenant: fields.given("tenant"),
        from: fields.time("from")?,
        until: fields.time("until")?,
        cursor: fields.given("cursor"),
        limit: Some(history::PAGE),
        ..DeliveryQuery::default()
    };
    let found = operator.deliveries(&caller, &query).await?;
    let rows = history::rows(&operator, &caller, found.items).await?;
    let (status, next) = (fields.get("status").to_owned(), found.next);
    page(&DeliveriesPage { frame, rows, fields, status, next })
}
