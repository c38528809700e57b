//! Whether a scheme makes sense.

use alloc::{
    format,
    string::{String, ToString},
};
use core::fmt;

use super::{
    Algorithm, AnswerBody, AnswerValue, Condition, Encoding, EventRule, List, Part, Place, Scheme,
    SecretEncoding, Source, Text,
};

mod headers;
mod syntax;
#[cfg(test)]
mod tests;

impl Scheme {
    /// Checks that the scheme makes sense: that a signer and a verifier can work by it, and that it
    /// promises nothing it can't keep.
    ///
    /// # Errors
    /// The first contradiction, with the field that it is in and what to write instead.
    pub fn check(&self) -> Result<(), SchemeError> {
        self.check_name()?;
        self.check_versions()?;
        self.check_source()?;
        self.check_content()?;
        self.check_syntax()?;
        self.check_delivery()?;
        self.check_timestamp()?;
        self.check_event()?;
        self.check_keys()?;
        self.check_handshakes()
    }

    fn check_name(&self) -> Result<(), SchemeError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err(SchemeError::new("name", "must be lower-case letters, digits and `-`"));
        }
        Ok(())
    }

    fn check_versions(&self) -> Result<(), SchemeError> {
        let versions = &self.signature.versions;
        let wrong = |why: &str| Err(SchemeError::new("signature.versions", why));
        if versions.is_empty() {
            return wrong("is empty: name at least one algorithm");
        }
        if versions.len() > Scheme::MAX_VERSIONS {
            return wrong("holds more than 8 versions");
        }
        for (index, version) in versions.iter().enumerate() {
            if versions[..index].iter().any(|other| other.label == version.label) {
                return wrong("holds one label twice");
            }
        }
        let whole = |algorithm| matches!(algorithm, Algorithm::Token | Algorithm::None);
        if self.algorithms().any(whole) && versions.iter().any(|v| v.algorithm != versions[0].algorithm) {
            return wrong(
                "mixes `token` or `none` with another algorithm, so that nobody could tell what was proved",
            );
        }
        self.check_labels()
    }

    fn check_content(&self) -> Result<(), SchemeError> {
        let wrong = |why: &str| Err(SchemeError::new("content", why));
        let signs = !self.algorithms().all(|a| matches!(a, Algorithm::Token | Algorithm::None));
        if signs == self.content.is_empty() {
            return wrong(if signs {
                "is empty: say which bytes are signed, for instance \"{body}\""
            } else {
                "must be left out, since a token or an unsigned scheme signs nothing"
            });
        }
        if self.content.len() > Scheme::MAX_PARTS {
            return wrong("holds more than 10 parts");
        }
        if self.headers_needed() > Scheme::MAX_HEADERS {
            return wrong("and the signature and fixed headers are more than 8 headers together");
        }
        if self.content.iter().filter(|part| part.is_body()).count() > 1 {
            return wrong("holds {body} or {form} twice, or both");
        }
        if self.content.iter().filter(|part| matches!(part, Part::Field(_))).count() > 1 {
            return wrong("holds more than one {field:…}");
        }
        let read_back = Part::parse_template(&Part::template(&self.content));
        if !read_back.is_ok_and(|parts| parts == *self.content) {
            return wrong(
                "can't be written as a template: leave out empty literals, join neighbouring ones, and put no \
                 `}` into a name",
            );
        }
        self.check_signed_field()?;
        self.check_signed_headers()
    }

    fn check_timestamp(&self) -> Result<(), SchemeError> {
        let Some(rule) = &self.timestamp else { return Ok(()) };
        if !self.signs(&rule.at) {
            return Err(SchemeError::new(
                "timestamp.at",
                "is not in the signed content, so that anyone can renew it: leave the timestamp out, or sign it",
            ));
        }
        self.check_place("timestamp.at", &rule.at)
    }

    fn check_event(&self) -> Result<(), SchemeError> {
        let lists: [(&str, &List<Place>); 2] =
            [("event.id", &self.event.id), ("event.type", &self.event.event_type)];
        for (field, places) in lists {
            if places.len() > EventRule::MAX_PLACES {
                return Err(SchemeError::new(field, "holds more than 4 places"));
            }
            places.iter().try_for_each(|place| self.check_place(field, place))?;
        }
        if !is_pointer(&self.event.data) {
            return Err(SchemeError::new("event.data", POINTER));
        }
        self.event.time.iter().try_for_each(|place| self.check_place("event.time", place))
    }

    fn check_place(&self, field: &str, place: &Place) -> Result<(), SchemeError> {
        let why = match place {
            Place::Header(name) if !is_token(name) => "names a header that can't exist",
            Place::Header(name) if self.holds_signature(name) => {
                "names the signature's own header, which tells nothing of the event"
            }
            Place::Field(name) if !self.has_field(name) => {
                "names a field that the signature's syntax doesn't hold"
            }
            Place::Json(pointer) if !is_pointer(pointer) => POINTER,
            Place::Json(_) if self.signs_form() => {
                "is a place in JSON, and the content holds {form}: of a form's fields the borders aren't signed"
            }
            _ => return Ok(()),
        };
        Err(SchemeError::new(field, why))
    }

    fn check_keys(&self) -> Result<(), SchemeError> {
        let wrong = |field: &str, why: &str| Err(SchemeError::new(field, why));
        if self.key.forms.is_empty() {
            return wrong(
                "key.forms",
                "is empty: say how the secret is written, for instance { encoding = \"text\" }",
            );
        }
        if self.key.min_bytes == 0 || self.key.min_bytes > self.key.max_bytes {
            return wrong("key.min_bytes", "must be from 1 to key.max_bytes");
        }
        let last = self.key.forms.len() - 1;
        for (index, form) in self.key.forms.iter().enumerate() {
            if form.prefix.is_empty() && index != last {
                return wrong(
                    "key.forms",
                    "has a form without prefix before the last: nothing after it is reached",
                );
            }
            let token = self.algorithms().any(|a| a == Algorithm::Token);
            if token && form.keep_prefix && !self.stays_whole(&form.prefix) {
                return wrong(
                    "key.forms",
                    "has a token's prefix that would not be read back: leave out control characters and the \
                     separator",
                );
            }
            let basic = form.encoding == SecretEncoding::BasicCredentials;
            if basic && !self.algorithms().all(|a| a == Algorithm::Token) {
                return wrong("key.forms", "has basic-credentials, which goes with algorithm `token` alone");
            }
            if let Some(its) = form.kind.algorithm().filter(|its| !self.algorithms().any(|a| a == *its)) {
                let why = format!("has a key for {}, by which no version is", its.as_str());
                return wrong("key.forms", &why);
            }
        }
        let raw = self.signature.encoding == Encoding::Raw;
        if raw && !self.algorithms().all(|a| matches!(a, Algorithm::Token | Algorithm::None)) {
            return wrong("signature.encoding", "can be raw only where the algorithm is `token`");
        }
        Ok(())
    }

    fn check_handshakes(&self) -> Result<(), SchemeError> {
        let wrong = |field: &str, why: &str| Err(SchemeError::new(field, why));
        for handshake in self.handshakes.iter() {
            let answer = &handshake.answer;
            if handshake.when.is_empty() {
                return wrong("handshake.when", "is empty: every delivery would be one");
            }
            let unreal = |c: &Condition| matches!(c, Condition::Method(method) if !is_token(method));
            if handshake.when.iter().any(unreal) {
                return wrong("handshake.when", "names a method that can't exist");
            }
            if !(200..600).contains(&answer.status) || !(400..600).contains(&handshake.refusal) {
                return wrong("handshake.answer.status", "must be from 200 to 599, and `refusal` from 400");
            }
            if handshake.enrolment != handshake.secret.is_some() {
                return wrong(
                    "handshake.enrolment",
                    "must be true where the request hands over a `secret`, and only there",
                );
            }
            let echoes = !matches!(answer.body, AnswerBody::Empty | AnswerBody::Text(AnswerValue::Fixed(_)));
            let harmless =
                |text: &Text| text.starts_with("text/plain") || text.starts_with("application/json");
            if echoes && !answer.content_type.as_ref().is_some_and(harmless) {
                return wrong(
                    "handshake.answer.content_type",
                    "must be text/plain or application/json where the answer repeats what was sent",
                );
            }
        }
        self.check_answers()
    }

    /// How many headers a verifier looks for, a header that serves twice counted twice.
    fn headers_needed(&self) -> usize {
        let signatures = match &self.signature.source {
            Source::PerKey(names) => names.len(),
            _ => 1,
        };
        let signed = self.content.iter().filter(|part| matches!(part, Part::Header(_))).count();
        signatures + signed + self.delivery.fixed.len()
    }

    pub(crate) const MAX_VERSIONS: usize = 8;
    /// The most parts of the content.
    pub(crate) const MAX_PARTS: usize = 10;
    /// The most headers that a verifier looks for.
    pub(crate) const MAX_HEADERS: usize = 8;
}

