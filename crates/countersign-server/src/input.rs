//! What a request says: its JSON, its query, its headers.

use std::fmt::Display;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use countersign::IdempotencyKey;
use countersign_store::outbox::OutboxStore;
use http_body::Body as _;
use http_body_util::LengthLimitError;
use serde::de::{Deserialize, DeserializeOwned};
use url::form_urlencoded;

use self::object::Object;
use crate::{
    operator::Operator,
    refusal::{Refusal, RefusalKind},
};

pub(crate) mod object;

/// The JSON body of a request.
#[derive(Debug)]
pub(crate) struct Input<T>(pub(crate) T);

/// The JSON body of a request that can do without.
#[derive(Debug)]
pub(crate) struct Optional<T>(pub(crate) T);

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: OutboxStore, T: DeserializeOwned> FromRequest<Operator<S>> for Input<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, operator: &Operator<S>) -> Result<Self, Refusal> {
        let Object(value) = json(request, operator).await?;
        Ok(Input(value))
    }
}

impl<S: OutboxStore, T: DeserializeOwned + Default> FromRequest<Operator<S>> for Optional<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, operator: &Operator<S>) -> Result<Self, Refusal> {
        match request.body().is_end_stream() && !request.headers().contains_key(header::CONTENT_TYPE) {
            true => Ok(Optional(T::default())),
            false => {
                let value: Option<Object<T>> = json(request, operator).await?;
                Ok(Optional(value.map_or_else(T::default, |Object(value)| value)))
            }
        }
    }
}

impl<S: OutboxStore, T: DeserializeOwned> FromRequestParts<Operator<S>> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Operator<S>) -> Result<Self, Refusal> {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let read = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(query));
        read.map(Params).map_err(|error| refused(&error))
    }
}

/// What the JSON body of a request says.
async fn json<S: OutboxStore, T: DeserializeOwned>(
    request: Request,
    operator: &Operator<S>,
) -> Result<T, Refusal> {
    // Which HTML forms can't send, and other origins not without being asked for leave first.
    if !is_json(request.headers()) {
        let what = "send `Content-Type: application/json`";
        return Err(Refusal::new(RefusalKind::UnsupportedMediaType, what));
    }
    let body = read(request.into_body(), operator).await?;
    parse_json(&body)
}

/// The whole body of a request, within the limits of bytes and of time.
pub(crate) async fn read<S: OutboxStore>(body: Body, operator: &Operator<S>) -> Result<Bytes, Refusal> {
    let settings = operator.settings();
    let whole = axum::body::to_bytes(body, settings.body_limit);
    match tokio::time::timeout(settings.body_timeout, whole).await {
        Err(_) => Err(Refusal::new(RefusalKind::TooSlow, "send the body faster")),
        Ok(Err(error)) if is_too_large(&error) => {
            let detail = format!("a body has {} bytes at most here", settings.body_limit);
            Err(Refusal::new(RefusalKind::TooLarge, detail))
        }
        Ok(Err(_)) => Err(Refusal::field("", "the body broke off")),
        Ok(Ok(body)) => Ok(body),
    }
}

/// The `Idempotency-Key` of a request.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all("idempotency-key").iter();
    let wrong = |what: &str| Refusal::field("Idempotency-Key", what);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(wrong("stands twice")),
        (Some(value), None) => {
            let key = IdempotencyKey::parse_header(value.as_bytes(), true);
            key.map(Some).map_err(|_| wrong("is no key: write 1 to 255 characters in double quotes"))
        }
    }
}

/// The W3C trace context of a request; one that is none is passed over, as the specification asks.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let lengths = value.split('-').map(str::len);
    let is_hex = value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    (is_hex && value.starts_with("00-") && lengths.eq([2, 32, 16, 2])).then(|| value.to_owned())
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn is_too_large(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<LengthLimitError>())
}

fn parse_json<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Refusal> {
    if body.trim_ascii().is_empty() {
        return Err(Refusal::field("", "the body is empty: send a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value =
        serde_path_to_error::deserialize(&mut json).map_err(|error| match error.inner().is_data() {
            true => refused(&error),
            false => not_json(error.inner()),
        })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn refused<E: Display>(error: &serde_path_to_error::Error<E>) -> Refusal {
    let (path, text) = (error.path().to_string(), error.inner().to_string());
    let path = if path == "." || path == "?" { "" } else { &path };
    // A field that is missing or stands twice is noticed by the object around it, whose path this is.
    match of_object(&text) {
        Some(name) if path.is_empty() => Refusal::field(name, mistake(&text)),
        Some(name) => Refusal::field(&format!("{path}.{name}"), mistake(&text)),
        None => Refusal::field(path, mistake(&text)),
    }
}

/// A body that can't be read as JSON, whatever its fields would be: where, and nothing of what stands there.
fn not_json(error: &serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    Refusal::field("", format!("the body isn't JSON that can be read: look at line {line}, column {column}"))
}

/// The name of the field that a parser has not met, or twice.
fn of_object(text: &str) -> Option<&str> {
    let name = text.strip_prefix("duplicate field `").or_else(|| text.strip_prefix("missing field `"))?;
    name.split('`').next()
}

/// What a parser says, without what was sent: the names of our own fields, and what they take.
fn mistake(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    match (text.starts_with("unknown field"), text.rsplit_once(", expected ")) {
        (true, Some((_, fields))) => format!("there is no such field: expected {fields}"),
        (false, Some((_, expected))) => format!("is not {}", plain(expected)),
        _ if text.starts_with("missing field") => "is missing".to_owned(),
        _ if text.starts_with("duplicate field") => "stands twice".to_owned(),
        _ => UNREADABLE.to_owned(),
    }
}

/// What a parser expected, in words.
fn plain(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "u32" | "u64" | "i64" => "a whole number, or is too large",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

const UNREADABLE: &str = "can't be read: see the API's description for what it takes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adv_96_what_is_wrong_is_said_without_what_was_sent() {
        let cases = [
            ("missing field `url` at line 1 column 2", "is missing"),
            ("invalid type: string \"whsec_1\", expected a boolean at line 1 column 9", "is not a boolean"),
            ("invalid type: string \"a, expected b\", expected struct Limits", "is not an object"),
            (
                "unknown field `secert`, expected `url` or `secret`",
                "there is no such field: expected `url` or `secret`",
            ),
            ("duplicate field `url`", "stands twice"),
            ("expected value at line 1 column 1", UNREADABLE),
        ];
        for (said, shown) in cases {
            assert_eq!(mistake(said), shown);
        }
    }

    #[test]
    fn adv_96_a_body_that_is_no_json_is_said_to_be_none_and_where() {
        let cases = [
            ("", "the body is empty: send a JSON object"),
            (" \n", "the body is empty: send a JSON object"),
            ("{\"secret\":", "the body isn't JSON that can be read: look at line 1, column 10"),
            ("{\n  secret}", "the body isn't JSON that can be read: look at line 2, column 3"),
            ("{} secret", "the body isn't JSON that can be read: look at line 1, column 4"),
        ];
        for (body, said) in cases {
            let refusal = parse_json::<serde_json::Map<_, _>>(body.as_bytes()).expect_err(body);
            assert_eq!(refusal, Refusal::field("", said), "{body}");
        }
    }

    #[test]
    fn a_traceparent_that_is_none_is_passed_over() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", value.parse().expect("a header"));
            traceparent(&headers)
        };
        let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(read(valid).as_deref(), Some(valid));
        for other in ["", "x", "00-4bf92f", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
