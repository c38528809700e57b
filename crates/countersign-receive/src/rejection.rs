//! The reason of a refusal, for those who write the application.

use std::fmt;

use countersign::{Error, ErrorKind};

/// Why the layer refused a request: an extension of the *response*.
///
/// The sender sees a status and an empty body, the same for every way in which a request can fail
/// to be authentic. A middleware outside of the layer reads the reason here; it holds no secret, no
/// signature and no piece of the body.
///
/// ```
/// use countersign_receive::Rejection;
/// # fn count(rejection: Option<&Rejection>) {
/// if let Some(rejection) = rejection {
///     println!("refused: {}", rejection.kind());
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    error: Error,
}

impl Rejection {
    /// What kind of refusal it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// The reason.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Rejection { error }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}
