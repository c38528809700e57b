//! What an operator is told.

use std::{fmt, time::Duration};

use countersign_store::outbox::{DisabledBecause, Endpoint, Message};
use url::Url;

/// Something that an operator wants to know of.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperationalEvent {
    /// An endpoint has been failing for long, and will be disabled.
    EndpointWarned {
        /// The endpoint.
        endpoint: Endpoint,
        /// For how long it has been failing.
        failing_for: Duration,
        /// After how long it will be disabled, if it goes on failing.
        disabled_in: Duration,
    },
    /// An endpoint was disabled. Its deliveries are kept until it is enabled.
    EndpointDisabled {
        /// The endpoint.
        endpoint: Endpoint,
        /// Why.
        because: DisabledBecause,
    },
    /// A delivery was given up.
    DeliveryExhausted {
        /// The delivery.
        delivery: i64,
        /// The message.
        message: Message,
        /// The endpoint.
        endpoint: Endpoint,
        /// How many attempts there were.
        attempts: u32,
    },
}

impl OperationalEvent {
    /// The event types of operational events: `endpoint.warned`, `endpoint.disabled` and
    /// `delivery.exhausted`.
    pub const TYPES: [&str; 3] = [WARNED, DISABLED, EXHAUSTED];

    /// Its event type, one of [`TYPES`](OperationalEvent::TYPES).
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        match self {
            OperationalEvent::EndpointWarned { .. } => WARNED,
            OperationalEvent::EndpointDisabled { .. } => DISABLED,
            OperationalEvent::DeliveryExhausted { .. } => EXHAUSTED,
        }
    }

    /// The endpoint that it is about.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        match self {
            OperationalEvent::EndpointWarned { endpoint, .. }
            | OperationalEvent::EndpointDisabled { endpoint, .. }
            | OperationalEvent::DeliveryExhausted { endpoint, .. } => endpoint,
        }
    }

    pub(crate) fn log(&self) {
        let id = &*self.endpoint().id;
        match self {
            OperationalEvent::EndpointWarned { failing_for, .. } => tracing::warn!(
                target: "countersign", endpoint = id, ?failing_for, "endpoint is failing, and will be disabled"
            ),
            OperationalEvent::EndpointDisabled { because, .. } => {
                let because = name_of(*because);
                tracing::error!(target: "countersign", endpoint = id, because, "endpoint disabled");
            }
            OperationalEvent::DeliveryExhausted { delivery, message, attempts, .. } => tracing::error!(
                target: "countersign", delivery, message_id = message.id, endpoint = id, attempts, "delivery given up"
            ),
        }
    }
}

/// Shows ids alone: an endpoint's URL and headers are often credentials.
impl fmt::Debug for OperationalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(self.event_type());
        shown.field("endpoint", &self.endpoint().id);
        match self {
            OperationalEvent::EndpointWarned { failing_for, .. } => shown.field("failing_for", failing_for),
            OperationalEvent::EndpointDisabled { because, .. } => shown.field("because", because),
            OperationalEvent::DeliveryExhausted { delivery, message, attempts, .. } => {
                shown.field("delivery", delivery).field("message", &message.id).field("attempts", attempts)
            }
        };
        shown.finish_non_exhaustive()
    }
}

/// The scheme, host and port of an endpoint's URL: what may be shown of it.
pub(crate) fn origin(endpoint: &Endpoint) -> String {
    let url = Url::parse(&endpoint.url).ok().filter(Url::has_host);
    url.map_or_else(|| "…".to_owned(), |url| url.origin().ascii_serialization())
}

/// What a reason is called wherever programs read it.
pub(crate) fn name_of(because: DisabledBecause) -> &'static str {
    match because {
        DisabledBecause::Operator => "operator",
        DisabledBecause::Gone => "gone",
        DisabledBecause::Failing => "failing",
        _ => "other",
    }
}

const WARNED: &str = "endpoint.warned";
const DISABLED: &str = "endpoint.disabled";
const EXHAUSTED: &str = "delivery.exhausted";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_shown_of_a_url_than_scheme_host_and_port() {
        let shown = |url: &str| origin(&Endpoint::new("ep", url, "github"));
        assert_eq!(shown("https://user:canary@example.com/canary?canary#canary"), "https://example.com");
        assert_eq!(shown("http://127.0.0.1:8080/canary"), "http://127.0.0.1:8080");
        assert_eq!(["", "canary", "canary:canary", "mailto:canary@x"].map(shown), ["…"; 4]);
    }

    #[test]
    fn an_event_shows_neither_url_nor_headers() {
        let mut endpoint = Endpoint::new("ep", "https://example.com/canary", "github");
        endpoint.headers = vec![("authorization".to_owned(), "canary".to_owned())];
        let because = DisabledBecause::Gone;
        let shown = format!("{:?}", OperationalEvent::EndpointDisabled { endpoint, because });
        assert_eq!(shown, "endpoint.disabled { endpoint: \"ep\", because: Gone, .. }");
    }
}
