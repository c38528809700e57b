//! What a caller writes about an endpoint, and its checks.

use countersign::{EventFilters, scheme::Text};
use countersign_store::outbox::{Endpoint, Limits};
use countersign_transport::{CustomHeaders, Policy};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::{allowing, host, input::object, refusal::Faults, text};

/// A new endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEndpoint)]
pub(crate) struct EndpointDraft {
    /// Where messages are delivered: `https`, and a public host.
    #[schema(example = "https://example.com/hooks")]
    pub(crate) url: String,
    /// What people call it; its id, where it is left out.
    #[schema(min_length = 1, max_length = 255)]
    pub(crate) name: Option<String>,
    /// The tenant whose messages it is given: the key's own, where the key has one.
    #[schema(min_length = 1, max_length = 255)]
    pub(crate) tenant: Option<String>,
    /// How messages are signed: the name of a scheme of the catalogue, or a scheme as TOML. It can't be
    /// changed later.
    #[serde(default = "default_scheme")]
    #[schema(default = "standard-webhooks")]
    pub(crate) scheme: String,
    /// The secret, where the receiver has one already; one is made, where it is left out. Of a scheme whose
    /// keys come in pairs, the secret one is needed.
    #[schema(format = Password)]
    pub(crate) secret: Option<String>,
    /// The event types that are wanted: names, prefixes such as `invoice.*`, or `*`, which is the default.
    #[schema(min_items = 1)]
    pub(crate) events: Option<Vec<String>>,
    /// The channels that are wanted; any, where there are none.
    pub(crate) channels: Option<Vec<String>>,
    /// Headers that each request is given besides ours.
    #[serde(default, deserialize_with = "object::list")]
    pub(crate) headers: Option<Vec<Header>>,
    /// What it can bear.
    #[serde(default, deserialize_with = "object::optional")]
    pub(crate) limits: Option<LimitsChange>,
    /// Whether a delivery is tried for ever, until it is answered 2xx.
    pub(crate) until_delivered: Option<bool>,
    /// Whether the message's `traceparent` is sent along.
    pub(crate) sends_trace: Option<bool>,
    /// Whether it is given messages from the beginning, which is the default.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(crate) enabled: bool,
}

/// What is changed of an endpoint: the fields that are given.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointChange {
    /// The endpoint's `revision` as it was read: where it has been changed since, the answer is 409.
    pub(crate) revision: Option<i64>,
    /// Where messages are delivered, those that wait among them. Where it leads to another host, its `headers`
    /// are forgotten unless they are given too, and `keep_secrets` is needed.
    pub(crate) url: Option<String>,
    /// Whether the secrets sign for another host too. To have new ones for it, change them first.
    pub(crate) keep_secrets: Option<bool>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 255)]
    pub(crate) name: Option<String>,
    /// The event types that are wanted.
    #[schema(min_items = 1)]
    pub(crate) events: Option<Vec<String>>,
    /// The channels that are wanted; any, where there are none.
    pub(crate) channels: Option<Vec<String>>,
    /// Headers that each request is given besides ours: all of them.
    #[serde(default, deserialize_with = "object::list")]
    pub(crate) headers: Option<Vec<Header>>,
    /// What it can bear: the limits that are given; the others stay.
    #[serde(default, deserialize_with = "object::optional")]
    pub(crate) limits: Option<LimitsChange>,
    /// Whether a delivery is tried for ever, until it is answered 2xx.
    pub(crate) until_delivered: Option<bool>,
    /// Whether the message's `traceparent` is sent along.
    pub(crate) sends_trace: Option<bool>,
}

/// A header that each request is given.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewHeader)]
pub(crate) struct Header {
    /// The name.
    pub(crate) name: String,
    /// The value. It is never shown again.
    #[schema(format = Password)]
    pub(crate) value: String,
}

/// What is said of what an endpoint can bear.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsChange {
    /// How many requests may be under way at once: 10, where an endpoint is made without.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = u32, minimum = 1, maximum = 100)]
    pub(crate) in_flight: Option<u32>,
    /// How many requests may begin in a second. Null takes the limit away, and an endpoint is made without.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 10_000)]
    pub(crate) per_second: Option<Option<u32>>,
}

impl EndpointDraft {
    /// An endpoint with this URL, and every default.
    pub(crate) fn new(url: String) -> Self {
        EndpointDraft {
            url,
            name: None,
            tenant: None,
            scheme: default_scheme(),
            secret: None,
            events: None,
            channels: None,
            headers: None,
            limits: None,
            until_delivered: None,
            sends_trace: None,
            enabled: true,
        }
    }

