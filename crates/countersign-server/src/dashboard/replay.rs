//! Replays of an endpoint's deliveries: counted, then made.

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
    history,
    page::{Answer, page, see},
};
use crate::{
    operator::{
        Operator,
        replay::{ReplayDraft, ReplayFilter, Replayed},
        which::MOST,
    },
    refusal::Refusal,
};

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayPage {
    frame: Frame,
    endpoint: Endpoint,
    fields: Fields,
    /// How many deliveries match.
    count: u64,
}

impl ReplayPage {
    /// How many deliveries were made again by the steps before.
    fn made(&self) -> Option<u64> {
        self.fields.count("made")
    }
}

/// Counts the deliveries that would be made again, and asks.
pub(super) async fn form<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Asked(fields): Asked,
) -> Answer {
    let endpoint = operator.endpoint(&caller, &id).await?;
    let count = operator.count_replay(&caller, &filter(id, &fields)?).await?;
    page(&ReplayPage { frame, endpoint, fields, count })
}

/// Makes one step of deliveries again, and goes back to where the next one can be begun.
pub(super) async fn start<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let after = fields.given("after").map(|after| after.parse());
    let wrong = |_| Refusal::field("after", "is not where a step has ended");
    let after = after.transpose().map_err(wrong)?;
    let path = frame.endpoint(&id);
    let draft = ReplayDraft { filter: filter(id, &fields)?, after, limit: MOST };
    let step = operator.replay(&caller, &draft).await?;
    let more = step.last.filter(|_| step.count >= MOST.into());
    let after = more.map_or_else(String::new, |last| last.to_string());
    let fields = fields.with("after", after).adding("made", step.count);
    Ok(see(format!("{path}/replay?{}", fields.query())))
}

fn filter(endpoint: String, fields: &Fields) -> Result<ReplayFilter, Refusal> {
    let status = match fields.get("status") {
        "delivered" => Replayed::Delivered,
        "cancelled" => Replayed::Cancelled,
        "pending" => Replayed::Pending,
        "dead" | "" => Replayed::Dead,
        _ => return Err(history::unknown_status()),
    };
    Ok(ReplayFilter {
        endpoint: Some(endpoint),
        kind: fields.given("type"),
        status,
        from: fields.time("from")?,
        until: fields.time("until")?,
        ..ReplayFilter::default()
    })
}
