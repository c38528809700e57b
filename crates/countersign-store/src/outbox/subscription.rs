//! Which messages go to an endpoint.

use countersign::EventFilters;

use super::NewMessage;

/// What an endpoint wants, read once and asked about many messages. Every store fans out by this rule.
#[derive(Clone, Debug)]
pub struct Subscription {
    tenant: Option<String>,
    events: Option<EventFilters>,
    channels: Vec<String>,
}

impl Subscription {
    /// The subscription of an endpoint of this tenant, with these patterns and channels. One whose patterns
    /// can't be read wants nothing.
    #[must_use]
    pub fn new(tenant: Option<String>, events: &[String], channels: Vec<String>) -> Self {
        Subscription { tenant, events: EventFilters::parse(events).ok(), channels }
    }

    /// Whether it wants the message: one of its tenant, of an event type that a pattern matches, and on one
    /// of its channels where it has any.
    #[must_use]
    pub fn wants(&self, message: &NewMessage) -> bool {
        let on_a_channel = || message.channels.iter().any(|channel| self.channels.contains(channel));
        self.tenant == message.tenant
            && (self.channels.is_empty() || on_a_channel())
            && self.events.as_ref().is_some_and(|events| events.matches(&message.kind))
    }
}