    /// What it says beside its tenant, scheme and secret.
    pub(crate) fn change(self) -> EndpointChange {
        EndpointChange {
            revision: None,
            url: Some(self.url),
            keep_secrets: None,
            name: self.name,
            events: self.events,
            channels: self.channels,
            headers: self.headers,
            limits: self.limits,
            until_delivered: self.until_delivered,
            sends_trace: self.sends_trace,
        }
    }
}

impl EndpointChange {
    /// Notes what is wrong with it. `reserved` are the names of the headers that the scheme writes.
    pub(crate) fn check(&self, reserved: &[Text], policy: &Policy, faults: &mut Faults) {
        if let Some(name) = &self.name {
            faults.note("name", text::check(name));
        }
        if let Some(url) = &self.url {
            faults.note("url", allowing::check(url, policy));
        }
        if let Some(events) = &self.events {
            faults.note("events", check_events(events));
        }
        if let Some(channels) = &self.channels {
            faults.note("channels", check_channels(channels));
        }
        if let Some(headers) = &self.headers {
            let reserved: Vec<&str> = reserved.iter().map(|name| &**name).collect();
            let headers = headers.iter().map(|header| (header.name.as_str(), header.value.as_str()));
            faults.note("headers", CustomHeaders::check(headers, &reserved));
        }
        if let Some(limits) = &self.limits {
            limits.check(faults);
        }
    }

    /// Notes what is wrong with it as a change of this endpoint.
    pub(crate) fn check_move(&self, endpoint: &Endpoint, faults: &mut Faults) {
        if self.moves(endpoint) && !endpoint.keys.is_empty() && self.keep_secrets != Some(true) {
            faults.add(
                "keep_secrets",
                "is needed: the URL leads to another host, for which the secrets would sign",
            );
        }
    }

    /// Changes the endpoint so.
    pub(crate) fn apply(self, endpoint: &mut Endpoint) {
        // What was meant for one host, an authorization above all, is not sent to another.
        if self.moves(endpoint) {
            endpoint.headers.clear();
        }
        set(&mut endpoint.url, self.url);
        set(&mut endpoint.name, self.name);
        set(&mut endpoint.events, self.events);
        set(&mut endpoint.channels, self.channels);
        if let Some(limits) = self.limits {
            limits.apply(&mut endpoint.limits);
        }
        set(&mut endpoint.until_delivered, self.until_delivered);
        set(&mut endpoint.sends_trace, self.sends_trace);
        let headers = self.headers.map(|headers| headers.into_iter().map(|it| (it.name, it.value)).collect());
        set(&mut endpoint.headers, headers);
    }

    /// Whether messages would go to another host.
    fn moves(&self, endpoint: &Endpoint) -> bool {
        self.url.as_ref().is_some_and(|url| !host::is_same(url, &endpoint.url))
    }
}

impl LimitsChange {
    fn check(self, faults: &mut Faults) {
        if self.in_flight.is_some_and(|requests| !(1..=100).contains(&requests)) {
            faults.add("limits.in_flight", "is not from 1 to 100");
        }
        if self.per_second.flatten().is_some_and(|times| !(1..=10_000).contains(&times)) {
            faults.add("limits.per_second", "is not from 1 to 10000");
        }
    }

    fn apply(self, limits: &mut Limits) {
        set(&mut limits.in_flight, self.in_flight);
        set(&mut limits.per_second, self.per_second);
    }
}

fn check_events(events: &[String]) -> Result<(), String> {
    if events.is_empty() {
        return Err("holds none: write event types such as `invoice.paid`, or `*` for all".to_owned());
    }
    EventFilters::parse(events).map_err(|error| error.to_string())?;
    events.iter().try_for_each(|event| text::check(event)).map_err(|mistake| format!("one {mistake}"))
}

/// Checks the channels of an endpoint or a message.
///
/// # Errors
/// Too many, or one that is no text to be shown.
pub(crate) fn check_channels(channels: &[String]) -> Result<(), String> {
    if channels.len() > MAX_CHANNELS {
        return Err(format!("are more than {MAX_CHANNELS}"));
    }
    channels.iter().try_for_each(|channel| text::check(channel)).map_err(|mistake| format!("one {mistake}"))
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Reads a field that is there: what is null is told from what is left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn default_scheme() -> String {
    "standard-webhooks".to_owned()
}

fn yes() -> bool {
    true
}

const MAX_CHANNELS: usize = 32;
