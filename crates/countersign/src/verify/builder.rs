//! Building a verifier.

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::fmt;

use super::{Rules, Verifier, plan::Plan};
use crate::{
    Keyring, Tolerance, content,
    scheme::{Algorithm, Part, Place, Scheme, SchemeError, Source},
    secret::Secret,
};

/// Named values that handshakes are compared with.
pub(crate) type Settings = Vec<(String, Secret)>;

/// How much of a request is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) header_bytes: usize,
    pub(crate) signatures: usize,
    pub(crate) public_key_signatures: usize,
    pub(crate) form_fields: usize,
}

/// Builds a [`Verifier`]. Mistakes are found here, not when the first request arrives.
#[derive(Debug)]
#[must_use]
pub struct VerifierBuilder {
    scheme: Scheme,
    keys: Option<Arc<Keyring>>,
    versions: Option<Vec<String>>,
    rules: Rules,
}

impl VerifierBuilder {
    /// The most bytes of a signature header, by default.
    pub const DEFAULT_HEADER_BYTES: usize = 8 * 1024;
    /// The most signatures in one request, by default.
    pub const DEFAULT_SIGNATURES: usize = 16;
    /// The most signatures in one request, by default, that a public key verifies, as those by Ed25519. Each costs a whole
    /// verification a key, where a MAC is computed once a key however many signatures there are.
    pub const DEFAULT_PUBLIC_KEY_SIGNATURES: usize = 4;
    /// The most fields of a form whose fields are signed, by default.
    pub const DEFAULT_FORM_FIELDS: usize = 1_000;
    /// The most signatures in one request, by default, where each stands in a numbered header: as
    /// many as DocuSign sends.
    pub const DEFAULT_NUMBERED_SIGNATURES: usize = 100;

    pub(super) fn new(scheme: Scheme) -> Self {
        let signatures = match scheme.signature.source {
            Source::Numbered(_) => Self::DEFAULT_NUMBERED_SIGNATURES,
            _ => Self::DEFAULT_SIGNATURES,
        };
        let (header_bytes, public_key_signatures) =
            (Self::DEFAULT_HEADER_BYTES, Self::DEFAULT_PUBLIC_KEY_SIGNATURES);
        let form_fields = Self::DEFAULT_FORM_FIELDS;
        let limits = Limits { header_bytes, signatures, public_key_signatures, form_fields };
        let rules = Rules {
            families: Vec::new(),
            tolerance: Tolerance::default(),
            url: String::new(),
            other_url: None,
            settings: Vec::new(),
            limits,
            strict_json: true,
            trust_unsigned_ids: false,
            enrolling: false,
        };
        VerifierBuilder { scheme, keys: None, versions: None, rules }
    }

    /// The secrets of the endpoint. There is no verifier without.
    pub fn keys(mut self, keys: impl Into<Arc<Keyring>>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// How far a timestamp may be off. The default is what the scheme says.
    pub fn tolerance(mut self, tolerance: Tolerance) -> Self {
        self.rules.tolerance = tolerance;
        self
    }

    /// The endpoint's URL as it is registered with the provider, byte for byte and with its path, for the schemes that
    /// sign it. Of the schemes that sign the URL of the request its origin counts, and path and query are the request's.
    /// Headers such as `X-Forwarded-Host` are never asked.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.rules.url = url.into();
        self
    }

