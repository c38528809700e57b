//! The headers of a delivery: the sender's own, and those that users add to an endpoint.

use std::{error::Error as StdError, fmt};

use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers that a user adds to an endpoint, such as `Authorization`, checked.
///
/// They can neither replace the sender's headers nor change how the request is read on its way.
/// `Debug` shows their names alone.
///
/// ```
/// use countersign_transport::CustomHeaders;
///
/// let reserved = ["webhook-*", "x-webhook-signature"];
/// assert!(CustomHeaders::check([("Authorization", "Bearer abc")], &reserved).is_ok());
/// for refused in ["Host", "Content-Length", "X-Forwarded-For", "Webhook-Id", "X_Webhook_Signature"] {
///     assert!(CustomHeaders::check([(refused, "value")], &reserved).is_err());
/// }
/// ```
#[derive(Clone, Default)]
pub struct CustomHeaders(HeaderMap);

impl CustomHeaders {
    /// Checks names and values.
    ///
    /// `reserved` are the names of the sender's own headers, beside those that no one may set; an
    /// entry that ends in `*` is a prefix. Case doesn't count, and `_` is the same as `-`, because
    /// many receivers can't tell them apart.
    ///
    /// # Errors
    /// A reserved name, a name twice, a name or value that can't be sent, or too much of them: more
    /// than 32 headers, 128 bytes of a name or 4096 of a value.
    pub fn check<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        reserved: &[&str],
    ) -> Result<Self, HeaderError> {
        let mut checked = HeaderMap::new();
        for (name, value) in headers {
            let (name, mut value) = parse(name, value)?;
            if is_listed(&name, CONNECTION) || is_listed(&name, SENDER) || is_listed(&name, reserved) {
                return Err(HeaderError::about(HeaderErrorKind::Reserved, &name));
            }
            value.set_sensitive(true);
            insert_new(&mut checked, name, value)?;
            if checked.len() > MAX_CUSTOM {
                return Err(HeaderError { kind: HeaderErrorKind::TooMany, name: None });
            }
        }
        Ok(CustomHeaders(checked))
    }
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Why headers can't be sent. Shows names at most, never a value.
#[derive(Debug)]
pub struct HeaderError {
    kind: HeaderErrorKind,
    name: Option<HeaderName>,
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderErrorKind {
    /// The name isn't one, or is too long.
    Name,
    /// The value holds a character that can't be sent, or is too long.
    Value,
    /// The name is one that only the sender or the connection may set.
    Reserved,
    /// The name stands twice.
    Repeated,
    /// There are too many headers.
    TooMany,
}

impl HeaderError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> HeaderErrorKind {
        self.kind
    }

    fn about(kind: HeaderErrorKind, name: &HeaderName) -> Self {
        HeaderError { kind, name: Some(name.clone()) }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().map_or("", HeaderName::as_str);
        match self.kind {
            HeaderErrorKind::Name => {
                write!(f, "a header's name must be letters, digits and -, {MAX_NAME} at most")
            }
            HeaderErrorKind::Value => write!(
                f,
                "the value of the header {name} must be printable ASCII without spaces around it, \
                 {MAX_VALUE} bytes at most"
            ),
            HeaderErrorKind::Reserved => write!(f, "the header {name} is set by the sender: remove it"),
            HeaderErrorKind::Repeated => write!(f, "the header {name} stands twice: remove one"),
            HeaderErrorKind::TooMany => write!(f, "there are more than {MAX_CUSTOM} headers"),
        }
    }
}

impl StdError for HeaderError {}

/// The headers of a request: the sender's own, then the custom ones, of which none replaces or repeats an own.
///
/// A signature can be one of several under one name. What describes the request stands once.
pub(crate) fn merge(
    own: &[(String, String)],
    custom: &CustomHeaders,
    defaults: [(HeaderName, HeaderValue); 2],
) -> Result<HeaderMap, HeaderError> {
    let mut merged = HeaderMap::with_capacity(own.len() + custom.0.len() + defaults.len());
    for (name, value) in own {
        let (name, value) = parse(name, value)?;
        if is_listed(&name, CONNECTION) {
            return Err(HeaderError::about(HeaderErrorKind::Reserved, &name));
        }
        if is_listed(&name, SENDER) {
            insert_new(&mut merged, name, value)?;
        } else {
            merged.append(name, value);
        }
    }
    for (name, value) in defaults.iter().map(|(name, value)| (name, value)).chain(&custom.0) {
        merged.entry(name).or_insert_with(|| value.clone());
    }
    Ok(merged)
}

fn insert_new(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) -> Result<(), HeaderError> {
    if headers.contains_key(&name) {
        return Err(HeaderError::about(HeaderErrorKind::Repeated, &name));
    }
    headers.insert(name, value);
    Ok(())
}

fn parse(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let short = Some(name).filter(|name| name.len() <= MAX_NAME);
    let name = short.and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    let name = name.ok_or(HeaderError { kind: HeaderErrorKind::Name, name: None })?;
    let value = parse_value(value).ok_or_else(|| HeaderError::about(HeaderErrorKind::Value, &name))?;
    Ok((name, value))
}

/// Whether a header can have this value: printable ASCII without spaces around it, 4096 bytes at most.
#[must_use]
pub fn is_header_value(value: &str) -> bool {
    parse_value(value).is_some()
}

/// A value of printable ASCII, without spaces around it.
pub(crate) fn parse_value(value: &str) -> Option<HeaderValue> {
    let is_plain = value.is_ascii() && value.trim() == value && value.len() <= MAX_VALUE;
    HeaderValue::from_str(value).ok().filter(|_| is_plain)
}

fn is_listed(name: &HeaderName, list: &[&str]) -> bool {
    let name = name.as_str();
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(prefix) => name.get(..prefix.len()).is_some_and(|start| alike(start, prefix)),
        None => alike(name, entry),
    })
}

/// Whether receivers that turn headers into variables take one name for the other.
fn alike(one: &str, other: &str) -> bool {
    let seen = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    one.len() == other.len() && one.bytes().map(seen).eq(other.bytes().map(seen))
}

/// What only the HTTP connection may say.
const CONNECTION: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-*",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What only the sender may say: about the body and itself, on behalf of whom and in which trace a request
/// is made, and what opens a cloud's metadata service.
const SENDER: &[&str] = &[
    "accept-encoding",
    "content-encoding",
    "content-type",
    "forwarded",
    "metadata",
    "metadata-flavor",
    "traceparent",
    "user-agent",
    "via",
    "x-aws-ec2-metadata-token*",
    "x-forwarded-*",
    "x-google-metadata-request",
    "x-http-method*",
    "x-method-override",
    "x-original-*",
    "x-real-ip",
    "x-rewrite-url",
];

const MAX_CUSTOM: usize = 32;
const MAX_NAME: usize = 128;
const MAX_VALUE: usize = 4096;
