//! Rows of which nobody names each.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use super::moment::moment;

/// Which rows, of deliveries as of messages, as the server reads it.
#[derive(Args, Serialize)]
pub(crate) struct Sent {
    /// Of this event type
    #[arg(long = "type", value_name = "TYPE")]
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Enqueued at this time or later, such as 2026-11-20T14:30:00Z, 2026-11-20, or 2h: two hours ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<String>,
    /// Enqueued before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<String>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<String>,
}

/// Which deliveries, as the server reads it.
#[derive(Args, Serialize)]
pub(super) struct Which {
    /// To this endpoint, by its id
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Of this message, by its id
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    #[command(flatten)]
    #[serde(flatten)]
    sent: Sent,
}

impl Sent {
    /// As a query.
    pub(super) fn query(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("type", self.kind.as_deref()),
            ("from", self.from.as_deref()),
            ("until", self.until.as_deref()),
            ("tenant", self.tenant.as_deref()),
        ]
    }
}

impl Which {
    /// As a query.
    pub(super) fn query(&self) -> Vec<(&'static str, Option<&str>)> {
        let named = [("endpoint", self.endpoint.as_deref()), ("message", self.message.as_deref())];
        named.into_iter().chain(self.sent.query()).collect()
    }
}

/// A bar on standard error, where that is a terminal.
pub(super) fn progress(count: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::new(count.unwrap_or_default());
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} {eta}");
    style.into_iter().for_each(|style| bar.set_style(style));
    bar
}

/// Whether the answer counts none.
pub(super) fn is_none(answer: &Value) -> bool {
    answer.as_object().is_some_and(|counts| counts.values().all(|count| *count == 0))
}

/// One of these is needed.
pub(super) const NEEDED: [&str; 3] = ["endpoint", "message", "from"];
/// How many deliveries a step takes: the most that the server does.
pub(super) const STEP: u32 = 1_000;
