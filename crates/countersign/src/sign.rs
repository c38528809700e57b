//! Signing: the mirror of verifying, by the same scheme.
//!
//! ```
//! use countersign::{Keyring, Message, Signer, catalog};
//!
//! let keys = Keyring::new(&catalog::STRIPE, ["whsec_test_secret"])?;
//! let signer = Signer::new(&catalog::STRIPE, keys)?;
//! let signed = signer.sign(&Message::new("evt_1", br#"{"id":"evt_1"}"#), 1_700_000_000)?;
//! assert_eq!(signed.headers[0].0, "Stripe-Signature");
//! assert!(signed.headers[0].1.starts_with("t=1700000000,v1="));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::{
    borrow::{Cow, ToOwned},
    format,
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::fmt;

use zeroize::Zeroizing;

use crate::{
    ConfigError, Keyring, Timestamp,
    content::{self, Content},
    encoding::encode,
    keyring::{Entry, Material},
    scheme::{Encoding, Part, Place, Scheme, Separator, Source, Syntax, Version},
};

/// Signs messages by one scheme.
#[derive(Clone, Debug)]
pub struct Signer {
    scheme: Scheme,
    keys: Arc<Keyring>,
}

/// A message to be signed.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The event's id, the same for every attempt. `[A-Za-z0-9_-]{1,255}` where the scheme signs it.
    pub id: &'a str,
    /// The event type, for the schemes that write it in a header.
    pub event_type: Option<&'a str>,
    /// The body, byte for byte as it will be sent.
    pub body: &'a [u8],
    /// The method.
    pub method: &'a str,
    /// The URL that it will be sent to, for the schemes that sign it.
    pub url: &'a str,
    /// The values of other headers that the scheme signs, by name. They are written out too.
    pub headers: &'a [(&'a str, &'a str)],
}

/// Shows no byte of the body.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

impl<'a> Message<'a> {
    /// A message that is sent by `POST`, by a scheme that signs no URL.
    #[must_use]
    pub fn new(id: &'a str, body: &'a [u8]) -> Self {
        Message { id, event_type: None, body, method: "POST", url: "", headers: &[] }
    }
}

/// The headers that make a request authentic.
#[derive(Clone)]
pub struct Signed {
    /// Names and values, in the order in which the scheme names them.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.headers.iter().map(|(name, _)| name)).finish()
    }
}

impl Signer {
    /// A signer by `scheme` with `keys`. Where the scheme's syntax holds several signatures, every
    /// key that is valid at the time signs, so that a secret can be rotated; elsewhere the first.
    ///
    /// # Errors
    /// A scheme that makes no sense, another scheme's keys, or keys of which none can sign.
    pub fn new(scheme: &Scheme, keys: impl Into<Arc<Keyring>>) -> Result<Signer, ConfigError> {
        let keys = keys.into();
        scheme.check().map_err(ConfigError::Scheme)?;
        if !keys.belongs_to(scheme) {
            return Err(ConfigError::OtherScheme(keys.scheme.clone().into_owned()));
        }
        let unknown = |part: &&Part| matches!(part, Part::Field(_)) && !scheme.is_time(part);
        if let Some(Part::Field(name)) = scheme.content.iter().find(unknown) {
            return Err(ConfigError::UnknownField(name.clone().into_owned()));
        }
        let can = |version: &Version| keys.entries.iter().any(|entry| entry.can_sign(version.algorithm));
        let mut versions = scheme.signature.versions.iter();
        if !scheme.is_unsigned() && !versions.any(can) {
            return Err(ConfigError::CannotSign(scheme.signature.versions[0].algorithm));
        }
        Ok(Signer { scheme: scheme.clone(), keys })
    }

    /// Signs `message` at `now` (Unix seconds).
    ///
    /// # Errors
    /// An id that the scheme can't carry, no URL where it signs one, or no key that is valid now.
    pub fn sign(&self, message: &Message<'_>, now: i64) -> Result<Signed, SignError> {
        let scheme = &self.scheme;
        let time = Timestamp::from_unix_seconds(now);
        let time = scheme.timestamp.as_ref().map_or_else(String::new, |rule| time.render(rule.format));
        let mut headers = Vec::new();
        let target = target(message.url);
        let content = self.content(message, &target, &time, &mut headers)?;
        if !scheme.is_unsigned() {
            let signatures = self.signatures(&content, message, now);
            self.write(signatures, &time, &mut headers)?;
        }
        let fixed = scheme.delivery.fixed.iter();
        headers
            .extend(fixed.map(|fixed| (fixed.name.clone().into_owned(), fixed.value.clone().into_owned())));
        self.write_event(message, &mut headers)?;
        Ok(Signed { headers })
    }

