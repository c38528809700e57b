//! Endpoints, as callers are shown them.

use countersign_store::outbox::{DisabledBecause, Endpoint, EndpointKey, EndpointState, Health, Limits};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Caller, host,
    operator::secrets::{self, Secret},
    time::Time,
};

/// An endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = Endpoint)]
pub(crate) struct EndpointView {
    /// The id.
    #[schema(example = "ep_019aa5a2b6c07f5e9d3f0b1c2d3e4f50")]
    id: String,
    /// How often it was changed: send it with a change that must not undo another's.
    revision: i64,
    /// What people call it.
    name: String,
    /// The tenant whose messages it is given.
    tenant: Option<String>,
    /// Where messages are delivered. A key that reads alone is shown the host.
    url: String,
    /// How messages are signed.
    scheme: String,
    /// The event types that are wanted.
    events: Vec<String>,
    /// The channels that are wanted; any, where there are none.
    channels: Vec<String>,
    /// The names of the headers that each request is given besides ours.
    headers: Vec<String>,
    /// What it can bear.
    limits: LimitsView,
    /// Whether a delivery is tried for ever.
    until_delivered: bool,
    /// Whether the message's `traceparent` is sent along.
    sends_trace: bool,
    /// Whether it is given messages.
    enabled: bool,
    /// Why it isn't.
    disabled_because: Option<Because>,
    /// Its secrets, the newest first.
    secrets: Vec<SecretView>,
    /// How it is faring.
    health: HealthView,
    /// When it was created.
    created_at: Time,
}

/// What an endpoint can bear.
#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
struct LimitsView {
    /// How many requests may be under way at once.
    in_flight: u32,
    /// How many requests may begin in a second; null where there is no limit.
    per_second: Option<u32>,
}

/// An endpoint with the secret that was made for it, which is never shown again.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndpointWithSecret {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// The secret; null where the scheme signs nothing.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: Option<String>,
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DisabledBecause)]
enum Because {
    /// A person wanted it.
    Operator,
    /// It answered 410 Gone.
    Gone,
    /// It had been failing for too long.
    Failing,
    /// Another reason.
    Other,
}

/// A secret, of which nothing is shown but its end, to admins.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
struct SecretView {
    /// How it begins by rule and its last four characters, to admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_…b7oD")]
    hint: Option<String>,
    /// From when it signs.
    valid_from: Option<Time>,
    /// Until when it signs.
    valid_until: Option<Time>,
}

/// How an endpoint is faring.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
struct HealthView {
    /// When the first attempt failed since the last that succeeded.
    failing_since: Option<Time>,
    /// How many attempts have failed since the last that succeeded.
    failures: u32,
    /// When it was warned of, in this time of failing.
    warned_at: Option<Time>,
    /// When an attempt last succeeded.
    succeeded_at: Option<Time>,
    /// When an attempt was last made.
    attempted_at: Option<Time>,
    /// Until when nothing is sent.
    open_until: Option<Time>,
}

impl EndpointView {
    /// What the caller is shown.
    pub(crate) fn new(endpoint: Endpoint, caller: &Caller) -> Self {
        let disabled_because = because(endpoint.state);
        EndpointView {
            url: if caller.may_change() { endpoint.url } else { host::shown(&endpoint.url) },
            id: endpoint.id,
            revision: endpoint.revision,
            name: endpoint.name,
            tenant: endpoint.tenant,
            scheme: endpoint.scheme,
            events: endpoint.events,
            channels: endpoint.channels,
            headers: endpoint.headers.into_iter().map(|(name, _)| name).collect(),
            limits: endpoint.limits.into(),
            until_delivered: endpoint.until_delivered,
            sends_trace: endpoint.sends_trace,
            enabled: disabled_because.is_none(),
            disabled_because,
            secrets: endpoint.keys.iter().map(|key| SecretView::new(key, caller)).collect(),
            health: endpoint.health.into(),
            created_at: Time(endpoint.created_at),
        }
    }
}

impl EndpointWithSecret {
    pub(crate) fn new(endpoint: Endpoint, secret: Option<&Secret>, caller: &Caller) -> Self {
        let secret = secret.map(|secret| secret.expose().to_owned());
        EndpointWithSecret { endpoint: EndpointView::new(endpoint, caller), secret }
    }
}

impl SecretView {
    fn new(key: &EndpointKey, caller: &Caller) -> Self {
        SecretView {
            hint: secrets::hint(key).filter(|_| caller.is_admin()).map(str::to_owned),
            valid_from: key.valid_from.map(Time::from_seconds),
            valid_until: key.valid_until.map(Time::from_seconds),
        }
    }
}

impl From<Limits> for LimitsView {
    fn from(limits: Limits) -> Self {
        LimitsView { in_flight: limits.in_flight, per_second: limits.per_second }
    }
}

impl From<Health> for HealthView {
    fn from(health: Health) -> Self {
        HealthView {
            failing_since: health.failing_since.map(Time),
            failures: health.failures,
            warned_at: health.warned_at.map(Time),
            succeeded_at: health.succeeded_at.map(Time),
            attempted_at: health.attempted_at.map(Time),
            open_until: health.open_until.map(Time),
        }
    }
}

fn because(state: EndpointState) -> Option<Because> {
    match state {
        EndpointState::Enabled => None,
        EndpointState::Disabled(DisabledBecause::Operator) => Some(Because::Operator),
        EndpointState::Disabled(DisabledBecause::Gone) => Some(Because::Gone),
        EndpointState::Disabled(DisabledBecause::Failing) => Some(Because::Failing),
        EndpointState::Disabled(_) => Some(Because::Other),
    }
}
