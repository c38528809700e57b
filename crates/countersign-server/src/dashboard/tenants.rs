//! All tenants.

use askama::Template;
use axum::{Extension, extract::State};
use countersign_store::outbox::{OutboxStore, Tenant};

use super::{
    fields::Asked,
    filters,
    frame::{Frame, Visit},
    page::{Answer, page},
};
use crate::operator::{Operator, Wanted};

#[derive(Template)]
#[template(path = "tenants.html")]
struct TenantsPage {
    frame: Frame,
    tenants: Vec<Tenant>,
    /// The cursor of the next page.
    next: Option<String>,
    is_first: bool,
}

/// Lists tenants, each with the way to what it has.
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Asked(query): Asked,
) -> Answer {
    let wanted = Wanted { cursor: query.given("cursor"), limit: None };
    let rows = operator.tenants(&caller, &wanted).await?;
    let is_first = wanted.cursor.is_none();
    page(&TenantsPage { frame, tenants: rows.items, next: rows.next, is_first })
}