    /// The signed content beside the body; and the headers that are part of it.
    fn content<'m>(
        &'m self,
        message: &'m Message<'m>,
        target: &'m str,
        time: &'m str,
        headers: &mut Vec<(String, String)>,
    ) -> Result<Content<'m>, SignError> {
        let mut values = [b"".as_slice(); Scheme::MAX_PARTS];
        for (value, part) in values.iter_mut().zip(self.scheme.content.iter()) {
            match part {
                Part::Header(name) => {
                    let text = if self.scheme.is_time(part) { time } else { self.header(name, message)? };
                    *value = text.as_bytes();
                    headers.push((name.clone().into_owned(), text.to_owned()));
                }
                Part::Field(_) => *value = time.as_bytes(),
                part if part.is_url() && !content::is_url(message.url) => return Err(SignError::NoUrl),
                _ => {}
            }
        }
        Ok(Content { method: message.method, target, values })
    }

    /// The value of a signed header that isn't the time: what the message says, or else its id, where
    /// the header is the place of the id.
    fn header<'m>(&self, name: &str, message: &Message<'m>) -> Result<&'m str, SignError> {
        let given = message.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let ids = self.scheme.event.id.iter().filter_map(|place| match place {
            Place::Header(id) => Some(id),
            _ => None,
        });
        let is_other = |part: &&Part| matches!(part, Part::Header(_)) && !self.scheme.is_time(part);
        let others = self.scheme.content.iter().filter(is_other);
        // Where the scheme says of no header that it is the id, the one that isn't the time is.
        let is_id = ids.clone().any(|id| id.eq_ignore_ascii_case(name));
        let is_only_one = ids.count() == 0 && others.count() == 1;
        match given {
            Some((_, value)) => self.check_id(value),
            None if is_id || is_only_one => self.check_id(message.id),
            None => Err(SignError::MissingHeader),
        }
    }

    fn check_id<'m>(&self, id: &'m str) -> Result<&'m str, SignError> {
        self.scheme.is_id(id.as_bytes()).then_some(id).ok_or(SignError::InvalidId)
    }

    /// A signature by each key that is valid now and can sign, with its version.
    fn signatures(
        &self,
        content: &Content<'_>,
        message: &Message<'_>,
        now: i64,
    ) -> Vec<(usize, &Version, Zeroizing<String>)> {
        let scheme = &self.scheme;
        let body = scheme.signed_body(message.body);
        let has_place = |index: usize| match &scheme.signature.source {
            Source::PerKey(names) => index < names.len(),
            _ => true,
        };
        let keys =
            self.keys.valid_at(now).filter(|(index, _)| has_place(*index)).flat_map(|(index, entry)| {
                let version =
                    scheme.signature.versions.iter().find(|version| entry.can_sign(version.algorithm));
                version.map(|version| (index, entry, version))
            });
        let sign = |(index, entry, version): (usize, &Entry, _)| {
            let signature =
                self.signature(entry, version, |sink| content.feed(scheme, message.url, &body, sink))?;
            Some((index, version, Zeroizing::new(signature)))
        };
        keys.filter_map(sign).collect()
    }

    fn signature(
        &self,
        entry: &Entry,
        version: &Version,
        feed: impl FnOnce(&mut dyn FnMut(&[u8])),
    ) -> Option<String> {
        let encoding = self.scheme.signature.encoding;
        match &entry.material {
            Material::Symmetric { .. } => {
                let tag = entry.mac(version.algorithm)?.tag_of(feed);
                Some(encode(encoding, &tag.to_vec()))
            }
            Material::Asymmetric(key) => {
                let mut content = Vec::new();
                feed(&mut |bytes| content.extend_from_slice(bytes));
                Some(encode(encoding, &key.sign(&content)?))
            }
            Material::Token(token) => Some(encode(Encoding::Raw, token.expose())),
        }
    }

    /// Writes the signature headers.
    fn write(
        &self,
        signatures: Vec<(usize, &Version, Zeroizing<String>)>,
        time: &str,
        headers: &mut Vec<(String, String)>,
    ) -> Result<(), SignError> {
        let Some((_, first_version, first)) = signatures.first() else { return Err(SignError::NoUsableKey) };
        let labelled = |version: &Version, text: &str| match &self.scheme.signature.syntax {
            Syntax::Labelled(delimiter) | Syntax::List { delimiter, .. } => {
                format!("{}{delimiter}{text}", version.label)
            }
            Syntax::Authorization(scheme) => format!("{scheme} {text}"),
            Syntax::Bare | Syntax::Positional { .. } => text.to_owned(),
        };
        let mut push = |name: &str, value: String| headers.push((name.to_owned(), value));
        match (&self.scheme.signature.source, &self.scheme.signature.syntax) {
            (Source::Header(name), Syntax::List { separator, .. } | Syntax::Positional { separator, .. }) => {
                let fields = self.fields(time);
                let values = signatures.iter().map(|(_, version, text)| labelled(version, text));
                push(
                    name,
                    fields.into_iter().chain(values).collect::<Vec<_>>().join(separator_text(*separator)),
                );
            }
            (Source::Header(name), _) => push(name, labelled(first_version, first)),
            (Source::Repeated(name), _) => {
                signatures.iter().for_each(|(_, version, text)| push(name, labelled(version, text)));
            }
            (Source::Numbered(prefix), _) => {
                for (number, (_, version, text)) in (1..).zip(&signatures) {
                    push(&format!("{prefix}{number}"), labelled(version, text));
                }
            }
            (Source::PerKey(names), _) => {
                for (key, version, text) in &signatures {
                    if let Some(name) = names.get(*key) {
                        push(name, labelled(version, text));
                    }
                }
            }
        }
        Ok(())
    }

    /// The fields of the signature header that aren't signatures.
    fn fields(&self, time: &str) -> Vec<String> {
        let fields = self.scheme.content.iter().filter_map(|part| match part {
            Part::Field(name) => Some(name),
            _ => None,
        });
        match &self.scheme.signature.syntax {
            Syntax::List { delimiter, .. } => fields.map(|name| format!("{name}{delimiter}{time}")).collect(),
            Syntax::Positional { .. } => fields.map(|_| time.to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    /// Writes the headers by which receivers know the event, where the scheme has such and they
    /// aren't written yet.
    fn write_event(
        &self,
        message: &Message<'_>,
        headers: &mut Vec<(String, String)>,
    ) -> Result<(), SignError> {
        let mut write = |places: &[Place], value: &str| {
            let [Place::Header(name)] = places else { return Ok(()) };
            let written = headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
            if written || value.is_empty() {
                return Ok(());
            }
            if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
                return Err(SignError::InvalidId);
            }
            headers.push((name.clone().into_owned(), value.to_owned()));
            Ok(())
        };
        write(&self.scheme.event.id, message.id)?;
        write(&self.scheme.event.event_type, message.event_type.unwrap_or_default())
    }
}

/// The path and query of a URL, as the request for it carries them (RFC 9112 §3.2.1).
fn target(url: &str) -> Cow<'_, str> {
    let rest = &url[content::origin(url).len()..];
    let target = rest.split('#').next().unwrap_or_default();
    match target.starts_with('/') {
        true => Cow::Borrowed(target),
        false => Cow::Owned(format!("/{target}")),
    }
}

