//! How a provider signs its webhooks, as data.
//!
//! A [`Scheme`] answers, in one plain struct, every question that a signer and a verifier must
//! agree on: which bytes are signed and in what order ([`Scheme::content`]), with which algorithm
//! and where the result stands ([`Scheme::signature`]), how the provider writes its secrets
//! ([`Scheme::key`]), which text is the time and how old it may be ([`Scheme::timestamp`]), where
//! the event's id, type and time stand ([`Scheme::event`]), and what the provider expects to be
//! answered when it tests an endpoint ([`Scheme::handshakes`]).
//!
//! The [catalogue](crate::catalog) holds the schemes of known providers. An in-house scheme is a
//! value like any other, or a TOML file (feature `toml`):
//!
//! ```
//! # #[cfg(feature = "toml")] {
//! use countersign::Scheme;
//!
//! let acme = Scheme::from_toml(r#"
//!     name = "acme"
//!     title = "Acme billing"
//!     content = "{field:t}.{body}"
//!
//!     [signature]
//!     source = { header = "X-Acme-Signature" }
//!     syntax = { list = { separator = "comma", delimiter = "=" } }
//!     versions = [{ label = "v1", algorithm = "hmac-sha256" }]
//!     encoding = "hex"
//!
//!     [timestamp]
//!     at = "field:t"
//!     format = "unix-seconds"
//!     past = 300
//!     future = 300
//!
//!     [event]
//!     id = ["json:/id"]
//!     type = ["json:/type"]
//! "#)?;
//! assert_eq!(acme.name, "acme");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # As TOML
//!
//! Every key, with its values. What has a default can be left out. `countersign schemes check FILE` says what is
//! wrong with a file, and `countersign schemes show NAME` writes a scheme of the catalogue so.
//!
//! ```toml
#![doc = include_str!("scheme/reference.toml")]
//! ```

use alloc::borrow::Cow;

pub use self::{
    check::{SchemeError, SchemeErrorKind},
    content::{Part, TemplateError},
    event::{EventRule, Place},
    handshake::{Answer, AnswerBody, AnswerHeader, AnswerValue, Condition, Expectation, Handshake},
    key::{KeyForm, KeyKind, KeyRule, SecretEncoding},
    signature::{Algorithm, Encoding, Separator, Signature, Source, Syntax, Version},
    timestamp::{TimeFormat, TimestampRule},
};

mod check;
mod content;
mod event;
mod handshake;
mod id;
mod key;
mod signature;
mod timestamp;
#[cfg(feature = "toml")]
mod toml;
mod written;

/// Text that is either built in or owned.
pub type Text = Cow<'static, str>;

/// A list that is either built in or owned.
pub type List<T> = Cow<'static, [T]>;

/// How one provider signs its webhooks.
///
/// Every field is public. A whole value can be built in a `const`, as the catalogue does; at run time
/// it is most easily written as a change of [`Scheme::BASE`]:
///
/// ```
/// use countersign::scheme::{Algorithm, Encoding, Scheme, Signature, Source, Syntax, Version};
///
/// let acme = Scheme {
///     name: "acme".into(),
///     title: "Acme".into(),
///     signature: Signature {
///         source: Source::Header("X-Acme-Signature".into()),
///         syntax: Syntax::Bare,
///         versions: vec![Version::bare(Algorithm::HmacSha512)].into(),
///         encoding: Encoding::Base64,
///     },
///     ..Scheme::BASE
/// };
/// assert!(acme.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct Scheme {
    /// The name by which configuration, logs and idempotency keys know the scheme: lower-case
    /// ASCII letters, digits and `-`.
    pub name: Text,
    /// The provider's name, for people.
    pub title: Text,
    /// Where the facts come from.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "str::is_empty"))]
    pub source: Text,
    /// The signed bytes, in order. Empty where nothing is signed ([`Algorithm::Token`],
    /// [`Algorithm::None`]). In TOML, a template: `"{header:webhook-id}.{body}"`.
    #[cfg_attr(
        feature = "toml",
        serde(default, with = "content::template", skip_serializing_if = "<[Part]>::is_empty")
    )]
    pub content: List<Part>,
    /// How deliveries arrive, beside their signature.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "DeliveryRule::is_post"))]
    pub delivery: DeliveryRule,
    /// Where the signature stands, how it is written, and by which algorithm it is made.
    pub signature: Signature,
    /// How the provider writes its secrets.
    #[cfg_attr(feature = "toml", serde(default))]
    pub key: KeyRule,
    /// Where the time of sending stands and how far it may be off.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "Option::is_none"))]
    pub timestamp: Option<TimestampRule>,
    /// Where the event's id, type, time and data stand.
    #[cfg_attr(feature = "toml", serde(default))]
    pub event: EventRule,
    /// How the provider tests that an endpoint is really its owner's.
    #[cfg_attr(
        feature = "toml",
        serde(default, rename = "handshake", skip_serializing_if = "<[Handshake]>::is_empty")
    )]
    pub handshakes: List<Handshake>,
}

