//! The form that makes or changes an endpoint.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
};
use countersign_store::outbox::{Endpoint, OutboxStore};

use super::{
    fields::{Fields, Posted},
    filters,
    form::{Form, Input, Kind},
    frame::{Frame, Visit},
    page::{Answer, page_with, see},
    secret,
};
use crate::{
    EventType,
    operator::{
        Operator,
        draft::{EndpointChange, EndpointDraft, Header, LimitsChange},
    },
    refusal::{Faults, FieldError, Refusal},
};

#[derive(Template)]
#[template(path = "endpoint_form.html")]
struct FormPage {
    frame: Frame,
    /// The endpoint that is changed; none, where one is made.
    id: Option<String>,
    form: Form,
    event_types: Vec<EventType>,
}

impl FormPage {
    fn inputs(&self, described: &[Described]) -> Vec<Input> {
        let wanted = |place: &Place| {
            matches!((place, &self.id), (Place::Both, _) | (Place::New, None) | (Place::Old, Some(_)))
        };
        let inputs = described.iter().filter(|(place, ..)| wanted(place));
        inputs.map(|(_, kind, name, label, hint)| self.form.input(*kind, name, label, hint)).collect()
    }

    /// Whether something is wrong with one of these.
    fn has_mistakes(&self, described: &[Described]) -> bool {
        self.form.mistakes.iter().any(|mistake| is_among(described, &mistake.field))
    }

    /// What is wrong with the whole, or with what the form doesn't ask for.
    fn other_mistakes(&self) -> impl Iterator<Item = &FieldError> {
        let is_asked = |field: &str| is_among(MAIN, field) || is_among(MORE, field);
        self.form.mistakes.iter().filter(move |mistake| !is_asked(&mistake.field))
    }
}

/// Shows an empty form.
pub(super) async fn blank<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, .. }): Extension<Visit>,
) -> Answer {
    let fields =
        [("events", "*"), ("scheme", "standard-webhooks"), ("limits.in_flight", "10"), ("enabled", "on")];
    let fields = fields.map(|(name, value)| (name, value.to_owned()));
    show(&operator, frame, None, Form::new(Fields::from_iter(fields)))
}

/// Shows a form with what an endpoint is now.
pub(super) async fn filled<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let endpoint = operator.endpoint(&caller, &id).await?;
    show(&operator, frame, Some(id), Form::new(fields_of(&endpoint)))
}

/// Makes an endpoint, and shows its secret once.
pub(super) async fn create<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Posted(fields): Posted,
) -> Answer {
    let created = match draft(&fields) {
        Ok(draft) => operator.create_endpoint(&caller, draft).await,
        Err(refusal) => Err(refusal),
    };
    match created {
        Ok((endpoint, Some(text))) => secret::shown_once(frame, endpoint, &text),
        Ok((endpoint, None)) => Ok(see(frame.endpoint(&endpoint.id))),
        Err(refusal) => show(&operator, frame, None, Form::refused(fields, refusal)?),
    }
}

/// Changes an endpoint.
pub(super) async fn change<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let changed = match changes(&fields) {
        Ok(change) => operator.change_endpoint(&caller, &id, change).await,
        Err(refusal) => Err(refusal),
    };
    match changed {
        Ok(endpoint) => Ok(see(format!("{}?done=changed", frame.endpoint(&endpoint.id)))),
        Err(refusal) => show(&operator, frame, Some(id), Form::refused(fields, refusal)?),
    }
}

fn show<S: OutboxStore>(operator: &Operator<S>, frame: Frame, id: Option<String>, form: Form) -> Answer {
    let event_types = operator.event_types().iter().cloned().collect();
    page_with(form.status(), &FormPage { frame, id, form, event_types })
}

/// The new endpoint that a form describes.
fn draft(fields: &Fields) -> Result<EndpointDraft, Refusal> {
    let change = changes(fields)?;
    Ok(EndpointDraft {
        name: fields.given("name"),
        tenant: fields.given("tenant"),
        scheme: fields.get("scheme").to_owned(),
        secret: fields.given("secret"),
        events: change.events,
        channels: change.channels,
        headers: change.headers,
        limits: change.limits,
        until_delivered: change.until_delivered,
        sends_trace: change.sends_trace,
        enabled: fields.is_set("enabled"),
        ..EndpointDraft::new(fields.get("url").to_owned())
    })
}

