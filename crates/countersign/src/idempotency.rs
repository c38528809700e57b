//! Keys by which a second delivery of one event is known.
//!
//! At-least-once delivery means that every event can arrive twice, and a captured request can be
//! sent again. An [`IdempotencyKey`] is equal for both and never holds signature text, which
//! differs between retries. It is made, in this order, from
//!
//! 1. the event's id, where the id is under the signature;
//! 2. the digest of the body, where the body is under the signature: an id outside it could be
//!    changed by whoever replays the request. Of a form whose [fields](crate::scheme::Part::Form) are
//!    signed, the digest of these; and with the path and query of the request, where these are signed too;
//! 3. the event's id as it arrived, where nothing is signed; then the body's digest. Such a key
//!    says that it is [not authenticated](IdempotencyKey::is_authenticated).
//!
//! # Two events with one body
//!
//! By the digest, two events with one body are one, and the second is taken for a copy of the first. That can happen
//! where the event's type is a header outside the signature, as with GitHub, Shopify and WooCommerce: an order that is
//! created and paid at once may be sent twice as it stands, under two types. Give each type a URL and a
//! [name](crate::Verifier::at_endpoint) of its own, or, where the provider's ids are worth more than what somebody
//! with a captured request could do, call
//! [`trust_unsigned_ids`](crate::VerifierBuilder::trust_unsigned_ids).

use alloc::{
    borrow::{Cow, ToOwned},
    format,
    string::String,
};
use core::fmt;

use crate::{Error, ErrorKind};

/// A key by which a second delivery of one event is known: scheme, tenant, and the event's own id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey {
    text: String,
    id_at: usize,
    authenticated: bool,
}

impl IdempotencyKey {
    pub(crate) fn new(scheme: &str, tenant: Option<&str>, id: &str, authenticated: bool) -> Self {
        // Room for all of it at once, where nothing has to be escaped.
        let mut text =
            String::with_capacity(scheme.len() + tenant.map_or(0, |name| 1 + name.len()) + 1 + id.len());
        text.push_str(&escape(scheme));
        if let Some(tenant) = tenant {
            text.push('@');
            text.push_str(&escape(tenant));
        }
        text.push('/');
        let id_at = text.len();
        text.push_str(id);
        IdempotencyKey { text, id_at, authenticated }
    }

    /// The same event at one of several endpoints whose keys differ: the holder of one endpoint's key
    /// can then choose no key of another's.
    #[must_use]
    pub fn at_endpoint(&self, endpoint: &str) -> Self {
        let prefix = escape(endpoint).into_owned() + ":";
        IdempotencyKey { id_at: prefix.len() + self.id_at, text: prefix + &self.text, ..*self }
    }

    /// The whole key, as a store keeps it: `scheme/id`, `scheme@tenant/id`, either behind `endpoint:`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part that tells one event from another: an id, or `sha256:` and the digest of the body.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.text[self.id_at..]
    }

    /// Whether the key's holder alone can have chosen it. Where it isn't, whoever can send a request
    /// at all can give it any key.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Reads the value of an `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): a
    /// structured-field string, `"8e03978e-40d5-43e8-bc93-6894a57f9324"`, whose parameters are
    /// passed over. `allow_bare` also reads the value without quotes that many senders write:
    /// letters, digits and `-._~:/+=`.
    ///
    /// # Errors
    /// [`ErrorKind::MalformedHeader`] where it is neither, empty, or longer than 255 characters.
    pub fn parse_header(value: &[u8], allow_bare: bool) -> Result<String, Error> {
        let malformed = || Error::new(ErrorKind::MalformedHeader).at("Idempotency-Key");
        let text = core::str::from_utf8(value).map_err(|_| malformed())?.trim_matches(' ');
        let key = match text.strip_prefix('"') {
            Some(rest) => quoted(rest),
            None => (allow_bare && text.bytes().all(is_bare)).then(|| text.to_owned()),
        };
        key.filter(|key| (1..=MAX_HEADER_KEY).contains(&key.len())).ok_or_else(malformed)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The whole key, as [`as_str`](IdempotencyKey::as_str).
impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.text
    }
}

const MAX_HEADER_KEY: usize = 255;

