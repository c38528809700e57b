//! The schemes of known providers.
//!
//! Each provider is a constant, and [`ALL`] holds every one of them, sorted by name. A program that
//! knows its provider names the constant; a program that is configured calls [`find`]:
//!
//! ```
//! use countersign::catalog;
//!
//! assert_eq!(catalog::find("stripe"), Some(&catalog::STRIPE));
//! assert_eq!(catalog::find("acme"), None);
//!
//! let unsigned = catalog::ALL.iter().filter(|scheme| scheme.is_unsigned());
//! assert_eq!(unsigned.map(|scheme| &*scheme.name).collect::<Vec<_>>(), ["billrun", "snapbill"]);
//! ```
//!
//! # What an entry promises
//!
//! An entry holds what the provider's documentation and libraries say; [`Scheme::source`] names them.
//! Where these leave something open, the entry's own page says what was assumed. Four things differ
//! from provider to provider, and each page names them where they are less than one would expect:
//!
//! - **What is signed.** A header that isn't in [`Scheme::content`] is not signed: whoever can send
//!   a captured request again can change it. Under [`Algorithm::Token`] nothing is signed at all.
//! - **Whether there is a time.** Without [`Scheme::timestamp`] a captured request stays valid until
//!   the secret is changed, so only an idempotency store that remembers for long enough helps.
//! - **What is the event's id.** [`EventRule::id`] is the same over retries. It is empty where the
//!   provider sends none, sends a new one at each attempt, or puts several events into one request.
//! - **How short a secret may be.** [`KeyRule::min_bytes`] is lowered where the provider lets its
//!   users choose the secret: choose one of 32 random bytes.
//!
//! A provider that changes one thing is a constant with that thing changed:
//!
//! ```
//! use std::borrow::Cow::Borrowed;
//! use countersign::{catalog, scheme::{Scheme, Source}};
//!
//! let mut fork = catalog::GITHUB;
//! fork.name = Borrowed("forge");
//! fork.signature.source = Source::Header(Borrowed("X-Forge-Signature-256"));
//! assert!(fork.check().is_ok());
//! ```

use alloc::borrow::Cow::Borrowed;

pub use self::{
    billing::*, business::*, chat::*, code::*, payments::*, productivity::*, standard::*, subscriptions::*,
    web::*,
};
use crate::scheme::{
    Algorithm, Answer, AnswerBody, AnswerHeader, AnswerValue, DeliveryRule, Encoding, EventRule, FixedHeader,
    KeyForm, KeyKind, KeyRule, Part, Place, Scheme, SecretEncoding, Separator, Signature, Source, Syntax,
    TimeFormat, TimestampRule, Version,
};

/// A list of content parts or of places: `list![Part: Field("t"), Literal("."), Body]`.
macro_rules! list {
    ($of:ident: $($kind:ident $(($text:literal))?),+) => {
        Borrowed(&[$($of::$kind $((Borrowed($text)))?),+])
    };
}

mod billing;
mod business;
mod chat;
mod code;
mod payments;
mod productivity;
mod standard;
mod subscriptions;
#[cfg(test)]
mod tests;
mod web;

