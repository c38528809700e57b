//! The viewer of the description: Swagger UI, whose files are in the program.

use axum::{
    Router,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// The viewer, below `/api`. Like the description it is for everybody.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/docs", get(page))
        .route("/docs/viewer.js", get(script))
        .route("/docs/swagger-ui-bundle.js", get(bundle))
        .route("/docs/swagger-ui.css", get(style))
}

async fn page() -> Response {
    let headers = [(header::CONTENT_TYPE, HTML), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, include_str!("../../assets/viewer.html")).into_response()
}

async fn script() -> Response {
    ([(header::CONTENT_TYPE, SCRIPT)], include_str!("../../assets/viewer.js")).into_response()
}

async fn bundle() -> Response {
    compressed(SCRIPT, include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz"))
}

async fn style() -> Response {
    compressed("text/css; charset=utf-8", include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz"))
}

/// A file that is kept compressed, as every browser takes it, and for an hour: its link names the version.
fn compressed(kind: &'static str, file: &'static [u8]) -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_ENCODING, "gzip"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, file).into_response()
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
