//! Endpoints: where messages go, and their health.

use std::{fmt, time::Duration};

use super::Subscription;
use crate::{StoreError, name::check_names};

/// Where messages are delivered. Times are microseconds since 1970 (UTC).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The id, such as `ep_…`.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// The tenant whose messages it receives. `None`: the messages without a tenant.
    pub tenant: Option<String>,
    /// The URL.
    pub url: String,
    /// How messages are signed: the name of a scheme of the catalogue, or a scheme as TOML.
    pub scheme: String,
    /// The keys that sign: all that are valid, if the scheme has room for several signatures.
    pub keys: Vec<EndpointKey>,
    /// The event types that it subscribes to, as patterns of [`countersign::EventFilters`].
    pub events: Vec<String>,
    /// The channels that it subscribes to: it receives what is on any of them. Empty: whatever channels a message is on.
    pub channels: Vec<String>,
    /// Additional headers of each request: names and values.
    pub headers: Vec<(String, String)>,
    /// How much it is sent at once.
    pub limits: Limits,
    /// Whether deliveries are never given up: retried at the last interval of the schedule until they are answered 2xx.
    pub until_delivered: bool,
    /// Whether the message's `traceparent` is sent as a header.
    pub sends_trace: bool,
    /// Whether messages are delivered to it.
    pub state: EndpointState,
    /// Its health. Only the store writes it.
    pub health: Health,
    /// When it was created.
    pub created_at: i64,
    /// How often it was written, from 1, without changes of its health; 0 if it is not stored yet. Only the store writes it, for
    /// [`put_endpoint_if_unchanged`](super::OutboxStore::put_endpoint_if_unchanged).
    pub revision: i64,
}

impl Endpoint {
    /// The number of failures in a row at which its circuit opens: nothing is sent for a while, and then one request at a
    /// time tries it.
    pub const HALF_OPEN_AFTER: u32 = 5;

    /// An enabled endpoint that subscribes to every event.
    #[must_use]
    pub fn new(id: impl Into<String>, url: impl Into<String>, scheme: impl Into<String>) -> Self {
        let id = id.into();
        Endpoint {
            name: id.clone(),
            id,
            tenant: None,
            url: url.into(),
            scheme: scheme.into(),
            keys: Vec::new(),
            events: vec!["*".to_owned()],
            channels: Vec::new(),
            headers: Vec::new(),
            limits: Limits::default(),
            until_delivered: false,
            sends_trace: false,
            state: EndpointState::Enabled,
            health: Health::default(),
            created_at: 0,
            revision: 0,
        }
    }

    /// How many more requests may begin at `now` (microseconds), where `leased` are under way. Every store
    /// claims by this rule.
    #[must_use]
    pub fn places(&self, leased: u32, now: i64) -> u32 {
        let is_open = self.health.open_until.is_some_and(|until| until > now);
        match self.state {
            EndpointState::Disabled(_) => 0,
            EndpointState::Enabled if is_open => 0,
            EndpointState::Enabled if self.health.failures >= Self::HALF_OPEN_AFTER => {
                1_u32.saturating_sub(leased)
            }
            EndpointState::Enabled => self.limits.in_flight.saturating_sub(leased),
        }
    }

