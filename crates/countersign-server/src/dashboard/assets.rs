//! Files that pages need. They do without the scripts.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// The stylesheet.
pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../assets/dashboard.css"))
}

/// The script that copies.
pub(super) async fn copy() -> Response {
    file(SCRIPT, include_str!("../../assets/copy.js"))
}

/// htmx with its extensions, for pages that are kept up to date.
pub(super) async fn htmx() -> Response {
    file(SCRIPT, HTMX)
}

/// What htmx leaves to us, for the same pages.
pub(super) async fn live() -> Response {
    file(SCRIPT, include_str!("../../assets/live.js"))
}

/// A file that may be kept for an hour: its link names the version.
fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=3600")], text).into_response()
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const HTMX: &str = concat!(
    include_str!("../../assets/htmx/htmx.min.js"),
    "\n",
    include_str!("../../assets/htmx/sse.min.js"),
    "\n",
    include_str!("../../assets/htmx/idiomorph-ext.min.js"),
);
