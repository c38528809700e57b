//! All endpoints.

use askama::Template;
use axum::{Extension, extract::State};
use countersign_store::outbox::{Endpoint, EndpointState, OutboxStore};

use super::{
    fields::Asked,
    filters,
    frame::{Frame, Visit},
    page::{Answer, page},
};
use crate::operator::{Operator, Wanted};

#[derive(Template)]
#[template(path = "endpoints.html")]
struct EndpointsPage {
    frame: Frame,
    endpoints: Vec<Endpoint>,
    /// The cursor of the next page.
    next: Option<String>,
    is_first: bool,
}

/// Lists endpoints, each with a button that enables or disables it.
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Asked(query): Asked,
) -> Answer {
    let wanted = Wanted { cursor: query.given("cursor"), limit: None };
    let rows = operator.endpoints(&caller, None, &wanted).await?;
    let is_first = wanted.cursor.is_none();
    page(&EndpointsPage { frame, endpoints: rows.items, next: rows.next, is_first })
}

/// Whether an endpoint is given messages.
fn is_enabled(endpoint: &Endpoint) -> bool {
    endpoint.state == EndpointState::Enabled
}
