//! Answers that the middleware gives itself.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use countersign_receive::Reply;

/// The response that a decision stands for.
pub(crate) fn response(reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            builder.append_header((name, value));
        }
    }
    if reply.close {
        builder.force_close();
    }
    let mut response = builder.body(reply.body);
    if let Some(rejection) = reply.rejection {
        response.extensions_mut().insert(rejection);
    }
    response
}
