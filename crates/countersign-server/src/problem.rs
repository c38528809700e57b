//! Refusals as answers: `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal, RefusalKind};

/// Why a request was refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem it is: `urn:countersign:problem:` and a name that never changes.
    #[serde(rename = "type")]
    #[schema(example = "urn:countersign:problem:invalid")]
    kind: String,
    /// The kind, in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What to do about it.
    detail: String,
    /// What is wrong with which field, where the request isn't valid or a field names what doesn't exist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, name, title) = refusal.kind.describe();
        let kind = format!("urn:countersign:problem:{name}");
        Problem { kind, title, status, detail: refusal.detail.into_owned(), errors: refusal.fields }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, _, _) = self.kind.describe();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, retry_after) = (self.kind, self.retry_after);
        let body = serde_json::to_vec(&Problem::from(self)).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, TYPE)], body).into_response();
        let headers = response.headers_mut();
        if kind == RefusalKind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        response
    }
}

/// Whole seconds, rounded up, so that who waits has waited for long enough.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

const TYPE: &str = "application/problem+json";
