//! Answers that the middleware gives itself.

use actix_web::{
    HttpResponse,
    dev::Payload,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use countersign_receive::Reply;

/// The response that a decision stands for.
///
/// It keeps what is left of the payload until it is written: were that dropped before, actix-http would
/// read and pass over the rest of the body, however long it is, and never hang up.
pub(crate) fn response(reply: Reply, payload: Payload) -> HttpResponse {
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
    response.extensions_mut().insert(payload);
    if let Some(rejection) = reply.rejection {
        response.extensions_mut().insert(rejection);
    }
    response
}
