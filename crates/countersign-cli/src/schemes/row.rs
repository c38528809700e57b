//! What a list says of a scheme.

use countersign::{
    Scheme,
    scheme::{Place, Source, TimestampRule},
};
use serde::Serialize;

/// What a list says of a scheme.
#[derive(Serialize)]
pub(crate) struct Row<'s> {
    name: &'s str,
    provider: &'s str,
    algorithms: Vec<&'static str>,
    /// The headers that hold the signature; a numbered one ends with `*`.
    headers: Vec<String>,
    timestamp: Option<Time>,
    event_id: Vec<String>,
    event_id_signed: bool,
    body_covered: bool,
    source: &'s str,
}

/// Where the time stands and how many seconds it may be off.
#[derive(Serialize)]
struct Time {
    at: String,
    past: Option<u32>,
    future: Option<u32>,
}

impl<'s> Row<'s> {
    pub(crate) const HEADINGS: [&'static str; 7] =
        ["NAME", "PROVIDER", "ALGORITHM", "SIGNATURE IN", "TIME, LIMITS", "EVENT ID", "BODY"];

    pub(crate) fn of(scheme: &'s Scheme) -> Self {
        let mut algorithms: Vec<_> = scheme.algorithms().map(|algorithm| algorithm.as_str()).collect();
        algorithms.dedup();
        let id = &scheme.event.id;
        Row {
            name: &scheme.name,
            provider: &scheme.title,
            algorithms,
            headers: if scheme.is_unsigned() { Vec::new() } else { headers(&scheme.signature.source) },
            timestamp: scheme.timestamp.as_ref().map(Time::of),
            event_id: id.iter().map(Place::render).collect(),
            event_id_signed: !id.is_empty() && id.iter().all(|place| scheme.signs(place)),
            body_covered: scheme.covers_body(),
            source: &scheme.source,
        }
    }

    pub(crate) fn cells(&self) -> [String; 7] {
        [
            self.name.to_owned(),
            self.provider.to_owned(),
            self.algorithms.join(", "),
            or_dash(self.headers.join(", ")),
            or_dash(self.timestamp.as_ref().map(Time::text).unwrap_or_default()),
            or_dash(self.event_id.join(" ")),
            if self.body_covered { "signed" } else { "not signed" }.to_owned(),
        ]
    }
}

impl Time {
    fn of(rule: &TimestampRule) -> Self {
        Time { at: rule.at.render(), past: rule.past, future: rule.future }
    }

    fn text(&self) -> String {
        let limits = match (self.past, self.future) {
            (Some(past), Some(future)) if past == future => format!("±{past} s"),
            (Some(past), Some(future)) => format!("-{past} s +{future} s"),
            (Some(past), None) => format!("-{past} s"),
            (None, Some(future)) => format!("+{future} s"),
            (None, None) => "no limit".to_owned(),
        };
        format!("{}, {limits}", self.at)
    }
}

fn headers(source: &Source) -> Vec<String> {
    match source {
        Source::Header(name) | Source::Repeated(name) => vec![name.clone().into_owned()],
        Source::Numbered(prefix) => vec![format!("{prefix}*")],
        Source::PerKey(names) => names.iter().map(|name| name.clone().into_owned()).collect(),
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}