/// Whether `name` is a token of RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    let tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.len() <= 128 && name.bytes().all(tchar)
}

fn is_pointer(pointer: &str) -> bool {
    pointer.is_empty() || pointer.starts_with('/')
}

const POINTER: &str = "must be a JSON pointer: empty, or beginning with `/` (RFC 6901)";

/// A scheme that makes no sense, or TOML that isn't one.
#[derive(Clone, PartialEq, Eq)]
pub struct SchemeError {
    kind: SchemeErrorKind,
    field: String,
    why: String,
    line: Option<usize>,
}

/// What is wrong with a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemeErrorKind {
    /// The text is not TOML, or holds a field or value that no scheme has.
    Syntax,
    /// The fields contradict each other.
    Contradiction,
}

impl SchemeError {
    pub(crate) fn new(field: impl ToString, why: impl ToString) -> Self {
        let kind = SchemeErrorKind::Contradiction;
        SchemeError { kind, field: field.to_string(), why: why.to_string(), line: None }
    }

    #[cfg(feature = "toml")]
    pub(crate) fn syntax(why: String, line: Option<usize>) -> Self {
        SchemeError { kind: SchemeErrorKind::Syntax, field: String::new(), why, line }
    }

    #[cfg(feature = "toml")]
    pub(crate) fn at_line(mut self, line: Option<usize>) -> Self {
        self.line = line;
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> SchemeErrorKind {
        self.kind
    }

    /// The path of the field, such as `timestamp.at`; empty where the text isn't TOML.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The line of the TOML text, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for SchemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "`{}` ", self.field)?;
        }
        f.write_str(&self.why)
    }
}

impl fmt::Debug for SchemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("SchemeError({self})"))
    }
}

impl core::error::Error for SchemeError {}
