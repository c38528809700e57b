//! Operational events as messages, for endpoints of the operator's own.

use countersign_store::outbox::{NewMessage, OutboxStore};
use serde_json::{Value, json};

use crate::{
    OperationalEvent, Outbox,
    clock::rfc3339,
    event::{name_of, origin},
};

/// Enqueues events as messages of `tenant`. What can't be enqueued is logged, and not tried again.
pub(crate) async fn announce<S: OutboxStore>(
    outbox: &Outbox<S>,
    tenant: Option<&str>,
    events: &[OperationalEvent],
    now: i64,
) {
    let announced = events.iter().filter(|event| is_announced(event));
    let messages: Vec<_> = announced.map(|event| message(event, tenant, now)).collect();
    if messages.is_empty() {
        return;
    }
    if let Err(error) = outbox.enqueue(&messages).await {
        let events = messages.len();
        tracing::error!(target: "countersign", %error, events, "operational events could not be announced");
    }
}

/// A delivery of an announcement that is given up is not announced: its announcement could be given up as
/// well, without an end.
fn is_announced(event: &OperationalEvent) -> bool {
    match event {
        OperationalEvent::DeliveryExhausted { message, .. } => {
            !OperationalEvent::TYPES.contains(&&*message.event_type)
        }
        _ => true,
    }
}

fn message(event: &OperationalEvent, tenant: Option<&str>, now: i64) -> NewMessage {
    let (kind, time, data) = (event.event_type(), rfc3339(now), data(event));
    let body = format!(r#"{{"type":"{kind}","timestamp":"{time}","data":{data}}}"#);
    let mut message = NewMessage::new(kind, body);
    message.tenant = tenant.map(str::to_owned);
    message
}

/// Ids, times and numbers, and of the URL its scheme and host.
fn data(event: &OperationalEvent) -> Value {
    let endpoint = event.endpoint();
    let mut data = json!({
        "endpoint_id": endpoint.id,
        "tenant": endpoint.tenant,
        "url": origin(endpoint),
        "failing_since": endpoint.health.failing_since.map(rfc3339),
    });
    match event {
        OperationalEvent::EndpointWarned { disabled_in, .. } => {
            data["disabled_in_seconds"] = disabled_in.as_secs().into();
        }
        OperationalEvent::EndpointDisabled { because, .. } => data["because"] = name_of(*because).into(),
        OperationalEvent::DeliveryExhausted { delivery, message, attempts, .. } => {
            data["delivery_id"] = (*delivery).into();
            data["message_id"] = (*message.id).into();
            data["event_type"] = (*message.event_type).into();
            data["attempts"] = (*attempts).into();
        }
    }
    data
}
