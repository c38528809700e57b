//! What a store refuses to write, the same in every database.

use countersign_store::{
    MAX_KEY, Received, StoreError,
    api_keys::StoredKey,
    outbox::{Endpoint, NewMessage, Payload},
};

/// Refuses a key that is empty, too long, or holds a NUL, which PostgreSQL can't keep.
pub(crate) fn key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(StoreError::invalid(format!("a key has 1 to {MAX_KEY} bytes, this one {}", key.len())));
    }
    text("key", key)
}

/// Refuses an event whose key can't be kept, or whose texts hold a NUL.
pub(crate) fn received(received: &Received) -> Result<(), StoreError> {
    key(&received.key)?;
    text("source", &received.source)?;
    text("data_at", &received.data_at)?;
    let optional = [
        ("tenant", &received.tenant),
        ("event_id", &received.event_id),
        ("event_type", &received.event_type),
        ("order", &received.order),
    ];
    optional.into_iter().try_for_each(|(name, value)| text(name, value.as_deref().unwrap_or_default()))
}

/// Refuses a message that no store keeps, or whose texts hold a NUL.
pub(crate) fn message(message: &NewMessage) -> Result<(), StoreError> {
    message.check()?;
    text("event type", &message.event_type)?;
    text("content type", &message.content_type)?;
    if let Payload::Reference(reference) = &message.payload {
        text("reference", reference)?;
    }
    let optional = [("id", &message.id), ("tenant", &message.tenant), ("traceparent", &message.traceparent)];
    optional.into_iter().try_for_each(|(name, value)| text(name, value.as_deref().unwrap_or_default()))
}

/// Refuses an endpoint that no store keeps, or whose texts hold a NUL. Its lists are JSON, which can.
pub(crate) fn endpoint(endpoint: &Endpoint) -> Result<(), StoreError> {
    endpoint.check()?;
    text("id", &endpoint.id)?;
    text("name", &endpoint.name)?;
    text("url", &endpoint.url)?;
    text("tenant", endpoint.tenant.as_deref().unwrap_or_default())
}

/// Refuses an API key that no store keeps, or whose texts hold a NUL.
pub(crate) fn api_key(key: &StoredKey) -> Result<(), StoreError> {
    key.check()?;
    text("id", &key.id)?;
    text("label", &key.label)?;
    text("tenant", key.scope.tenant().unwrap_or_default())
}

fn text(name: &str, value: &str) -> Result<(), StoreError> {
    match value.contains('\0') {
        true => Err(StoreError::invalid(format!("the {name} holds a NUL"))),
        false => Ok(()),
    }
}
