//! What a request shows.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use serde_json::Value;

use super::Captured;
use crate::{
    Timestamp,
    scheme::{EventRule, Place, TimeFormat},
};

/// What a request shows.
pub(super) struct Seen {
    /// The headers whose values are text.
    pub(super) headers: Vec<(String, String)>,
    /// Where its event's id and type seem to stand.
    pub(super) event: EventRule,
}

impl Seen {
    pub(super) fn of(captured: &Captured<'_>) -> Self {
        let mut headers = Vec::new();
        captured.request.headers.each(&mut |name, value| {
            if let Ok(value) = core::str::from_utf8(value) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        });
        Seen { headers, event: event(captured.body) }
    }

    /// The headers that seem to hold an id, none that every request has.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let names = self.headers.iter().map(|(name, _)| &**name);
        names.filter(|name| name.to_ascii_lowercase().ends_with("id"))
    }

    /// The headers that seem to hold a time, and how it is written.
    pub(super) fn times(&self) -> impl Iterator<Item = (&str, TimeFormat)> {
        self.headers.iter().filter_map(|(name, value)| Some((&**name, time_format(value)?)))
    }
}

/// How a text is written that is a time, of some year from 2001 on.
pub(super) fn time_format(text: &str) -> Option<TimeFormat> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    match text.len() {
        10 if is_number => Some(TimeFormat::UnixSeconds),
        13 if is_number => Some(TimeFormat::UnixMillis),
        _ => Timestamp::parse(TimeFormat::Rfc3339, text).map(|_| TimeFormat::Rfc3339),
    }
}

fn event(body: &[u8]) -> EventRule {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let place = |names: &'static [&'static str]| {
        let found = names.iter().find(|pointer| body.pointer(pointer).is_some_and(Value::is_string));
        found.map(|pointer| Place::Json((*pointer).into())).into_iter().collect::<Vec<_>>().into()
    };
    EventRule { id: place(IDS), event_type: place(KINDS), ..EventRule::NONE }
}

const IDS: &[&str] = &["/id", "/event_id", "/eventId", "/uuid"];
const KINDS: &[&str] = &["/type", "/event", "/event_type", "/eventType"];
