//! Why a transport can't be built.

use std::{error::Error as StdError, fmt};

/// Why a transport can't be built.
#[derive(Debug)]
pub struct BuildError(BuildErrorKind);

/// What is wrong with a transport's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// A certificate that was added isn't one.
    Root,
    /// Nobody would be trusted, or the platform's certificates can't be read.
    NoRoots,
    /// TLS can't be set up.
    Tls,
    /// A time is zero, or longer than a day.
    Timeout,
    /// The user agent can't be sent as a header.
    UserAgent,
}

impl BuildError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> BuildErrorKind {
        self.0
    }

    pub(crate) fn new(kind: BuildErrorKind) -> Self {
        BuildError(kind)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            BuildErrorKind::Root => "an added root isn't a certificate of an authority in PEM",
            BuildErrorKind::NoRoots => {
                "no authority is trusted: add a root, or install the platform's certificates"
            }
            BuildErrorKind::Tls => "TLS can't be set up",
            BuildErrorKind::Timeout => "a timeout must be longer than nothing and a day at most",
            BuildErrorKind::UserAgent => "the user agent must be printable ASCII",
        })
    }
}

impl StdError for BuildError {}
