//! Endpoints: what every profile does alike.

use countersign::{EventFilter, EventFilters, Scheme, catalog};
use countersign_store::outbox::{Endpoint, EndpointKey};
use countersign_transport::{Policy, Target, TargetErrorKind};

use super::ProfileError;
use crate::signing::EndpointSigner;

/// An endpoint with a key of this secret.
pub(super) fn signed(
    id: &str,
    url: &str,
    scheme: &Scheme,
    secret: &str,
    events: Vec<String>,
) -> Result<Endpoint, ProfileError> {
    let mut endpoint = unsigned(id, url, scheme, events)?;
    let (label, secret) = (LABEL.to_owned(), secret.to_owned());
    endpoint.keys.push(EndpointKey::new(label, secret));
    EndpointSigner::new(&endpoint, None).map_err(|error| ProfileError::endpoint(error.to_string()))?;
    Ok(endpoint)
}

/// An endpoint without a key.
pub(super) fn unsigned(
    id: &str,
    url: &str,
    scheme: &Scheme,
    events: Vec<String>,
) -> Result<Endpoint, ProfileError> {
    check_url(url, &Policy::new().allow_http())?;
    EventFilters::parse(&events).map_err(|error| ProfileError::endpoint(error.to_string()))?;
    let mut endpoint = Endpoint::new(id, url, written(scheme));
    endpoint.events = events;
    Ok(endpoint)
}

/// Checks that a URL is one of `https`.
pub(super) fn check_https(url: &str) -> Result<(), ProfileError> {
    check_url(url, &Policy::new())
}

/// Whether a text is an event type that an endpoint can ask for by name.
pub(super) fn is_exact(kind: &str) -> bool {
    EventFilter::parse(kind).is_ok() && !kind.ends_with('*')
}

/// Checks a URL but for its port and address, of which the transport's own policy decides.
fn check_url(url: &str, policy: &Policy) -> Result<(), ProfileError> {
    match Target::parse(url, &policy.clone().allow_ports(1..=u16::MAX)) {
        Err(error) if error.kind() != TargetErrorKind::Address => {
            Err(ProfileError::endpoint(error.to_string()))
        }
        _ => Ok(()),
    }
}

/// A scheme as an endpoint keeps it: by its name, where that says all.
fn written(scheme: &Scheme) -> String {
    match catalog::find(&scheme.name) {
        Some(known) if known == scheme => scheme.name.to_string(),
        _ => scheme.to_toml(),
    }
}

/// The label of an endpoint's first key.
const LABEL: &str = "first";
