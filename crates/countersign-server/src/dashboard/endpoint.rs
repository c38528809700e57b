//! One endpoint: how it is faring, its history, and what can be done with it.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
};
use countersign_store::outbox::{Endpoint, EndpointState, OutboxStore};

use super::{
    fields::{Asked, Fields, Posted},
    filters,
    frame::{Frame, Visit},
    history::{self, Row, STATUSES},
    page::{Answer, page, see},
    words,
};
use crate::operator::{Operator, deliveries::DeliveryQuery, test_event::TestDraft};

#[derive(Template)]
#[template(path = "endpoint.html")]
struct EndpointPage {
    frame: Frame,
    endpoint: Endpoint,
    rows: Vec<Row>,
    /// Which deliveries are shown.
    status: String,
    /// The cursor of the next page.
    next: Option<String>,
    /// The names of the event types, for a test.
    event_types: Vec<String>,
    is_first: bool,
    now: i64,
}

impl EndpointPage {
    fn is_enabled(&self) -> bool {
        self.endpoint.state == EndpointState::Enabled
    }

    fn disabled(&self) -> Option<&'static str> {
        words::disabled(self.endpoint.state)
    }

    /// When it is warned of and disabled, if it goes on failing, by the dispatcher's default.
    fn clock(&self) -> Option<FailureClock> {
        let since = self.endpoint.health.failing_since.filter(|_| self.is_enabled())?;
        Some(FailureClock { since, warned: since + WARNED_AFTER, disabled: since + DISABLED_AFTER })
    }

    /// Until when nothing is sent.
    fn paused(&self) -> Option<i64> {
        self.endpoint.health.open_until.filter(|until| *until > self.now && self.is_enabled())
    }

    /// The next page of the history.
    fn older(&self, next: &str) -> String {
        Fields::from_iter([("status", self.status.clone()), ("cursor", next.to_owned())]).query()
    }
}

/// Since when an endpoint has been failing, and when something is done about it.
struct FailureClock {
    since: i64,
    warned: i64,
    disabled: i64,
}

#[derive(Template)]
#[template(path = "endpoint_delete.html")]
struct DeletePage {
    frame: Frame,
    endpoint: Endpoint,
}

/// Shows an endpoint with its history.
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Asked(query): Asked,
) -> Answer {
    let endpoint = operator.endpoint(&caller, &id).await?;
    let wanted = DeliveryQuery {
        endpoint: Some(id),
        status: history::status(query.get("status")),
        cursor: query.given("cursor"),
        limit: Some(history::PAGE),
        ..DeliveryQuery::default()
    };
    let is_first = wanted.cursor.is_none();
    let found = operator.deliveries(&caller, &wanted).await?;
    let rows = history::rows(&operator, &caller, found.items).await?;
    let names = operator.event_types().iter().map(|known| known.name.clone());
    let event_types = names.filter(|name| !name.ends_with('*')).collect();
    let (status, next, now) = (query.get("status").to_owned(), found.next, (operator.settings().clock)());
    page(&EndpointPage { frame, endpoint, rows, status, next, event_types, is_first, now })
}

/// Enables an endpoint.
pub(super) async fn enable<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let endpoint = operator.enable_endpoint(&caller, &id).await?;
    Ok(see(back(&frame, &fields, &endpoint, "enabled")))
}

/// Disables an endpoint.
pub(super) async fn disable<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let endpoint = operator.disable_endpoint(&caller, &id).await?;
    Ok(see(back(&frame, &fields, &endpoint, "disabled")))
}

/// Asks whether an endpoint is really to be deleted.
pub(super) async fn confirm_delete<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let endpoint = operator.endpoint(&caller, &id).await?;
    page(&DeletePage { frame, endpoint })
}

/// Deletes an endpoint.
pub(super) async fn delete<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    operator.delete_endpoint(&caller, &id).await?;
    Ok(see(frame.at("/endpoints?done=deleted")))
}

/// Sends a test to an endpoint.
pub(super) async fn test<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let draft = fields.given("type").map_or_else(TestDraft::default, |kind| TestDraft { kind });
    let delivery = operator.send_test(&caller, &id, draft).await?;
    Ok(see(frame.at(&format!("/deliveries/{}?done=tested", delivery.id))))
}

/// The page from which the button was pressed.
fn back(frame: &Frame, fields: &Fields, endpoint: &Endpoint, done: &str) -> String {
    match fields.get("from") {
        "list" => frame.at(&format!("/endpoints?done={done}")),
        _ => format!("{}?done={done}", frame.endpoint(&endpoint.id)),
    }
}

const DAY: i64 = 86_400_000_000;
/// As a dispatcher does it by default.
const WARNED_AFTER: i64 = 5 * DAY;
const DISABLED_AFTER: i64 = 7 * DAY;
