//! Why a store could not do what it was asked.

use std::{error::Error as StdError, fmt};

/// Why a store could not do what it was asked. Nothing is known to have happened.
pub struct StoreError {
    kind: StoreErrorKind,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store can't be reached, or did not answer in time.
    Unavailable,
    /// The store holds as much as it may, and nothing in it may be forgotten yet.
    Full,
    /// It can't be done however often it is tried: the store was given what it can't keep, holds what it can't read, or
    /// isn't set up for it.
    Invalid,
    /// What was to be changed is not as it was read: somebody else has changed it since.
    Changed,
}

impl StoreErrorKind {
    /// The name that logs and metrics use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            StoreErrorKind::Unavailable => "unavailable",
            StoreErrorKind::Full => "full",
            StoreErrorKind::Invalid => "invalid",
            StoreErrorKind::Changed => "changed",
        }
    }
}

impl StoreError {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: StoreErrorKind) -> Self {
        StoreError { kind, cause: None }
    }

    /// The store can't be reached, because of `cause`.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        StoreError { kind: StoreErrorKind::Unavailable, cause: Some(cause.into()) }
    }

    /// It can't be done however often it is tried, because of `cause`.
    #[must_use]
    pub fn invalid(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        StoreError { kind: StoreErrorKind::Invalid, cause: Some(cause.into()) }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            StoreErrorKind::Unavailable => "the store can't be reached",
            StoreErrorKind::Full => {
                "the store is full of events that may not be forgotten yet: raise its capacity"
            }
            StoreErrorKind::Invalid => "the store can't do this",
            StoreErrorKind::Changed => "somebody else has changed it since it was read: read it again",
        };
        match &self.cause {
            Some(cause) => write!(f, "{what}: {cause}"),
            None => f.write_str(what),
        }
    }
}

/// As a sentence, for `main` prints an error so.
impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreError({self})")
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
