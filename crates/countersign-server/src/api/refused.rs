//! What every operation can be refused with, in the description.

use utoipa::IntoResponses;

use crate::problem::Problem;

/// What every operation can be refused with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "its variants are descriptions")]
pub(super) enum Refused {
    /// The caller can do something about it: the problem says what.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Caller(Problem),
    /// The server can't do it, now or at all.
    #[response(status = "5XX", content_type = "application/problem+json")]
    Server(Problem),
}
