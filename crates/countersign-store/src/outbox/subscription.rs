//! Which messages go to an endpoint.

use countersign::EventFilters;

use super::NewMessage;

/// What an endpoint wants, read once and asked about many messages. Every store fans out by this rule.
#[derive(Clone, Debug)]
pub struct Subscription {
    endpoint_id: String,
    tenant: Option<String>,
    events: Option<EventFilters>,
    channels: Vec<String>,
}

impl Subscription {
    /// The subscription of an endpoint of this id and tenant, with these patterns and channels. One whose
    /// patterns can't be read wants nothing.
    #[must_use]
    pub fn new(
        endpoint_id: impl Into<String>,
        tenant: Option<String>,
        events: &[String],
        channels: Vec<String>,
    ) -> Self {
        Subscription {
            endpoint_id: endpoint_id.into(),
            tenant,
            events: EventFilters::parse(events).ok(),
            channels,
        }
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint_id(&self) -> &str {
        &self.endpoint_id
    }

    /// Whether the message goes to it: one of its tenant that is for it alone, or that is of an event type
    /// that a pattern matches, and on one of its channels where it has any.
    #[must_use]
    pub fn wants(&self, message: &NewMessage) -> bool {
        let meant = match &message.endpoint_id {
            Some(only) => *only == self.endpoint_id,
            None => self.is_on_a_channel(message) && self.is_of_a_type(message),
        };
        self.tenant == message.tenant && meant
    }

    fn is_on_a_channel(&self, message: &NewMessage) -> bool {
        self.channels.is_empty() || message.channels.iter().any(|channel| self.channels.contains(channel))
    }

    fn is_of_a_type(&self, message: &NewMessage) -> bool {
        self.events.as_ref().is_some_and(|events| events.matches(&message.event_type))
    }
}
