//! All endpoints.

use askama::Template;
use axum::{Extension, extract::State};
use countersign_store::outbox::{Endpoint, EndpointState, OutboxStore};

use super::{
    fields::{Asked, Fields},
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
    /// Whose endpoints are shown; all, where it is `None`.
    tenant: Option<String>,
    /// The cursor of the next page.
    next: Option<String>,
    is_first: bool,
}

impl EndpointsPage {
    /// The first page, or the one behind a cursor.
    fn page(&self, cursor: Option<&str>) -> String {
        let fields = [("tenant", self.tenant.as_deref()), ("cursor", cursor)];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned())));
        format!("{}?{}", self.frame.at("/endpoints"), Fields::from_iter(given).query())
    }
}

/// Lists endpoints, each with a button that enables or disables it.
pub(super) async fn list<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Asked(fields): Asked,
) -> Answer {
    let (tenant, wanted) = (fields.given("tenant"), Wanted { cursor: fields.given("cursor"), limit: None });
    let rows = operator.endpoints(&caller, tenant.as_deref(), &wanted).await?;
    let is_first = wanted.cursor.is_none();
    page(&EndpointsPage { frame, endpoints: rows.items, tenant, next: rows.next, is_first })
}

/// Whether an endpoint is given messages.
fn is_enabled(endpoint: &Endpoint) -> bool {
    endpoint.state == EndpointState::Enabled
}