impl Scheme {
    /// A bare hexadecimal HMAC-SHA256 of the body in `X-Signature`, keyed with the secret's text:
    /// the most common scheme there is, and the one that the others are written as a change of.
    pub const BASE: Scheme = Scheme {
        name: Cow::Borrowed("base"),
        title: Cow::Borrowed("Hexadecimal HMAC-SHA256 of the body"),
        source: Cow::Borrowed(""),
        content: Cow::Borrowed(&[Part::Body]),
        delivery: DeliveryRule::POST,
        signature: Signature::BASE,
        key: KeyRule::TEXT,
        timestamp: None,
        event: EventRule::NONE,
        handshakes: Cow::Borrowed(&[]),
    };

    /// Whether the signature covers the body, or what a form in it [says](Part::Form).
    #[must_use]
    pub fn covers_body(&self) -> bool {
        self.content.iter().any(Part::is_body)
    }

    /// Whether nothing authenticates the sender at all.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        self.algorithms().all(|algorithm| algorithm == Algorithm::None)
    }

    /// Whether a request holds a signature by each of several keys, so that while a secret is changed a sender can sign
    /// with the old and the new one. Elsewhere the first key signs, and it is the receiver who accepts both.
    #[must_use]
    pub fn holds_several_signatures(&self) -> bool {
        match &self.signature.source {
            Source::Header(_) => {
                matches!(self.signature.syntax, Syntax::List { .. } | Syntax::Positional { .. })
            }
            Source::Repeated(_) | Source::Numbered(_) => true,
            Source::PerKey(names) => names.len() > 1,
        }
    }

    /// The algorithms that the scheme allows.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.signature.versions.iter().map(|version| version.algorithm)
    }

    /// Whether requests may arrive by `method`.
    #[must_use]
    pub fn allows_method(&self, method: &str) -> bool {
        match &*self.delivery.methods {
            [] => method == "POST",
            methods => methods.iter().any(|allowed| allowed == method),
        }
    }

    /// Whether what stands at `place` is under the signature, so that nobody but the key's holder
    /// can have chosen it.
    #[must_use]
    pub fn signs(&self, place: &Place) -> bool {
        match place {
            Place::Header(name) => self
                .content
                .iter()
                .any(|part| matches!(part, Part::Header(signed) if signed.eq_ignore_ascii_case(name))),
            Place::Field(name) => {
                self.content.iter().any(|part| matches!(part, Part::Field(signed) if signed == name))
            }
            Place::Json(_) => self.covers_body(),
        }
    }

    /// Whether a part of the content is the time of sending.
    pub(crate) fn is_time(&self, part: &Part) -> bool {
        match (part, self.timestamp.as_ref().map(|rule| &rule.at)) {
            (Part::Header(name), Some(Place::Header(time))) => name.eq_ignore_ascii_case(time),
            (Part::Field(name), Some(Place::Field(time))) => name == time,
            _ => false,
        }
    }

    /// Whether verifying needs the whole body, so that it must be kept until its end.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        self.is_signed_whole() || matches!(&self.timestamp, Some(TimestampRule { at: Place::Json(_), .. }))
    }

    /// Whether it is the [fields of a form](Part::Form) that are signed: a body that is none, such as JSON, has none.
    #[must_use]
    pub fn signs_form(&self) -> bool {
        self.content.contains(&Part::Form)
    }

    /// Whether the signed bytes are known only when the body has ended, or may be one of several.
    pub(crate) fn is_signed_whole(&self) -> bool {
        self.content.iter().any(|part| matches!(part, Part::Form | Part::RequestUrlAnyPort))
    }

    /// This scheme with the header names that begin with `from` beginning with `to` instead.
    pub(crate) fn with_family(&self, from: &str, to: &str) -> Scheme {
        let mut scheme = self.clone();
        scheme.for_each_header(|name| {
            if let Some(rest) = strip_prefix_ignore_case(name, from) {
                *name = Cow::Owned(alloc::format!("{to}{rest}"));
            }
        });
        scheme
    }

    /// Calls `change` with every header name that the scheme reads from a delivery.
    pub(crate) fn for_each_header(&mut self, mut change: impl FnMut(&mut Text)) {
        match &mut self.signature.source {
            Source::Header(name) | Source::Repeated(name) | Source::Numbered(name) => change(name),
            Source::PerKey(names) => names.to_mut().iter_mut().for_each(&mut change),
        }
        for part in self.content.to_mut() {
            if let Part::Header(name) = part {
                change(name);
            }
        }
        self.delivery.fixed.to_mut().iter_mut().for_each(|fixed| change(&mut fixed.name));
        let places = self.timestamp.iter_mut().map(|rule| &mut rule.at);
        let event = &mut self.event;
        let ids = event.id.to_mut().iter_mut().chain(event.event_type.to_mut());
        for place in places.chain(ids).chain(&mut event.time) {
            if let Place::Header(name) = place {
                change(name);
            }
        }
    }
}

