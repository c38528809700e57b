//! Endpoints that are checked before they are stored.

use std::{error::Error as StdError, fmt};

use countersign::EventFilters;
use countersign_store::outbox::Endpoint;
use countersign_transport::{Policy, Target};

use crate::{
    Sealer,
    signing::{self, EndpointSigner},
};

/// Checks an endpoint as a dispatcher will use it, for applications that store their endpoints themselves: its id and
/// tenant, its URL by the transport's policy, its scheme with its keys, its patterns, headers and limits. A store checks
/// the names alone, and what is wrong with the rest is seen when something is to be delivered. A host that is a name is
/// checked when it is dialled.
///
/// `sealer` is the dispatcher's, where the keys are sealed.
///
/// ```
/// use countersign_dispatch::check_endpoint;
/// use countersign_store::outbox::Endpoint;
/// use countersign_transport::Policy;
///
/// let endpoint = Endpoint::new("ep_1", "http://example.com/hooks", "standard-webhooks");
/// let wrong = check_endpoint(&endpoint, &Policy::new(), None).unwrap_err();
/// assert_eq!(wrong.field(), "url");
/// assert_eq!(wrong.to_string(), "url: the URL is http, which isn't allowed here: use https");
/// ```
///
/// # Errors
/// The first field that can't be used, and why.
pub fn check_endpoint(
    endpoint: &Endpoint,
    policy: &Policy,
    sealer: Option<&Sealer>,
) -> Result<(), EndpointError> {
    endpoint.check().map_err(|error| EndpointError::new("id", &error))?;
    Target::parse(&endpoint.url, policy).map_err(|error| EndpointError::new("url", &error))?;
    signing::scheme_of(&endpoint.scheme).map_err(|reason| EndpointError::new("scheme", &reason))?;
    let signer = EndpointSigner::new(endpoint, sealer).map_err(|error| EndpointError::new("keys", &error))?;
    if endpoint.events.is_empty() {
        return Err(EndpointError::new("events", &"there are none: write event types, or `*` for all"));
    }
    EventFilters::parse(&endpoint.events).map_err(|error| EndpointError::new("events", &error))?;
    signer.check_custom(endpoint).map_err(|error| EndpointError::new("headers", &error))?;
    if endpoint.limits.in_flight == 0 || endpoint.limits.per_second == Some(0) {
        return Err(EndpointError::new("limits", &"nothing could ever be sent: each is at least 1"));
    }
    Ok(())
}

/// What is wrong with an endpoint. Shows no part of a secret, and none of a URL but its host.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointError {
    field: &'static str,
    reason: String,
}

impl EndpointError {
    fn new(field: &'static str, reason: &dyn fmt::Display) -> Self {
        EndpointError { field, reason: reason.to_string() }
    }

    /// The field of the [`Endpoint`]: `id` for the tenant, too.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

/// As a sentence, for `main` prints an error so.
impl fmt::Debug for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointError({self})")
    }
}

impl StdError for EndpointError {}
