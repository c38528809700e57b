//! What callers are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::operator::Rows;

pub(crate) mod api_key;
pub(crate) mod delivery;
pub(crate) mod endpoint;
pub(crate) mod message;
pub(crate) mod tenant;

/// A page of a list.
#[derive(Serialize, ToSchema)]
#[schema(as = Page)]
pub(crate) struct PageOf<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// The `cursor` of the next page; null where this is the last.
    pub(crate) next: Option<String>,
}

impl<T> PageOf<T> {
    pub(crate) fn new<U>(rows: Rows<U>, view: impl FnMut(U) -> T) -> Self {
        let Rows { items, next } = rows.map(view);
        PageOf { items, next }
    }
}

/// How many deliveries there are.
#[derive(Serialize, ToSchema)]
#[schema(as = Count)]
pub(crate) struct CountView {
    /// How many, exactly.
    pub(crate) count: u64,
}
