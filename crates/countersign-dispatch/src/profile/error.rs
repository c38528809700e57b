//! Why an event or an endpoint is none of the system's.

use std::{error::Error as StdError, fmt};

/// Why an event or an endpoint is none of the system's. Shows no secret, no URL and no data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    kind: ProfileErrorKind,
    reason: String,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProfileErrorKind {
    /// The system has no such event type.
    UnknownEvent,
    /// The event's id, time or data can't be sent.
    InvalidEvent,
    /// The endpoint's URL, secret, scheme or event types can't be used.
    InvalidEndpoint,
    /// The operating system gives no random numbers, of which ids are made.
    Random,
}

impl ProfileError {
    pub(super) fn unknown(system: &str, kind: impl fmt::Display) -> Self {
        let reason = format!("{system} has no event type `{kind}`: take one of those that are documented");
        ProfileError { kind: ProfileErrorKind::UnknownEvent, reason }
    }

    pub(super) fn event(reason: impl Into<String>) -> Self {
        ProfileError { kind: ProfileErrorKind::InvalidEvent, reason: reason.into() }
    }

    pub(super) fn endpoint(reason: impl Into<String>) -> Self {
        ProfileError { kind: ProfileErrorKind::InvalidEndpoint, reason: reason.into() }
    }

    pub(super) fn random() -> Self {
        let reason = "the operating system gives no random numbers: give the event an id".to_owned();
        ProfileError { kind: ProfileErrorKind::Random, reason }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ProfileErrorKind {
        self.kind
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for ProfileError {}