/// What a form says about an endpoint.
fn changes(fields: &Fields) -> Result<EndpointChange, Refusal> {
    let mut faults = Faults::default();
    let in_flight = number(fields, "limits.in_flight", &mut faults);
    let per_second = number(fields, "limits.per_second", &mut faults);
    let headers = headers(fields, &mut faults);
    faults.finish()?;
    let in_flight = in_flight.unwrap_or(countersign_store::outbox::Limits::default().in_flight);
    Ok(EndpointChange {
        revision: fields.given("revision").and_then(|revision| revision.parse().ok()),
        url: Some(fields.get("url").to_owned()),
        keep_secrets: Some(fields.is_set("keep_secrets")),
        name: Some(fields.get("name").to_owned()),
        events: Some(events(fields)),
        channels: Some(fields.lines("channels")),
        headers,
        limits: Some(LimitsChange { in_flight: Some(in_flight), per_second: Some(per_second) }),
        until_delivered: Some(fields.is_set("until_delivered")),
        sends_trace: Some(fields.is_set("sends_trace")),
    })
}

fn events(fields: &Fields) -> Vec<String> {
    match fields.lines("events") {
        none if none.is_empty() => vec!["*".to_owned()],
        events => events,
    }
}

fn number(fields: &Fields, name: &str, faults: &mut Faults) -> Option<u32> {
    let number = fields.given(name)?.parse().ok();
    if number.is_none() {
        faults.add(name, "is not a whole number, or is too large");
    }
    number
}

/// The headers that are typed: none where those that are there stay.
fn headers(fields: &Fields, faults: &mut Faults) -> Option<Vec<Header>> {
    if fields.is_set("no_headers") {
        return Some(Vec::new());
    }
    let typed = fields.given("headers")?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some(Header { name: name.trim().to_owned(), value: value.trim().to_owned() })
    };
    let lines = typed.lines().filter(|line| !line.trim().is_empty());
    let headers: Option<Vec<_>> = lines.map(header).collect();
    if headers.is_none() {
        faults.add("headers", "have a line that is not `Name: value`");
    }
    headers
}

fn is_among(described: &[Described], field: &str) -> bool {
    described.iter().any(|(_, _, name, ..)| *name == field)
}

fn fields_of(endpoint: &Endpoint) -> Fields {
    let set = |is: bool| if is { "on".to_owned() } else { String::new() };
    Fields::from_iter([
        ("revision", endpoint.revision.to_string()),
        ("name", endpoint.name.clone()),
        ("url", endpoint.url.clone()),
        ("events", endpoint.events.join("\n")),
        ("channels", endpoint.channels.join("\n")),
        ("limits.in_flight", endpoint.limits.in_flight.to_string()),
        ("limits.per_second", endpoint.limits.per_second.map_or_else(String::new, |times| times.to_string())),
        ("until_delivered", set(endpoint.until_delivered)),
        ("sends_trace", set(endpoint.sends_trace)),
    ])
}

/// Where the form has a field: when an endpoint is made, when it is changed, or both.
enum Place {
    New,
    Old,
    Both,
}

/// A field: its place, kind, name, label and hint.
type Described = (Place, Kind, &'static str, &'static str, &'static str);

/// What everybody is asked.
const MAIN: &[Described] = &[
    (Place::Both, Kind::Line, "name", "Name", "What people call it."),
    (Place::Both, Kind::Url, "url", "URL", "Where messages are delivered: https, and a public host."),
    (
        Place::Old,
        Kind::Box,
        "keep_secrets",
        "Sign with the same secrets for another host",
        "Needed where the URL leads to another host. To have new ones for it, change the secret first.",
    ),
    (
        Place::Both,
        Kind::Lines,
        "events",
        "Event types",
        "One in a line: a name, a prefix such as invoice.*, or * for all.",
    ),
    (Place::New, Kind::Scheme, "scheme", "Scheme", "How messages are signed. It can't be changed later."),
    (
        Place::New,
        Kind::Hidden,
        "secret",
        "Secret",
        "Leave it empty to have one made. Type it again if this form comes back.",
    ),
    (Place::New, Kind::Box, "enabled", "Enabled", "Messages are delivered from now on."),
];

/// What few need.
const MORE: &[Described] = &[
    (Place::Both, Kind::Lines, "channels", "Channels", "One in a line; any message, where there are none."),
    (Place::New, Kind::Line, "tenant", "Tenant", "Whose messages it is given; of none, where it is empty."),
    (
        Place::Both,
        Kind::HiddenLines,
        "headers",
        "Headers",
        "Name: value, one in a line, sent with each request. They replace those that are there, and are never shown.",
    ),
    (Place::Old, Kind::Box, "no_headers", "Remove all headers", ""),
    (Place::Both, Kind::Number, "limits.in_flight", "Requests at once", "From 1 to 100."),
    (
        Place::Both,
        Kind::Number,
        "limits.per_second",
        "Requests a second",
        "From 1 to 10,000; no limit, where it is empty.",
    ),
    (
        Place::Both,
        Kind::Box,
        "until_delivered",
        "Try each delivery until it is answered 2xx",
        "However long that takes.",
    ),
    (Place::Both, Kind::Box, "sends_trace", "Send the traceparent along", ""),
];
