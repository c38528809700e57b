//! How it is going.

use askama::Template;
use axum::{Extension, extract::State};
use countersign_store::outbox::{Depth, OutboxStore};

use super::{
    chart::{Chart, HEIGHT, Span},
    fields::Asked,
    filters,
    frame::{Frame, Visit},
    history::{self, Row},
    page::{Answer, page},
    words,
};
use crate::{
    operator::{Operator, Wanted, deliveries::DeliveryQuery, stats::ActivityQuery},
    time::{Time, micros},
};

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    span: Span,
    chart: Chart,
    depth: Depth,
    rows: Vec<Row>,
    has_endpoints: bool,
}

impl OverviewPage {
    /// For how long the oldest delivery has been due, in microseconds.
    fn oldest_due(&self) -> Option<u64> {
        self.depth.oldest_due.map(|due| micros(due).unsigned_abs())
    }
}

/// Shows attempts over time, what waits, and the newest deliveries.
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Asked(query): Asked,
) -> Answer {
    let span = Span::find(query.get("span"));
    let until = (operator.settings().clock)();
    let from = span.begins(until);
    let (from_time, until) = (Some(Time(from)), Some(Time(until)));
    let asked =
        ActivityQuery { from: from_time, until, step_seconds: Some(span.step), ..ActivityQuery::default() };
    let chart = Chart::new(span, from, &operator.activity(&caller, &asked).await?);
    let newest = DeliveryQuery { limit: Some(NEWEST), ..DeliveryQuery::default() };
    let newest = operator.deliveries(&caller, &newest).await?.items;
    let rows = history::rows(&operator, &caller, newest).await?;
    let one = Wanted { cursor: None, limit: Some(1) };
    let has_endpoints = !operator.endpoints(&caller, None, &one).await?.items.is_empty();
    let depth = operator.depth(&caller).await?;
    page(&OverviewPage { frame, span, chart, depth, rows, has_endpoints })
}

const NEWEST: u32 = 10;
