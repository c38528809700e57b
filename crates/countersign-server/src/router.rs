//! All routes, and what every answer carries.

use axum::{
    Json, Router,
    http::{HeaderName, HeaderValue, Uri, header},
    middleware,
    response::Response,
    routing::get,
};
use countersign_store::outbox::OutboxStore;
use serde_json::{Value, json};

use crate::{
    api, billrun, dashboard,
    operator::Operator,
    ready::{Readiness, ready},
    refusal::{Refusal, RefusalKind},
};

pub(crate) fn of<S: OutboxStore>(operator: Operator<S>) -> Router {
    let mut router = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .with_state(Readiness::new(operator.clone()))
        .nest("/api/v1", api::router(operator.clone()))
        .nest("/api", api::viewer::router())
        .nest(dashboard::PATH, dashboard::router(operator.clone()));
    if operator.settings().billrun {
        router = router.nest("/plugins/webhooks", billrun::router(operator));
    }
    router.fallback(no_route).method_not_allowed_fallback(no_method).layer(middleware::map_response(secure))
}

/// Whether the process runs.
async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

pub(crate) async fn no_route(_: Uri) -> Refusal {
    Refusal::new(RefusalKind::NotFound, "there is nothing at this path")
}

pub(crate) async fn no_method() -> Refusal {
    Refusal::new(RefusalKind::MethodNotAllowed, "see the Allow header for the methods of this path")
}

/// Adds the headers that keep an answer from being framed, run, guessed at or kept; what an answer says itself
/// stays.
async fn secure(mut response: Response) -> Response {
    for (name, value) in SECURITY {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

const SECURITY: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
