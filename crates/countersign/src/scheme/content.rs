//! The signed bytes: an ordered list of parts, and the template that writes it as text.

use alloc::{borrow::Cow, format, string::String, vec::Vec};
use core::fmt;

use super::Text;

/// A piece of the signed content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// Fixed text, not empty; two never stand side by side.
    Literal(Text),
    /// The value of a header, byte for byte as it arrived. In a template: `{header:NAME}`.
    Header(Text),
    /// The value of a field of the signature header, as text. In a template: `{field:NAME}`.
    Field(Text),
    /// The raw body. In a template: `{body}`.
    Body,
    /// The fields of a body that is a form (`application/x-www-form-urlencoded`), decoded: name and value of each, with
    /// nothing between them, sorted by name and then by value, in the order of their UTF-8 bytes. Of several with the same
    /// name and value one counts. In a template: `{form}`.
    ///
    /// What is signed is what the fields say, not how they are written. And since nothing stands between them, whoever
    /// has a signed request can move the border between a name and its value, such as `ab=c` for `a=bc`. So it is with what
    /// stands before the fields: of a URL that is signed the end can become the beginning of the first name, such as
    /// `/accounts/12` and `3From=…` for `/accounts/123` and `From=…`. Take no right and no tenant from path or query. Nor is
    /// the body's `Content-Type` signed: read it as UTF-8, whatever `charset` that names.
    Form,
    /// The request method. In a template: `{method}`.
    Method,
    /// The endpoint's URL as it is registered with the provider, byte for byte, whatever the
    /// request's own headers say. In a template: `{configured-url}`.
    ConfiguredUrl,
    /// The URL that was called: the configured URL's scheme and authority, then the request's path
    /// and query as they arrived. In a template: `{request-url}`.
    RequestUrl,
    /// As [`RequestUrl`](Part::RequestUrl), with a port or without: the configured URL is taken as it is, and then
    /// without its port, or with the one of its protocol where it has none (443 or 80). A signer takes it as it is. In a
    /// template: `{request-url:any-port}`.
    RequestUrlAnyPort,
    /// As [`RequestUrl`](Part::RequestUrl), with the percent-escapes of the listed characters
    /// decoded and all others kept. In a template: `{request-url:decoded:CHARACTERS}`.
    RequestUrlDecoded(Text),
}

impl Part {
    /// Whether it is the body, or what it says.
    pub(crate) fn is_body(&self) -> bool {
        matches!(self, Part::Body | Part::Form)
    }

    /// Whether it is the URL, or something of it.
    pub(crate) fn is_url(&self) -> bool {
        use Part::{ConfiguredUrl, RequestUrl, RequestUrlAnyPort, RequestUrlDecoded};
        matches!(self, ConfiguredUrl | RequestUrl | RequestUrlAnyPort | RequestUrlDecoded(_))
    }

    /// Text that `parse` reads back.
    fn render(&self, out: &mut String) {
        match self {
            Part::Literal(text) => out.push_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Header(name) => out.push_str(&format!("{{header:{name}}}")),
            Part::Field(name) => out.push_str(&format!("{{field:{name}}}")),
            Part::Body => out.push_str("{body}"),
            Part::Form => out.push_str("{form}"),
            Part::Method => out.push_str("{method}"),
            Part::ConfiguredUrl => out.push_str("{configured-url}"),
            Part::RequestUrl => out.push_str("{request-url}"),
            Part::RequestUrlAnyPort => out.push_str("{request-url:any-port}"),
            Part::RequestUrlDecoded(set) => out.push_str(&format!("{{request-url:decoded:{set}}}")),
        }
    }

