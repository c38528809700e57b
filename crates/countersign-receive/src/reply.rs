//! Answers that the layer gives itself.

use bytes::Bytes;
use countersign::{
    Error, ErrorKind, Greeting,
    scheme::{Condition, Scheme},
};
use http::{
    HeaderName, HeaderValue, Response, StatusCode, Version,
    header::{ALLOW, CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE},
    request::Parts,
};

use crate::Rejection;

/// After how many seconds a request may come again that could not be judged.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("30");

/// The answer to a request that is refused: a status, never a body.
pub(crate) fn refuse<RB: From<Bytes>>(error: Error, scheme: &Scheme, parts: &Parts) -> Response<RB> {
    let mut response = Response::new(RB::from(Bytes::new()));
    *response.status_mut() =
        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some((name, value)) = header_for(&error, response.status(), scheme, parts.version) {
        response.headers_mut().insert(name, value);
    }
    response.extensions_mut().insert(Rejection::from(error));
    response
}

/// The one header that goes with a refusal, if any.
fn header_for(
    error: &Error,
    status: StatusCode,
    scheme: &Scheme,
    version: Version,
) -> Option<(HeaderName, HeaderValue)> {
    match error.kind() {
        // The rest of the body is not read, so the connection can't be used again. HTTP/2 has no such
        // header, and resets the one stream.
        ErrorKind::BodyTooLarge | ErrorKind::BodyTimeout | ErrorKind::BodyIncomplete
            if version <= Version::HTTP_11 =>
        {
            return Some((CONNECTION, HeaderValue::from_static("close")));
        }
        _ => {}
    }
    match status {
        StatusCode::UNAUTHORIZED => {
            let challenge = scheme.delivery.challenge.as_deref()?;
            Some((WWW_AUTHENTICATE, HeaderValue::from_str(challenge).ok()?))
        }
        StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, HeaderValue::from_str(&methods(scheme)).ok()?)),
        StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, RETRY_AFTER_SECONDS)),
        _ => None,
    }
}

/// The methods of the scheme's deliveries and handshakes.
fn methods(scheme: &Scheme) -> String {
    let mut methods: Vec<&str> = scheme.delivery.methods.iter().map(|method| &**method).collect();
    if methods.is_empty() {
        methods.push("POST");
    }
    for condition in scheme.handshakes.iter().flat_map(|handshake| handshake.when.iter()) {
        match condition {
            Condition::Method(method) if !methods.contains(&&**method) => methods.push(method),
            _ => {}
        }
    }
    methods.join(", ")
}

/// The answer to a handshake.
pub(crate) fn greet<RB: From<Bytes>>(greeting: Greeting, scheme: &Scheme, parts: &Parts) -> Response<RB> {
    match answer(greeting) {
        Some(response) => response.map(|body| RB::from(Bytes::from(body))),
        None => refuse(Error::new(ErrorKind::MalformedHeader).at("the handshake's value"), scheme, parts),
    }
}

/// `None` where a value that is to be given back can't stand in a header.
fn answer(greeting: Greeting) -> Option<Response<String>> {
    let mut response = Response::new(greeting.body);
    *response.status_mut() = StatusCode::from_u16(greeting.status).ok()?;
    for (name, value) in greeting.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        response.headers_mut().append(name, HeaderValue::try_from(value).ok()?);
    }
    Some(response)
}
