//! The vectors of `tests/vectors`: cases as data, and what a case means to a verifier.

use std::{fs, path::Path};

use base64ct::{Base64, Encoding as _};
use countersign::{
    ConfigError, ErrorKind, KeyError, Keyring, Outcome, RequestView, Scheme, Tolerance, Verifier, catalog,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One case. The fields are those of `tests/vectors/README.md`.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "tests/vectors/README.md documents the fields")]
pub struct Case {
    pub id: String,
    pub scheme: String,
    pub kind: String,
    pub secrets: Vec<String>,
    #[serde(default)]
    pub config: Option<Map<String, Value>>,
    pub now: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    pub tolerance_s: Option<Option<u32>>,
    pub method: String,
    pub url: Option<String>,
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: String,
    pub body_b64: Option<String>,
    pub expect: String,
    pub response: Option<Value>,
}

/// Tells `"tolerance_s": null` from its absence.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Why a case has no verifier.
#[derive(Debug)]
pub enum NoVerifier {
    /// A secret that the keyring refuses.
    Secret(KeyError),
    /// A configuration that makes no sense.
    Config(ConfigError),
}

/// Every case of `tests/vectors`, by file and in order.
///
/// # Panics
/// Where a file can't be read.
#[must_use]
pub fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let entries = fs::read_dir(&folder).expect("tests/vectors").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    let read = |path| {
        let text = fs::read_to_string(path).expect("a vector file");
        serde_json::from_str::<Vec<Case>>(&text).expect("cases")
    };
    files.iter().flat_map(read).collect()
}

impl Case {
    /// The scheme.
    ///
    /// # Panics
    /// Where the catalogue has none of that name.
    #[must_use]
    pub fn scheme(&self) -> &'static Scheme {
        catalog::find(&self.scheme).unwrap_or_else(|| panic!("{}: no scheme {}", self.id, self.scheme))
    }

    /// The body's bytes.
    ///
    /// # Panics
    /// Where `body_b64` isn't base64.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        match &self.body_b64 {
            Some(text) => Base64::decode_vec(text).expect("base64"),
            None => self.body.clone().into_bytes(),
        }
    }

    /// The time to verify at. Where the case has none, age is not checked and any time will do.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now.unwrap_or(1_700_000_000)
    }

    /// The path and query of the URL.
    #[must_use]
    pub fn target(&self) -> &str {
        let path = self.url.as_deref().and_then(|url| url.split_once("://")?.1.find('/'));
        match (&self.url, path) {
            (Some(url), Some(at)) => &url[url.find("://").map_or(0, |scheme| scheme + 3) + at..],
            _ => "/",
        }
    }

    /// The verifier that the case's receiver would have.
    ///
    /// # Errors
    /// A secret or a configuration that is refused.
    pub fn verifier(&self) -> Result<Verifier, NoVerifier> {
        let scheme = self.scheme();
        let keys = match scheme.is_unsigned() {
            true => Keyring::accept_unsigned(scheme),
            false => Keyring::new(scheme, &self.secrets),
        };
        let keys = keys.map_err(NoVerifier::Secret)?;
        let mut builder = Verifier::builder(scheme.clone())
            .keys(keys)
            .tolerance(self.tolerance())
            .enrolling(self.kind == "handshake")
            .public_url(self.url.clone().unwrap_or_default());
        for (name, value) in self.config.iter().flatten() {
            match value {
                Value::String(text) => builder = builder.setting(name, text),
                Value::Array(labels) => {
                    builder =
                        builder.versions(labels.iter().filter_map(|label| Some(label.as_str()?.to_owned())));
                }
                _ => {}
            }
        }
        builder.build().map_err(NoVerifier::Config)
    }

    fn tolerance(&self) -> Tolerance {
        let future = self.scheme().timestamp.as_ref().and_then(|rule| rule.future);
        match (self.now, self.tolerance_s) {
            (None, _) | (_, Some(None)) => Tolerance::UNCHECKED,
            (_, None) => Tolerance::default(),
            (_, Some(Some(seconds))) if future.is_some() => {
                Tolerance::default().past(seconds).future(seconds)
            }
            (_, Some(Some(seconds))) => Tolerance::default().past(seconds),
        }
    }

    /// What the core says of the case: the kind of error, and the status owed to a handshake.
    #[must_use]
    pub fn judge(&self) -> Verdict {
        let verifier = match self.verifier() {
            Ok(verifier) => verifier,
            Err(reason) => {
                return Verdict { kind: None, valid: false, why: format!("{reason:?}"), response: None };
            }
        };
        let body = self.body();
        let request = RequestView { method: &self.method, target: self.target(), headers: &self.headers };
        let refused = |error: countersign::Error| Verdict {
            kind: Some(error.kind()),
            valid: false,
            why: error.to_string(),
            response: Some((error.status(), None, String::new())),
        };
        let accepted = |response| Verdict { kind: None, valid: true, why: String::new(), response };
        if self.kind == "signature" {
            return verifier.verify(&request, &body, self.now()).map_or_else(refused, |_| accepted(None));
        }
        match verifier.receive(&request, &body, self.now()) {
            Ok(Outcome::Handshake(greeting)) => {
                let content_type = greeting.content_type().map(str::to_owned);
                accepted(Some((greeting.status, content_type, greeting.body)))
            }
            Ok(Outcome::Event(_)) => accepted(None),
            Err(error) => refused(error),
        }
    }
}

/// What was found out about a case.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whether it is authentic, or a handshake that is answered.
    pub valid: bool,
    /// Why not.
    pub kind: Option<ErrorKind>,
    /// Why not, in words.
    pub why: String,
    /// Status, content type and body of the answer to a handshake.
    pub response: Option<(u16, Option<String>, String)>,
}

/// The cases of which we disagree with what their file expects, each with the reason.
pub const DISAGREEMENTS: &[(&str, &str)] = &[
    (
        "svix-mixed-families",
        "one request must use one family of header names, svix-* or webhook-*; the file notes that a stricter \
         engine may require that, and a sender that mixes them is none that we know",
    ),
    (
        "twilio-form-apostrophe-url",
        "the URL is signed as the request carries it; one of four libraries also tries another spelling of its query, \
         which the others refuse",
    ),
];

/// Whether we disagree with what a case expects.
#[must_use]
pub fn is_disagreed(id: &str) -> bool {
    DISAGREEMENTS.iter().any(|(other, _)| *other == id)
}
