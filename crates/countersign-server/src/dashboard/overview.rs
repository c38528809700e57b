//! How it is going.

use askama::Template;
use axum::{Extension, extract::State};
use countersign_store::outbox::{Delivery, Depth, OutboxStore};

use super::{
    chart::{Chart, HEIGHT, Span},
    fields::{Asked, Fields},
    filters,
    frame::{Frame, Visit},
    history::{self, Row},
    live::{Live, Viewer, source, stream},
    page::{Answer, Failed, page, render},
    words,
};
use crate::{
    operator::{Operator, Wanted, deliveries::DeliveryQuery, stats::ActivityQuery},
    refusal::Refusal,
    time::Time,
};

#[derive(Template)]
#[template(path = "overview.html", blocks = ["figures", "newest"])]
struct OverviewPage {
    frame: Frame,
    /// Where it is kept up to date.
    source: Option<String>,
    span: Span,
    chart: Chart,
    depth: Depth,
    rows: Vec<Row>,
    has_endpoints: bool,
}

impl OverviewPage {
    /// Those parts that can change while the page is looked at.
    fn parts(&self) -> Result<String, Failed> {
        Ok([render(&self.as_figures())?, render(&self.as_newest())?].join("\n"))
    }
}

/// How it is going, where somebody looks.
struct Looked<S> {
    operator: Operator<S>,
    visit: Visit,
    span: Span,
}

impl<S: OutboxStore> Looked<S> {
    fn new(operator: Operator<S>, visit: Visit, query: &Fields) -> Self {
        Looked { operator, visit, span: Span::find(query.get("span")) }
    }

    async fn page(&self) -> Result<OverviewPage, Failed> {
        let Looked { operator, visit: Visit { frame, caller }, span } = self;
        let one = Wanted { cursor: None, limit: Some(1) };
        Ok(OverviewPage {
            frame: frame.clone(),
            source: None,
            span: *span,
            chart: self.chart().await?,
            depth: operator.depth(caller).await?,
            rows: history::rows(operator, caller, self.glance().await?).await?,
            has_endpoints: !operator.endpoints(caller, None, &one).await?.items.is_empty(),
        })
    }

    async fn chart(&self) -> Result<Chart, Refusal> {
        let Looked { operator, visit, span } = self;
        let until = (operator.settings().clock)();
        let from = span.begins(until);
        let asked = ActivityQuery {
            from: Some(Time(from)),
            until: Some(Time(until)),
            step_seconds: Some(span.step),
            ..ActivityQuery::default()
        };
        Ok(Chart::new(*span, from, &operator.activity(&visit.caller, &asked).await?))
    }
}

impl<S: OutboxStore> Live for Looked<S> {
    /// The newest deliveries.
    async fn glance(&self) -> Result<Vec<Delivery>, Refusal> {
        let newest = DeliveryQuery { limit: Some(NEWEST), ..DeliveryQuery::default() };
        Ok(self.operator.deliveries(&self.visit.caller, &newest).await?.items)
    }

    async fn parts(&self) -> Result<String, Failed> {
        self.page().await?.parts()
    }
}

/// Shows attempts over time, what waits, and the newest deliveries.
pub(super) async fn show<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(visit): Extension<Visit>,
    Asked(query): Asked,
) -> Answer {
    let mut made = Looked::new(operator, visit, &query).page().await?;
    let query = Fields::from_iter([("span", made.span.name.to_owned())]);
    made.source = Some(source(&made.frame.at("/live"), &query, &made.parts()?));
    page(&made)
}

/// Keeps the page up to date.
pub(super) async fn live<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(visit): Extension<Visit>,
    Asked(query): Asked,
    viewer: Viewer<S>,
) -> Answer {
    stream(viewer, Looked::new(operator, visit, &query)).await
}

const NEWEST: u32 = 10;