/// How deliveries arrive, beside their signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields, default))]
pub struct DeliveryRule {
    /// The methods by which deliveries arrive; empty means `POST` alone.
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "<[Text]>::is_empty"))]
    pub methods: List<Text>,
    /// Prefixes of header names of which one request uses exactly one, the first being the one
    /// that this scheme's header names are written with (`["svix-", "webhook-"]`). The prefix is
    /// chosen once, by the signature header, and never mixed.
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "<[Text]>::is_empty"))]
    pub families: List<Text>,
    /// Headers that must hold a fixed value.
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "<[FixedHeader]>::is_empty"))]
    pub fixed: List<FixedHeader>,
    /// Headers that are taken into the signed content as identifiers must match
    /// `[A-Za-z0-9_-]{1,255}`, so that no byte can move across a delimiter. `false` lifts that for
    /// a provider whose identifiers hold other visible ASCII characters.
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "is_true"))]
    pub strict_ids: bool,
    /// The value of `WWW-Authenticate` that a refusal carries, where the provider's authentication
    /// is HTTP's own (RFC 9110 §11.6.1).
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "Option::is_none"))]
    pub challenge: Option<Text>,
}

impl DeliveryRule {
    /// By `POST`, with one family of header names and none that is fixed.
    pub const POST: DeliveryRule = DeliveryRule {
        methods: Cow::Borrowed(&[]),
        families: Cow::Borrowed(&[]),
        fixed: Cow::Borrowed(&[]),
        strict_ids: true,
        challenge: None,
    };
}

#[cfg(feature = "toml")]
impl DeliveryRule {
    fn is_post(&self) -> bool {
        *self == DeliveryRule::POST
    }
}

impl Default for DeliveryRule {
    fn default() -> Self {
        DeliveryRule::POST
    }
}

/// A header that must hold a fixed value, such as the version of the signature scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct FixedHeader {
    /// The header's name.
    pub name: Text,
    /// The value, compared byte for byte.
    pub value: Text,
    /// Whether the header may be absent.
    #[cfg_attr(feature = "toml", serde(default))]
    pub optional: bool,
}

pub(crate) fn strip_prefix_ignore_case<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let head = name.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &name[prefix.len()..])
}

#[cfg(feature = "toml")]
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_true(value: &bool) -> bool {
    *value
}