/// Joins the values of a composite id so that no two lists join to the same text.
pub(crate) fn join<'a>(values: impl Iterator<Item = &'a str>) -> String {
    values.map(escape).reduce(|joined, value| joined + ":" + value).unwrap_or_default().into_owned()
}

/// Escapes what separates the pieces of a key.
fn escape(text: &str) -> Cow<'_, str> {
    match has_byte(text, |byte| matches!(byte, b'%' | b':' | b'/' | b'@')) {
        true => text.replace('%', "%25").replace(':', "%3A").replace('/', "%2F").replace('@', "%40").into(),
        false => text.into(),
    }
}

/// Whether there is a control character.
pub(crate) fn has_control(text: &str) -> bool {
    match text.is_ascii() {
        true => has_byte(text, |byte| byte.is_ascii_control()),
        false => text.contains(char::is_control),
    }
}

/// Whether there is such a byte. All are looked at, without a branch for each, as keys are short.
fn has_byte(text: &str, is_such: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, byte| found | is_such(byte))
}

/// The id of an event that has none: the digest of what was signed.
pub(crate) fn digest_id(digest: &[u8; 32]) -> String {
    format!("sha256:{}", hex::encode(digest))
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/+=".contains(&byte)
}

/// The rest of a structured-field string behind its opening quote (RFC 9651 §4.2.5), and behind it
/// nothing but parameters (§4.2.3.2).
fn quoted(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return parameters(&text[at + 1..]).then_some(key),
            (_, '\\') => match chars.next()? {
                (_, escaped @ ('"' | '\\')) => key.push(escaped),
                _ => return None,
            },
            (_, c @ ' '..='~') => key.push(c),
            _ => return None,
        }
    }
}

fn parameters(text: &str) -> bool {
    text.split(';').enumerate().all(|(index, parameter)| match index {
        0 => parameter.is_empty(),
        _ => is_parameter(parameter.trim_start_matches(' ')),
    })
}

/// `key` or `key=value`, the value being a token, a number or a boolean.
fn is_parameter(text: &str) -> bool {
    let (key, value) = text.split_once('=').unwrap_or((text, "?1"));
    let starts = key.starts_with(|c: char| c.is_ascii_lowercase() || c == '*');
    let key_char = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(&b);
    let value_char = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/?".contains(&b);
    starts && key.bytes().all(key_char) && !value.is_empty() && value.bytes().all(value_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str, allow_bare: bool) -> Option<String> {
        IdempotencyKey::parse_header(value.as_bytes(), allow_bare).ok()
    }

    #[test]
    fn the_header_is_a_structured_field_string() {
        let uuid = "8e03978e-40d5-43e8-bc93-6894a57f9324";
        assert_eq!(parse(&format!("\"{uuid}\""), false).as_deref(), Some(uuid));
        assert_eq!(parse("\"abc\";expires=5", false).as_deref(), Some("abc"));
        assert_eq!(parse(r#""a\"b\\c""#, false).as_deref(), Some("a\"b\\c"));
        for bad in
            [uuid, "\"abc\", \"def\"", "\"\"", ":YWJj:", "\"café\"", "\"abc", "\"a\\b\"", "\"a\" x", "\"a\";"]
        {
            assert_eq!(parse(bad, false), None, "{bad}");
        }
    }

    #[test]
    fn a_bare_value_is_read_where_it_is_allowed() {
        assert_eq!(parse("evt_1-2.3", true).as_deref(), Some("evt_1-2.3"));
        assert_eq!(parse("evt_1", false), None);
        for bad in ["", "a b", "a,b", "a\"b", "é"] {
            assert_eq!(parse(bad, true), None, "{bad}");
        }
        assert_eq!(parse(&"x".repeat(256), true), None);
    }

    #[test]
    fn no_two_ids_make_one_key() {
        let key = |tenant, id: &str| IdempotencyKey::new("s", tenant, id, true);
        assert_eq!(key(Some("a"), "1").as_str(), "s@a/1");
        assert_ne!(key(None, "a/1"), key(Some("a"), "1"));
        let at = key(Some("a"), "1").at_endpoint("eu:1");
        assert_eq!((at.as_str(), at.id(), at.is_authenticated()), ("eu%3A1:s@a/1", "1", true));
        assert_ne!(join(["a:b", "c"].into_iter()), join(["a", "b:c"].into_iter()));
    }
}
