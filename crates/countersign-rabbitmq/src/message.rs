//! An event as a message.

use std::{borrow::Cow, collections::BTreeMap};

use amqprs::{BasicProperties, FieldTable, FieldValue, channel::BasicPublishArguments};
use countersign_store::{Leased, Received, StoreError};

/// Where events go.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// To this exchange, which has more to choose by.
    Exchange(String),
    /// Into this queue.
    Queue(String),
}

/// What is published for an event.
pub(crate) struct Message {
    pub(crate) route: BasicPublishArguments,
    pub(crate) properties: BasicProperties,
    /// How many bytes the frame of the properties has, or fewer.
    pub(crate) properties_bytes: usize,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn new(event: &Leased, route: &Route) -> Result<Self, StoreError> {
        let received = &event.received;
        let route = arguments(route, received)?;
        let headers = headers(event);
        let texts: usize = headers.iter().map(|(name, value)| name.len() + value.len() + OF_A_HEADER).sum();
        let properties = properties(event, table(headers)?);
        Ok(Message {
            route,
            properties,
            properties_bytes: texts + OF_PROPERTIES,
            body: received.body.to_vec(),
        })
    }
}

/// To the server it is an error if no queue takes the message.
fn arguments(route: &Route, received: &Received) -> Result<BasicPublishArguments, StoreError> {
    let (exchange, key) = match route {
        Route::Exchange(exchange) => (exchange.as_str(), routing_key(received)?),
        Route::Queue(queue) => ("", queue.clone()),
    };
    for name in [exchange, &key] {
        if name.len() > SHORT {
            let reason = format!("the name of an exchange or queue has {} bytes of {SHORT}", name.len());
            return Err(StoreError::unavailable(reason));
        }
    }
    Ok(BasicPublishArguments::new(exchange, &key).mandatory(true).finish())
}

/// A key that is too long is the event's fault only where its type is what makes it so.
fn routing_key(received: &Received) -> Result<String, StoreError> {
    let source = received.source.replace('%', "%25").replace('.', "%2E");
    let event_type = received.event_type.as_deref().filter(|name| !name.is_empty()).unwrap_or(UNKNOWN);
    let key = format!("{source}.{event_type}");
    match (source.len(), key.len()) {
        (_, 0..=SHORT) => Ok(key),
        (0..SHORT, length) => Err(StoreError::invalid(format!(
            "the routing key made of source and type has {length} bytes, of which {SHORT} are allowed"
        ))),
        (length, _) => Err(StoreError::unavailable(format!(
            "the source has {length} bytes: together with the type, {SHORT} are allowed"
        ))),
    }
}

fn properties(event: &Leased, headers: FieldTable) -> BasicProperties {
    let Leased { accepted_at, received, .. } = event;
    let mut properties = BasicProperties::default();
    properties.with_persistence(true).with_headers(headers);
    properties.with_timestamp(u64::try_from(accepted_at / 1_000_000).unwrap_or_default());
    if let Some(key) = short(&received.key) {
        properties.with_message_id(key);
    }
    if let Some(event_type) = received.event_type.as_deref().and_then(short) {
        properties.with_message_type(event_type);
    }
    properties.finish()
}

fn headers(event: &Leased) -> BTreeMap<Cow<'static, str>, String> {
    let received = &event.received;
    let mut headers = BTreeMap::from([
        ("Countersign-Key".into(), received.key.clone()),
        ("Countersign-Source".into(), received.source.clone()),
        ("Countersign-Accepted-At".into(), event.accepted_at.to_string()),
        ("Countersign-Attempt".into(), event.attempt.to_string()),
    ]);
    let optional = [
        ("Countersign-Type", &received.event_type),
        ("Countersign-Id", &received.event_id),
        ("Countersign-Tenant", &received.tenant),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            headers.insert(name.into(), value.clone());
        }
    }
    for (name, value) in &received.headers {
        let values: &mut String = headers.entry(format!("Countersign-Header-{name}").into()).or_default();
        if !values.is_empty() {
            values.push_str(", ");
        }
        values.push_str(value);
    }
    headers
}

/// A name must come once: the table counts its bytes each time.
fn table(headers: BTreeMap<Cow<'static, str>, String>) -> Result<FieldTable, StoreError> {
    let mut table = FieldTable::new();
    for (name, value) in headers {
        let (length, too_long) = (name.len(), |_| StoreError::invalid("a header is too long for RabbitMQ"));
        let name = name.into_owned().try_into();
        let name = name.map_err(|_| {
            StoreError::invalid(format!(
                "the name of a header has {length} bytes, of which {SHORT} are allowed"
            ))
        })?;
        table.insert(name, FieldValue::S(value.try_into().map_err(too_long)?));
    }
    Ok(table)
}

fn short(text: &str) -> Option<&str> {
    (text.len() <= SHORT).then_some(text)
}

/// What AMQP counts by one byte.
const SHORT: usize = 255;
/// What stands for a type that isn't known.
const UNKNOWN: &str = "_";
/// The lengths of name and value, and the value's type.
const OF_A_HEADER: usize = 6;
/// The frame's own bytes, and all properties but the headers, at their longest.
const OF_PROPERTIES: usize = 1024;
