//! Cancelling what waits for an endpoint: counted, then done.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
};
use countersign_store::outbox::{Endpoint, OutboxStore};

use super::{
    fields::{Asked, Fields, Posted},
    filters,
    frame::{Frame, Visit},
    page::{Answer, page, see},
};
use crate::{
    operator::{
        Operator,
        cancel::{CancellationDraft, CancellationFilter},
        which::MOST,
    },
    refusal::Refusal,
};

#[derive(Template)]
#[template(path = "cancel.html")]
struct CancelPage {
    frame: Frame,
    endpoint: Endpoint,
    fields: Fields,
    /// How many deliveries match.
    count: u64,
}

impl CancelPage {
    /// How many deliveries were cancelled by the steps before.
    fn cancelled(&self) -> Option<u64> {
        self.fields.count("cancelled")
    }
}

/// Counts the deliveries that would be cancelled, and asks.
pub(super) async fn form<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Asked(fields): Asked,
) -> Answer {
    let endpoint = operator.endpoint(&caller, &id).await?;
    let count = operator.count_cancellation(&caller, &filter(id, &fields)?).await?;
    page(&CancelPage { frame, endpoint, fields, count })
}

/// Cancels one step of deliveries, and goes back to where the next one can be begun.
pub(super) async fn start<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let path = frame.endpoint(&id);
    let draft = CancellationDraft { filter: filter(id, &fields)?, limit: MOST };
    let cancelled = operator.cancel_many(&caller, &draft).await?;
    let more = if cancelled >= MOST.into() { "yes" } else { "" };
    let fields = fields.with("more", more).adding("cancelled", cancelled);
    Ok(see(format!("{path}/cancel?{}", fields.query())))
}

fn filter(endpoint: String, fields: &Fields) -> Result<CancellationFilter, Refusal> {
    Ok(CancellationFilter {
        endpoint: Some(endpoint),
        kind: fields.given("type"),
        from: fields.time("from")?,
        until: fields.time("until")?,
        ..CancellationFilter::default()
    })
}
