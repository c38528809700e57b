//! Decisions as values, for an application that keeps its own record of them.

use countersign::Error;

use crate::Verified;

/// What was decided about a request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// What was decided.
    pub outcome: Decided,
    /// The name of the scheme.
    pub scheme: &'a str,
    /// The name of the endpoint, where the application has given one.
    pub endpoint: Option<&'a str>,
    /// The tenant: the one whose keys were chosen for the request, also where it is refused then, or that of the
    /// receiver's own keys.
    pub tenant: Option<&'a str>,
    /// The proof, where the request is authentic: its event and key label.
    pub verified: Option<&'a Verified>,
    /// Why the request was refused, where it was.
    pub error: Option<&'a Error>,
    /// How many seconds old the request was by the receiver's clock, where it is signed when it was sent.
    pub age_seconds: Option<i64>,
    /// The status that was answered, where the handler isn't called.
    pub status: Option<u16>,
}

/// What can be decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decided {
    /// It is authentic, and the handler is called.
    Accepted,
    /// It is authentic, and stored in the inbox.
    Queued,
    /// It is authentic, but has been handled, or stored, before.
    Duplicate,
    /// It is the provider's test of the endpoint, and was answered.
    Handshake,
    /// It was refused.
    Refused,
}

impl Decided {
    /// The name that logs and metrics use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Decided::Accepted => "accepted",
            Decided::Queued => "queued",
            Decided::Duplicate => "duplicate",
            Decided::Handshake => "handshake",
            Decided::Refused => "refused",
        }
    }
}