/// Every scheme of the catalogue, sorted by name.
pub static ALL: &[Scheme] = &[
    ADYEN_PLATFORM,
    AIRTABLE,
    ASANA,
    BASIC_AUTH,
    BEARER_TOKEN,
    BILLRUN,
    BITBUCKET,
    BOX,
    CALCOM,
    CALENDLY,
    CHARGEBEE,
    CHECKOUT,
    CIRCLECI,
    CLERK,
    CLOUDEVENTS_WEBHOOK,
    COINBASE_COMMERCE,
    DISCORD,
    DISCORD_EVENTS,
    DOCUSIGN,
    DROPBOX,
    FLUTTERWAVE_V3,
    FLUTTERWAVE_V4,
    GITHUB,
    GITHUB_SHA1,
    GITLAB,
    GITLAB_TOKEN,
    GOCARDLESS,
    HUBSPOT_V1,
    HUBSPOT_V2,
    HUBSPOT_V3,
    INTERCOM,
    IPTVBP,
    ISPBILLS,
    JIRA,
    LEMONSQUEEZY,
    LINE,
    LINEAR,
    META,
    META_LEGACY_SHA1,
    MOLLIE,
    MUX,
    NOTION,
    OPENAI,
    PADDLE,
    PAGERDUTY,
    PANEL,
    PAYSTACK,
    RAZORPAY,
    RECURLY,
    RESEND,
    SANITY,
    SENDGRID,
    SENTRY,
    SHOPIFY,
    SHOPIFY_EVENTS,
    SLACK,
    SNAPBILL,
    SQUARE,
    SQUARE_LEGACY_SHA1,
    STANDARD_WEBHOOKS,
    STRIPE,
    SUPABASE,
    SVIX,
    TELEGRAM,
    TRELLO,
    TWILIO,
    TWITCH,
    TYPEFORM,
    VERCEL,
    VIBER,
    WEBSUB,
    WOOCOMMERCE,
    XERO,
    ZENDESK,
    ZOOM,
];

/// The scheme with this name: `"stripe"`, `"hubspot-v3"`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scheme> {
    let at = ALL.binary_search_by(|scheme| (*scheme.name).cmp(name)).ok()?;
    ALL.get(at)
}

/// By which several providers sign, whose own schemes are much the same.
#[cfg(feature = "explain")]
pub(crate) const SHARED: [&str; 2] = ["standard-webhooks", "svix"];

/// What each entry is written as a change of: signature and key are always given. Unlike
/// [`Scheme::BASE`] it is made of literals alone, without which a `const` can't be updated.
const BASE: Scheme = Scheme {
    name: Borrowed(""),
    title: Borrowed(""),
    source: Borrowed(""),
    content: list![Part: Body],
    delivery: DeliveryRule::POST,
    signature: Signature {
        source: Source::Header(Borrowed("")),
        syntax: Syntax::Bare,
        versions: Borrowed(&[]),
        encoding: Encoding::Hex,
    },
    key: KeyRule { forms: Borrowed(&[]), min_bytes: 0, max_bytes: 0, joined_by: None },
    timestamp: None,
    event: EventRule::NONE,
    handshakes: Borrowed(&[]),
};

/// The algorithms of a signature without a label.
const SHA1: &[Version] = &[Version::bare(Algorithm::HmacSha1)];
const SHA256: &[Version] = &[Version::bare(Algorithm::HmacSha256)];
const SHA512: &[Version] = &[Version::bare(Algorithm::HmacSha512)];
const SHA256_SECRET_PREFIX: &[Version] = &[Version::bare(Algorithm::Sha256SecretPrefix)];
const ED25519: &[Version] = &[Version::bare(Algorithm::Ed25519)];
const ECDSA: &[Version] = &[Version::bare(Algorithm::EcdsaP256Sha256)];
const TOKEN: &[Version] = &[Version::bare(Algorithm::Token)];

/// The algorithms of a signature behind a label.
const SHA1_LABEL: &[Version] = &[Version::labelled("sha1", Algorithm::HmacSha1)];
const SHA256_LABEL: &[Version] = &[Version::labelled("sha256", Algorithm::HmacSha256)];
const SHA256_LABEL_OR_NONE: &[Version] =
    &[Version::labelled("sha256", Algorithm::HmacSha256), Version::bare(Algorithm::HmacSha256)];
const V0: &[Version] = &[Version::labelled("v0", Algorithm::HmacSha256)];
const V1: &[Version] = &[Version::labelled("v1", Algorithm::HmacSha256)];
const V1_OR_NONE: &[Version] =
    &[Version::labelled("v1", Algorithm::HmacSha256), Version::bare(Algorithm::HmacSha256)];

/// Secrets that the provider's users choose, which may be of any length.
const CHOSEN: KeyRule = KeyRule::TEXT.min(1);

/// Secrets that the provider issues: all that are known are longer than this.
const ISSUED: KeyRule = KeyRule::TEXT.min(8);

