//! Endpoints, as they are read and written.

use countersign_store::{
    StoreError,
    outbox::{DisabledBecause, Endpoint, EndpointKey, EndpointState, Subscription},
};
use serde::{Deserialize, Serialize};
use sqlx::{ColumnIndex, Decode, Error, FromRow, Type};

use crate::column::{json, parse};

/// The statement that reads a [`Row`], its columns in order, and goes on with `$rest`.
macro_rules! select_endpoints {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            $crate::outbox::endpoint::endpoint_columns!(),
            ", revision FROM countersign_endpoints ",
            $rest
        )
    };
}
pub(crate) use select_endpoints;

/// The columns of a [`Row`] but for its revision, in order.
macro_rules! endpoint_columns {
    () => {
        "id, tenant, name, url, state, events, channels, in_flight, settings, failing_since, failures, \
         warned_at, succeeded_at, attempted_at, open_until, created_at"
    };
}
pub(crate) use endpoint_columns;

/// An endpoint as it is read.
#[derive(Deserialize)]
pub(crate) struct Row {
    columns: Columns,
    revision: i64,
}

impl Row {
    pub(crate) fn id(&self) -> &str {
        &self.columns.0
    }
}

/// As many as a tuple can be read of.
type Columns = (
    String,
    Option<String>,
    String,
    String,
    String,
    String,
    String,
    i64,
    String,
    Option<i64>,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    i64,
);

impl<'r, R: sqlx::Row> FromRow<'r, R> for Row
where
    Columns: FromRow<'r, R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    usize: ColumnIndex<R>,
{
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Ok(Row { columns: Columns::from_row(row)?, revision: row.try_get(16)? })
    }
}

/// What of an endpoint no statement asks for.
#[derive(Serialize, Deserialize)]
struct Settings {
    scheme: String,
    keys: Vec<Key>,
    headers: Vec<(String, String)>,
    per_second: Option<u32>,
    until_delivered: bool,
    sends_trace: bool,
}

#[derive(Serialize, Deserialize)]
struct Key {
    label: String,
    secret: String,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
}

/// The endpoint of a row.
pub(crate) fn endpoint(Row { columns, revision }: Row) -> Result<Endpoint, StoreError> {
    let (id, tenant, name, url, state, events, channels, in_flight, settings, ..) = &columns;
    let settings: Settings = parse(settings)?;
    let mut endpoint = Endpoint::new(id.as_str(), url.as_str(), settings.scheme);
    (endpoint.tenant, endpoint.name) = (tenant.clone(), name.clone());
    (endpoint.events, endpoint.channels) = (parse(events)?, parse(channels)?);
    endpoint.keys = settings.keys.into_iter().map(Key::read).collect();
    endpoint.headers = settings.headers;
    endpoint.limits.in_flight = u32::try_from(*in_flight).map_err(StoreError::invalid)?;
    endpoint.limits.per_second = settings.per_second;
    endpoint.until_delivered = settings.until_delivered;
    endpoint.sends_trace = settings.sends_trace;
    endpoint.state = read_state(state)?;
    let (.., failing_since, failures, warned_at, succeeded_at, attempted_at, open_until, created_at) =
        columns;
    let health = &mut endpoint.health;
    health.failing_since = failing_since;
    health.failures = u32::try_from(failures).map_err(StoreError::invalid)?;
    health.warned_at = warned_at;
    (health.succeeded_at, health.attempted_at) = (succeeded_at, attempted_at);
    health.open_until = open_until;
    (endpoint.created_at, endpoint.revision) = (created_at, revision);
    Ok(endpoint)
}

/// What decides which messages go to an endpoint, as it is read: id, tenant, events, channels.
pub(crate) type SubscriptionRow = (String, Option<String>, String, String);

/// What an endpoint wants.
pub(crate) fn subscription(row: SubscriptionRow) -> Result<Subscription, StoreError> {
    let (id, tenant, events, channels) = row;
    let events: Vec<String> = parse(&events)?;
    Ok(Subscription::new(id, tenant, &events, parse(&channels)?))
}

/// The settings of an endpoint, as they are written.
pub(crate) fn settings(endpoint: &Endpoint) -> Result<String, StoreError> {
    json(&Settings {
        scheme: endpoint.scheme.clone(),
        keys: endpoint.keys.iter().map(Key::of).collect(),
        headers: endpoint.headers.clone(),
        per_second: endpoint.limits.per_second,
        until_delivered: endpoint.until_delivered,
        sends_trace: endpoint.sends_trace,
    })
}

/// How [`settings`] with a secret that begins so hold it.
pub(crate) fn secret_beginning(with: &str) -> Result<String, StoreError> {
    let text = json(&with)?;
    Ok(format!("\"secret\":{}", text.strip_suffix('"').unwrap_or(&text)))
}

impl Key {
    fn of(key: &EndpointKey) -> Self {
        let EndpointKey { label, secret, valid_from, valid_until } = key.clone();
        Key { label, secret, valid_from, valid_until }
    }

    fn read(self) -> EndpointKey {
        let Key { label, secret, valid_from, valid_until } = self;
        EndpointKey { label, secret, valid_from, valid_until }
    }
}

/// The state, as it is written.
pub(crate) fn state(state: EndpointState) -> Result<&'static str, StoreError> {
    match state {
        EndpointState::Enabled => Ok("enabled"),
        EndpointState::Disabled(DisabledBecause::Operator) => Ok("operator"),
        EndpointState::Disabled(DisabledBecause::Gone) => Ok("gone"),
        EndpointState::Disabled(DisabledBecause::Failing) => Ok("failing"),
        EndpointState::Disabled(_) => Err(StoreError::invalid("the endpoint's state is of a later version")),
    }
}

fn read_state(text: &str) -> Result<EndpointState, StoreError> {
    match text {
        "enabled" => Ok(EndpointState::Enabled),
        "operator" => Ok(EndpointState::Disabled(DisabledBecause::Operator)),
        "gone" => Ok(EndpointState::Disabled(DisabledBecause::Gone)),
        "failing" => Ok(EndpointState::Disabled(DisabledBecause::Failing)),
        _ => Err(StoreError::invalid("an endpoint's state is of a later version")),
    }
}
