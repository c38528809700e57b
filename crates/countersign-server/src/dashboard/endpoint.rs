//! One endpoint: how it is faring, its history, and what can be done with it.

use std::time::Duration;

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
};
use countersign_store::outbox::{Delivery, Endpoint, EndpointState, OutboxStore};

use super::{
    fields::{Asked, Fields, Posted},
    filters,
    frame::{Frame, Visit},
    history::{self, Row, STATUSES},
    live::{Live, Viewer, source, stream},
    page::{Answer, Failed, page, render, see},
    words,
};
use crate::{
    operator::{Operator, deliveries::DeliveryQuery, test_event::TestDraft},
    refusal::Refusal,
    time::micros,
};

#[derive(Template)]
#[template(path = "endpoint.html", blocks = ["health", "settings", "history"])]
struct EndpointPage {
    frame: Frame,
    /// Where it is kept up to date; of the newest deliveries alone.
    source: Option<String>,
    endpoint: Endpoint,
    rows: Vec<Row>,
    /// Which deliveries are shown.
    status: String,
    /// The cursor of the next page.
    next: Option<String>,
    /// The names of the event types, for a test.
    event_types: Vec<String>,
    is_first: bool,
    warn_after: Duration,
    disable_after: Duration,
    now: i64,
}

impl EndpointPage {
    /// Those parts that can change while the page is looked at.
    fn parts(&self) -> Result<String, Failed> {
        let parts = [render(&self.as_health())?, render(&self.as_settings())?, render(&self.as_history())?];
        Ok(parts.join("\n"))
    }

    fn path(&self) -> String {
        self.frame.endpoint(&self.endpoint.id)
    }

    fn is_enabled(&self) -> bool {
        self.endpoint.state == EndpointState::Enabled
    }

    fn disabled(&self) -> Option<&'static str> {
        words::disabled(self.endpoint.state)
    }

    /// When it is warned of and disabled, if it goes on failing.
    fn clock(&self) -> Option<FailureClock> {
        let since = self.endpoint.health.failing_since.filter(|_| self.is_enabled())?;
        let after = |span| since.saturating_add(micros(span));
        Some(FailureClock { since, warned: after(self.warn_after), disabled: after(self.disable_after) })
    }

    /// Until when nothing is sent.
    fn paused(&self) -> Option<i64> {
        words::left_alone(&self.endpoint, self.now)
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

/// An endpoint that somebody looks at.
struct Looked<S> {
    operator: Operator<S>,
    visit: Visit,
    id: String,
    query: Fields,
}

impl<S: OutboxStore> Looked<S> {
    async fn page(&self) -> Result<EndpointPage, Failed> {
        let Looked { operator, visit: Visit { frame, caller }, id, query } = self;
        let endpoint = operator.endpoint(caller, id).await?;
        let found = operator.deliveries(caller, &self.wanted()?).await?;
        let settings = operator.settings();
        let names = operator.event_types().iter().map(|known| known.name.clone());
        Ok(EndpointPage {
            frame: frame.clone(),
            source: None,
            endpoint,
            rows: history::rows(operator, caller, found.items).await?,
            status: query.get("status").to_owned(),
            next: found.next,
            event_types: names.filter(|name| !name.ends_with('*')).collect(),
            is_first: query.given("cursor").is_none(),
            warn_after: settings.warn_after,
            disable_after: settings.disable_after,
            now: (settings.clock)(),
        })
    }

    /// The deliveries of its history.
    fn wanted(&self) -> Result<DeliveryQuery, Refusal> {
        Ok(DeliveryQuery {
            endpoint: Some(self.id.clone()),
            status: history::status(self.query.get("status"))?,
            cursor: self.query.given("cursor"),
            limit: Some(history::PAGE),
            ..DeliveryQuery::default()
        })
    }
}

impl<S: OutboxStore> Live for Looked<S> {
    async fn glance(&self) -> Result<Vec<Delivery>, Refusal> {
        Ok(self.operator.deliveries(&self.visit.caller, &self.wanted()?).await?.items)
    }

    async fn parts(&self) -> Result<String, Failed> {
        self.page().await?.parts()
    }
}

/// Shows an endpoint with its history.
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Asked(query): Asked,
) -> Answer {
    let mut made = Looked { operator, visit, id, query }.page().await?;
    if made.is_first {
        let query = Fields::from_iter([("status", made.status.clone())]);
        made.source = Some(source(&format!("{}/live", made.path()), &query, &made.parts()?));
    }
    page(&made)
}

/// Keeps the page of an endpoint up to date.
pub(super) async fn live<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Asked(query): Asked,
    viewer: Viewer<S>,
) -> Answer {
    stream(viewer, Looked { operator, visit, id, query }).await
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
