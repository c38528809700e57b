//! The table.

mod bodies;
mod forms;
mod framing;
mod headers;
mod methods;
mod once;
mod parsing;
mod tenants;

use crate::case::Case;

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    [
        forms::cases(),
        framing::cases(),
        headers::cases(),
        bodies::cases(),
        parsing::cases(),
        methods::cases(),
        once::cases(),
        tenants::cases(),
    ]
    .concat()
}
