//! Answers that the layer gives itself.

use bytes::Bytes;
use countersign_receive::Reply;
use http::{HeaderName, HeaderValue, Response, StatusCode, Version, header::CONNECTION};

/// The response that a decision stands for.
pub(crate) fn response<RB: From<Bytes>>(reply: Reply, version: Version) -> Response<RB> {
    let mut response = Response::new(RB::from(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers.iter().filter_map(|(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    // HTTP/2 has no such header, and resets the one stream.
    if reply.close && version <= Version::HTTP_11 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(rejection) = reply.rejection {
        response.extensions_mut().insert(rejection);
    }
    response
}