/// What providers do that let their users choose the method.
const ANY_METHOD: DeliveryRule = DeliveryRule {
    methods: Borrowed(&[
        Borrowed("POST"),
        Borrowed("GET"),
        Borrowed("PUT"),
        Borrowed("PATCH"),
        Borrowed("DELETE"),
    ]),
    ..DeliveryRule::POST
};

/// A user's name and password.
const BASIC_KEY: &[KeyForm] = &[KeyForm::new("", SecretEncoding::BasicCredentials, KeyKind::Symmetric)];
const BASIC_CHALLENGE: DeliveryRule = challenge("Basic realm=\"webhook\"");

/// A delivery that is asked to authenticate itself.
const fn challenge(value: &'static str) -> DeliveryRule {
    DeliveryRule { challenge: Some(Borrowed(value)), ..DeliveryRule::POST }
}

/// A signature alone in its header.
const fn bare(header: &'static str, versions: &'static [Version], encoding: Encoding) -> Signature {
    Signature {
        source: Source::Header(Borrowed(header)),
        syntax: Syntax::Bare,
        versions: Borrowed(versions),
        encoding,
    }
}

/// A signature behind its label and `=`: `sha256=…`.
const fn labelled(header: &'static str, versions: &'static [Version], encoding: Encoding) -> Signature {
    Signature {
        source: Source::Header(Borrowed(header)),
        syntax: Syntax::Labelled('='),
        versions: Borrowed(versions),
        encoding,
    }
}

/// A list of `label=value`: `t=…,v1=…`.
const fn listed(
    header: &'static str,
    separator: Separator,
    versions: &'static [Version],
    encoding: Encoding,
) -> Signature {
    Signature {
        source: Source::Header(Borrowed(header)),
        syntax: Syntax::List { separator, delimiter: '=' },
        versions: Borrowed(versions),
        encoding,
    }
}

/// A token in `Authorization`, behind the name of the authentication scheme.
const fn authorization(scheme: &'static str, encoding: Encoding) -> Signature {
    Signature {
        source: Source::Header(Borrowed("Authorization")),
        syntax: Syntax::Authorization(Borrowed(scheme)),
        versions: Borrowed(TOKEN),
        encoding,
    }
}

/// A signed time, with its limits in seconds.
const fn time(
    at: Place,
    format: TimeFormat,
    past: Option<u32>,
    future: Option<u32>,
) -> Option<TimestampRule> {
    Some(TimestampRule { at, format, past, future, not_before: None })
}

/// A place in a header.
const fn header(name: &'static str) -> Place {
    Place::Header(Borrowed(name))
}

/// A place in the signature header.
const fn field(name: &'static str) -> Place {
    Place::Field(Borrowed(name))
}

/// A place in the body.
const fn json(pointer: &'static str) -> Place {
    Place::Json(Borrowed(pointer))
}

const fn fixed(name: &'static str, value: &'static str) -> FixedHeader {
    FixedHeader { name: Borrowed(name), value: Borrowed(value), optional: false }
}

/// A header that holds this value wherever it is sent at all.
const fn fixed_if_sent(name: &'static str, value: &'static str) -> FixedHeader {
    FixedHeader { name: Borrowed(name), value: Borrowed(value), optional: true }
}

/// An answer without a body.
const fn empty(status: u16) -> Answer {
    Answer { status, content_type: None, headers: Borrowed(&[]), body: AnswerBody::Empty }
}

/// An answer that gives back a value of the request. Never as HTML, which would let the sender of a
/// link run a script on the receiver's site.
const fn echo(value: AnswerValue) -> Answer {
    Answer {
        status: 200,
        content_type: Some(Borrowed("text/plain")),
        headers: Borrowed(NO_SNIFFING),
        body: AnswerBody::Text(value),
    }
}

const NO_SNIFFING: &[AnswerHeader] = &[AnswerHeader {
    name: Borrowed("X-Content-Type-Options"),
    value: AnswerValue::Fixed(Borrowed("nosniff")),
}];
