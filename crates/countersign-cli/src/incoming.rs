//! Requests that come to this process.

use axum::{
    body, extract,
    http::{StatusCode, header},
};
use countersign::Error;

use crate::request::Request;

/// The whole request; `None` where it is too large, or broke off.
pub(crate) async fn read(incoming: extract::Request) -> Option<Request> {
    let (head, body) = incoming.into_parts();
    let announced =
        head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > MAX_BODY) {
        return None;
    }
    let body = body::to_bytes(body, MAX_BODY).await.ok()?;
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    Some(Request {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        headers: headers.collect(),
        body: body.into(),
    })
}

/// What is answered to a request that isn't valid.
pub(crate) fn refusal(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED)
}

const MAX_BODY: usize = 16 << 20;
