//! Which page of a list is wanted.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::operator::Wanted;

/// The query of a list without filters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The `next` of the page before.
    #[param(min_length = 1, max_length = 4096)]
    cursor: Option<String>,
    /// How many rows, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl From<PageQuery> for Wanted {
    fn from(query: PageQuery) -> Self {
        Wanted { cursor: query.cursor, limit: query.limit }
    }
}