    /// Accepts these labels alone, of those that the scheme knows.
    pub fn versions<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.versions = Some(labels.into_iter().map(Into::into).collect());
        self
    }

    /// Where the event's id stands, in place of what the scheme says: for an idempotency key of the
    /// application's choice.
    pub fn event_id(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.scheme.event.id = places.into_iter().collect();
        self
    }

    /// Takes an id that isn't under the signature for the idempotency key even where the body's
    /// digest could be had. Whoever replays a request can then give it a new id. Where the provider's types aren't
    /// signed either, two events [with one body](crate::idempotency#two-events-with-one-body) are then two.
    pub fn trust_unsigned_ids(mut self) -> Self {
        self.rules.trust_unsigned_ids = true;
        self
    }

    /// Whether reading an event refuses JSON whose objects hold one key twice. On by default.
    pub fn strict_json(mut self, strict: bool) -> Self {
        self.rules.strict_json = strict;
        self
    }

    /// A value that the scheme's handshake compares with, such as `verify_token`. It is kept as a
    /// secret is.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.rules.settings.push((name.to_owned(), Secret::new(value.as_bytes().to_vec())));
        self
    }

    /// Whether the application is just registering this endpoint, so that a handshake that anybody
    /// could send, and that hands over the secret, is answered. Off by default.
    pub fn enrolling(mut self, enrolling: bool) -> Self {
        self.rules.enrolling = enrolling;
        self
    }

    /// The most bytes of a signature header; 8 KiB by default.
    pub fn max_header_bytes(mut self, bytes: usize) -> Self {
        self.rules.limits.header_bytes = bytes;
        self
    }

    /// The most signatures in one request; 16 by default, 100 in numbered headers.
    pub fn max_signatures(mut self, count: usize) -> Self {
        self.rules.limits.signatures = count;
        self
    }

    /// The most signatures in one request that a public key verifies, as those by Ed25519; 4 by default.
    pub fn max_public_key_signatures(mut self, count: usize) -> Self {
        self.rules.limits.public_key_signatures = count;
        self
    }

    /// The most fields of a [form](Part::Form) whose fields are signed; 1,000 by default. They are sorted before anything
    /// is known of their sender.
    pub fn max_form_fields(mut self, count: usize) -> Self {
        self.rules.limits.form_fields = count;
        self
    }

    /// The verifier.
    ///
    /// # Errors
    /// A scheme that makes no sense, keys that are missing or another scheme's, a URL that the scheme
    /// signs and nobody gave, or a version that the scheme doesn't know.
    pub fn build(mut self) -> Result<Verifier, ConfigError> {
        if let Some(labels) = self.versions.take() {
            self.restrict(&labels)?;
        }
        self.scheme.check().map_err(ConfigError::Scheme)?;
        let keys = self.keys.ok_or(ConfigError::NoKeys)?;
        if !keys.belongs_to(&self.scheme) {
            return Err(ConfigError::OtherScheme(keys.scheme.clone().into_owned()));
        }
        if self.scheme.content.iter().any(Part::is_url) && !content::is_url(&self.rules.url) {
            return Err(ConfigError::NoUrl);
        }
        if self.scheme.content.contains(&Part::RequestUrlAnyPort) {
            self.rules.other_url = content::with_other_port(&self.rules.url);
        }
        if let Some((name, _)) = self.rules.settings.iter().find(|(_, value)| value.expose().is_empty()) {
            return Err(ConfigError::EmptySetting(name.clone()));
        }
        self.rules.families = families(&self.scheme);
        Ok(Verifier { rules: Arc::new(self.rules), keys, endpoint: None })
    }

    fn restrict(&mut self, labels: &[String]) -> Result<(), ConfigError> {
        let versions = &self.scheme.signature.versions;
        let known = |label: &&String| versions.iter().any(|version| version.label == **label);
        if let Some(unknown) = labels.iter().find(|label| !known(label)) {
            return Err(ConfigError::UnknownVersion(unknown.clone()));
        }
        let allowed = versions.iter().filter(|version| labels.iter().any(|label| *label == version.label));
        self.scheme.signature.versions = Cow::Owned(allowed.cloned().collect());
        Ok(())
    }
}

/// A plan for each of the scheme's header families.
fn families(scheme: &Scheme) -> Vec<Plan> {
    let families = scheme.delivery.families.split_first();
    let (first, others) = families.map_or(("", [].as_slice()), |(first, others)| (&**first, others));
    let renamed = others.iter().map(|other| scheme.with_family(first, other));
    core::iter::once(scheme.clone()).chain(renamed).map(Plan::new).collect()
}

/// What is wrong with a verifier's or a signer's configuration.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The scheme makes no sense.
    Scheme(SchemeError),
    /// No keys were given.
    NoKeys,
    /// The keys were read for this other scheme, or for one that signs where this one doesn't.
    OtherScheme(String),
    /// The scheme signs the endpoint's URL, and none was given, or no URL.
    NoUrl,
    /// This setting is empty, so that a request without the value would agree with it.
    EmptySetting(String),
    /// The scheme has no version of this label.
    UnknownVersion(String),
    /// The scheme signs a field of the signature header that isn't the time: a signer can't know it.
    UnknownField(String),
    /// No key can make a signature by this algorithm: it is a public key, or nothing is signed.
    CannotSign(Algorithm),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Scheme(error) => write!(f, "the scheme makes no sense: {error}"),
            ConfigError::NoKeys => f.write_str("no keys were given: call `keys`"),
            ConfigError::OtherScheme(name) => {
                write!(f, "the keys were read for scheme `{name}`: read them again for this one")
            }
            ConfigError::NoUrl => f.write_str(
                "the scheme signs the endpoint's URL: give it, as it is registered with the provider, by `public_url`",
            ),
            ConfigError::EmptySetting(name) => write!(f, "the setting `{name}` is empty: give its value"),
            ConfigError::UnknownVersion(label) => write!(f, "the scheme has no version `{label}`"),
            ConfigError::UnknownField(name) => {
                write!(f, "the scheme signs the field `{name}`, which isn't the time: it can be verified, not signed")
            }
            ConfigError::CannotSign(algorithm) => {
                write!(f, "no key of the keyring can sign by {}", algorithm.as_str())
            }
        }
    }
}

/// As a sentence, for `main` prints an error so.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({self})")
    }
}

impl core::error::Error for ConfigError {}