    /// Refuses an endpoint that no store keeps: one whose id or tenant is longer than [`MAX_NAME`](crate::MAX_NAME).
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`](crate::StoreErrorKind::Invalid).
    pub fn check(&self) -> Result<(), StoreError> {
        check_names(&[("id", &self.id), ("tenant", self.tenant.as_deref().unwrap_or_default())])
    }

    /// Which messages go to it.
    #[must_use]
    pub fn subscription(&self) -> Subscription {
        Subscription::new(&*self.id, self.tenant.clone(), &self.events, self.channels.clone())
    }
}

/// Shows neither the URL, whose path may be a secret, nor what its headers hold.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("tenant", &self.tenant)
            .field("keys", &self.keys)
            .field("events", &self.events)
            .field("channels", &self.channels)
            .field("headers", &headers)
            .field("limits", &self.limits)
            .field("state", &self.state)
            .field("health", &self.health)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// A key of an endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointKey {
    /// The name for people, such as a version, or the date on which it was made.
    pub label: String,
    /// The secret as the store keeps it: sealed, or as the provider writes it.
    pub secret: String,
    /// Since when it signs, in Unix seconds.
    pub valid_from: Option<i64>,
    /// Until when it signs, in Unix seconds, exclusive.
    pub valid_until: Option<i64>,
}

impl EndpointKey {
    /// A key that signs at any time.
    #[must_use]
    pub fn new(label: impl Into<String>, secret: impl Into<String>) -> Self {
        EndpointKey { label: label.into(), secret: secret.into(), valid_from: None, valid_until: None }
    }
}

/// Shows no byte of the secret.
impl fmt::Debug for EndpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointKey")
            .field("label", &self.label)
            .field("valid_from", &self.valid_from)
            .field("valid_until", &self.valid_until)
            .finish_non_exhaustive()
    }
}

/// How much an endpoint is sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many requests may be under way at once, at least 1.
    pub in_flight: u32,
    /// How many requests may begin per second.
    pub per_second: Option<u32>,
}

impl Default for Limits {
    /// Ten at once, without a limit per second.
    fn default() -> Self {
        Limits { in_flight: 10, per_second: None }
    }
}

/// Whether messages are delivered to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// They are.
    Enabled,
    /// They are kept, and wait until it is enabled.
    Disabled(DisabledBecause),
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisabledBecause {
    /// A person disabled it.
    Operator,
    /// It answered 410 Gone.
    Gone,
    /// It had been failing for too long.
    Failing,
}

/// The health of an endpoint. Times are microseconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// When the first attempt failed after the last success.
    pub failing_since: Option<i64>,
    /// How many attempts have failed since the last success. Those that were under way when the circuit opened, or when the
    /// endpoint asked for a pause, don't count: they tell nothing new.
    pub failures: u32,
    /// When its owner was warned of it, in this period of failing.
    pub warned_at: Option<i64>,
    /// When an attempt last succeeded.
    pub succeeded_at: Option<i64>,
    /// When an attempt was last made.
    pub attempted_at: Option<i64>,
    /// The circuit is open: until then nothing is sent, and after that one attempt at a time.
    pub open_until: Option<i64>,
}

impl Health {
    /// For how long the circuit opens: the first time, the second, and so on. The last one is for all that follow.
    pub const OPENINGS: [Duration; 7] = [
        Duration::from_secs(10),
        Duration::from_secs(20),
        Duration::from_secs(40),
        Duration::from_secs(80),
        Duration::from_secs(160),
        Duration::from_secs(320),
        Duration::from_secs(600),
    ];

    /// For how long the circuit opens at the failure that makes it `failures` in a row. Every store opens it by this rule.
    #[must_use]
    pub fn opens_for(failures: u32) -> Option<Duration> {
        let times = failures.checked_sub(Endpoint::HALF_OPEN_AFTER)? as usize;
        Self::OPENINGS.get(times).or(Self::OPENINGS.last()).copied()
    }
}

/// What an attempt means for its endpoint. If the endpoint has another URL by now, it means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It works: the failure clock is reset, and the circuit closed.
    Well,
    /// It failed: the failure clock runs, and at [so many](Endpoint::HALF_OPEN_AFTER) in a row the circuit opens, each
    /// time for [longer](Health::OPENINGS).
    Failed {
        /// The least time for which nothing is sent, because the endpoint asked for it. A duration, not a point in time: the
        /// store's clock counts, and that of whoever made the attempt can differ.
        open_for: Option<Duration>,
    },
    /// It is gone: it is disabled, if it was enabled.
    Gone,
    /// Nothing: the attempt says nothing about the endpoint, such as a payload that could not be rendered.
    None,
}

/// What the failure clock did with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthChange {
    /// It has been failing for a while, and will be disabled.
    Warned {
        /// The endpoint, as it is now.
        endpoint: Endpoint,
        /// How long it has been failing.
        failing_for: Duration,
    },
    /// It was disabled, because it has been failing for too long.
    Disabled {
        /// The endpoint, as it is now.
        endpoint: Endpoint,
        /// How long it has been failing.
        failing_for: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointKey, Health};

    #[test]
    fn a_circuit_opens_at_five_failures_and_for_longer_each_time() {
        let seconds = |failures| Health::opens_for(failures).map(|open| open.as_secs());
        assert_eq!(
            [1, 4, 5, 6, 7, 11, u32::MAX].map(seconds),
            [None, None, Some(10), Some(20), Some(40), Some(600), Some(600)]
        );
    }

    #[test]
    fn adv_83_its_debug_shows_no_url_no_secret_and_no_value_of_a_header() {
        let mut endpoint = Endpoint::new("ep_1", "https://example.com/CANARY-path", "standard-webhooks");
        endpoint.headers.push(("authorization".to_owned(), "CANARY-value".to_owned()));
        let secret = "CANARY-secret".to_owned();
        endpoint.keys.push(EndpointKey::new("now", secret));
        let shown = format!("{endpoint:?}");
        for shows in ["ep_1", "authorization", "now"] {
            assert!(shown.contains(shows), "{shown}");
        }
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}