    /// Reads the text between the braces.
    fn parse(text: &str) -> Option<Part> {
        let owned = |text: &str| Cow::Owned(text.into());
        match text.split_once(':') {
            Some(("header", name)) => Some(Part::Header(owned(name))),
            Some(("field", name)) => Some(Part::Field(owned(name))),
            Some(("request-url", "any-port")) => Some(Part::RequestUrlAnyPort),
            Some(("request-url", rest)) => {
                rest.strip_prefix("decoded:").map(|set| Part::RequestUrlDecoded(owned(set)))
            }
            Some(_) => None,
            None => match text {
                "body" => Some(Part::Body),
                "form" => Some(Part::Form),
                "method" => Some(Part::Method),
                "configured-url" => Some(Part::ConfiguredUrl),
                "request-url" => Some(Part::RequestUrl),
                _ => None,
            },
        }
    }

    /// Writes `parts` as a template such as `v0:{header:X-Slack-Request-Timestamp}:{body}`.
    #[must_use]
    pub fn template(parts: &[Part]) -> String {
        let mut out = String::new();
        parts.iter().for_each(|part| part.render(&mut out));
        out
    }

    /// Reads a template. `{{` and `}}` stand for the braces themselves.
    ///
    /// # Errors
    /// A brace that is not closed or not opened, or a name between braces that is not known.
    pub fn parse_template(template: &str) -> Result<Vec<Part>, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let tail = &rest[at..];
            if let Some(after) = tail.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = tail.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let inner = tail.strip_prefix('{').ok_or(TemplateError::Unopened)?;
                let (name, after) = inner.split_once('}').ok_or(TemplateError::Unclosed)?;
                let part = Part::parse(name).ok_or_else(|| TemplateError::Unknown(name.into()))?;
                push_literal(&mut parts, &mut literal);
                parts.push(part);
                rest = after;
            }
        }
        literal.push_str(rest);
        push_literal(&mut parts, &mut literal);
        Ok(parts)
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Literal(Cow::Owned(core::mem::take(literal))));
    }
}

/// A content template that can't be read.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// A `}` without its `{`.
    Unopened,
    /// A `{` without its `}`.
    Unclosed,
    /// A name between braces that is not known.
    Unknown(String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateError::Unopened => f.write_str("a `}` has no `{`; write `}}` for the brace itself"),
            TemplateError::Unclosed => f.write_str("a `{` has no `}`; write `{{` for the brace itself"),
            TemplateError::Unknown(name) => write!(
                f,
                "`{{{name}}}` is not known; write {{body}}, {{form}}, {{header:NAME}}, {{field:NAME}}, {{method}}, \
                 {{configured-url}}, {{request-url}}, {{request-url:any-port}} or {{request-url:decoded:CHARACTERS}}"
            ),
        }
    }
}

/// As a sentence, for `main` prints an error so.
impl fmt::Debug for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateError({self})")
    }
}

impl core::error::Error for TemplateError {}

/// Serde for a list of parts as a template.
#[cfg(feature = "toml")]
pub(super) mod template {
    use alloc::{borrow::Cow, string::String};

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::Part;
    use crate::scheme::List;

    pub(in crate::scheme) fn serialize<S: Serializer>(parts: &List<Part>, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&Part::template(parts))
    }

    pub(in crate::scheme) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<List<Part>, D::Error> {
        let text = String::deserialize(from)?;
        Part::parse_template(&text).map(Cow::Owned).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_reads_back_as_written() {
        for template in [
            "",
            "{body}",
            "v0:{header:X-Slack-Request-Timestamp}:{body}",
            "{field:t}.{body}",
            "{method}{request-url:decoded::/?@!$'()*,;}{body}{header:x-time}",
            "{request-url:any-port}{form}",
            "{{not a part}}{configured-url}",
        ] {
            let parts = Part::parse_template(template).expect(template);
            assert_eq!(Part::template(&parts), template);
        }
    }

    #[test]
    fn a_broken_template_says_what_is_wrong() {
        assert_eq!(Part::parse_template("{body"), Err(TemplateError::Unclosed));
        assert_eq!(Part::parse_template("body}"), Err(TemplateError::Unopened));
        assert_eq!(Part::parse_template("{boddy}"), Err(TemplateError::Unknown("boddy".into())));
    }
}