fn separator_text(separator: Separator) -> &'static str {
    match separator {
        Separator::Comma | Separator::SpaceOrComma => ",",
        Separator::Semicolon => ";",
        Separator::Space => " ",
        Separator::CommaSpace => ", ",
    }
}

/// A message that can't be signed.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The id or type can't stand in a header, or the scheme signs it and it holds more than
    /// `[A-Za-z0-9_-]`: a `.` could be taken for the delimiter behind it.
    InvalidId,
    /// The scheme signs a header that the message gives no value for.
    MissingHeader,
    /// The scheme signs the URL, and the message has none.
    NoUrl,
    /// No key that can sign is valid at this time.
    NoUsableKey,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignError::InvalidId => {
                "the event id must be 1 to 255 of A-Z a-z 0-9 _ - where the scheme signs it, and printable ASCII \
                 elsewhere in a header, as the event type"
            }
            SignError::MissingHeader => {
                "the scheme signs a header of whose value nothing is known: give it in `headers`"
            }
            SignError::NoUrl => "the scheme signs the URL: give the whole URL, https:// included",
            SignError::NoUsableKey => "no key that can sign is valid now: check the keys' times of validity",
        })
    }
}

/// As a sentence, for `main` prints an error so.
impl fmt::Debug for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignError({self})")
    }
}

impl core::error::Error for SignError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, catalog};

    /// Signatures of keys that have no header of their own are not made; were they, they would stand nowhere.
    #[test]
    fn a_signature_without_a_place_is_not_written() {
        let mut scheme = catalog::GITHUB;
        scheme.signature.source = Source::PerKey(alloc::vec!["X-One".into(), "X-Two".into()].into());
        let keys = Keyring::new(&scheme, ["C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]).expect("a key");
        let signer = Signer::new(&scheme, keys).expect("a signer");
        let version = &scheme.signature.versions[0];
        let signatures = [2, 1].map(|key| (key, version, Zeroizing::new(format!("made by {key}"))));
        let mut headers = Vec::new();
        signer.write(signatures.into(), "", &mut headers).expect("written");
        assert_eq!(headers, [("X-Two".to_owned(), "sha256=made by 1".to_owned())]);
    }
}
