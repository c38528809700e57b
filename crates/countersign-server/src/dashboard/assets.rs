//! Files that pages need.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// The stylesheet.
pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../assets/dashboard.css"))
}

/// The script that keeps pages up to date, and copies. Pages do without.
pub(super) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../assets/dashboard.js"))
}

/// A file that may be kept for an hour: its link names the version.
fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=3600")], text).into_response()
}
