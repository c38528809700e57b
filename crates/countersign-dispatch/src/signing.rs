//! The signer of an endpoint, made of what the store keeps.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use countersign::{
    Key, Keyring, Message as Content, Scheme, SignError, Signer, catalog,
    scheme::{Algorithm, Text},
};
use countersign_store::outbox::{Endpoint, EndpointKey, Message};
use countersign_transport::{CustomHeaders, HeaderError};

use crate::{SealError, Sealer, seal};

/// Signers of the endpoints that were sent to last. Reading keys and a scheme costs more than signing.
pub(crate) struct Signers {
    sealer: Option<Sealer>,
    known: Mutex<HashMap<String, Arc<EndpointSigner>>>,
}

/// How many signers are kept.
const MOST: usize = 10_000;
const FORM: &str = "application/x-www-form-urlencoded";

/// The signer of an endpoint, and what it was made of.
pub(crate) struct EndpointSigner {
    scheme: String,
    keys: Vec<EndpointKey>,
    signer: Signer,
    /// The names of the headers that it writes, by whichever keys.
    writes: Vec<Text>,
    shows_token: bool,
    signs_form: bool,
}

/// Why nothing can be signed for an endpoint, without any part of a secret.
pub(crate) enum CannotSign {
    /// Its scheme or its keys are none.
    Settings(String),
    /// Its secret can't be opened with the keys that this process has.
    Sealed(SealError),
}

impl fmt::Display for CannotSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CannotSign::Settings(reason) => f.write_str(reason),
            CannotSign::Sealed(error) => error.fmt(f),
        }
    }
}

impl From<String> for CannotSign {
    fn from(reason: String) -> Self {
        CannotSign::Settings(reason)
    }
}

impl Signers {
    pub(crate) fn new(sealer: Option<Sealer>) -> Self {
        Signers { sealer, known: Mutex::default() }
    }

    /// The signer of an endpoint as it is now.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn of(&self, endpoint: &Endpoint) -> Result<Arc<EndpointSigner>, CannotSign> {
        let known = self.lock().get(&endpoint.id).cloned();
        if let Some(signer) = known.filter(|signer| signer.is_of(endpoint)) {
            return Ok(signer);
        }
        let signer = Arc::new(EndpointSigner::new(endpoint, self.sealer.as_ref())?);
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(endpoint.id.clone(), signer.clone());
        Ok(signer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<EndpointSigner>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EndpointSigner {
    pub(crate) fn new(endpoint: &Endpoint, sealer: Option<&Sealer>) -> Result<Self, CannotSign> {
        let scheme = scheme_of(&endpoint.scheme)?;
        let keys = keyring(&scheme, endpoint, sealer)?;
        Ok(EndpointSigner {
            scheme: endpoint.scheme.clone(),
            keys: endpoint.keys.clone(),
            signer: Signer::new(&scheme, keys).map_err(|error| error.to_string())?,
            writes: scheme.written_headers(),
            shows_token: scheme.algorithms().any(|algorithm| algorithm == Algorithm::Token),
            signs_form: scheme.signs_form(),
        })
    }

    fn is_of(&self, endpoint: &Endpoint) -> bool {
        self.scheme == endpoint.scheme && self.keys == endpoint.keys
    }

    /// The headers that make a message authentic for the endpoint.
    ///
    /// # Errors
    /// Why it can't be signed now.
    pub(crate) fn sign(
        &self,
        message: &Message,
        endpoint: &Endpoint,
        body: &[u8],
        now: i64,
    ) -> Result<Vec<(String, String)>, SignError> {
        let content = Content {
            event_type: Some(&message.event_type),
            url: &endpoint.url,
            ..Content::new(&message.id, body)
        };
        Ok(self.signer.sign(&content, now)?.headers)
    }

    /// Checks that what is signed is what is sent: of a form its fields are, and of another body none.
    ///
    /// # Errors
    /// Why the message can't go to the endpoint.
    pub(crate) fn check_content_type(&self, content_type: &str) -> Result<(), String> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        match self.signs_form && !kind.eq_ignore_ascii_case(FORM) {
            true => {
                Err(format!("the scheme signs the fields of a form: a message needs the content type {FORM}"))
            }
            false => Ok(()),
        }
    }

    /// Checks the headers that the endpoint's owner has added. None may be one that the scheme writes, now or with more
    /// keys: receivers could take it for a signature.
    ///
    /// # Errors
    /// Why they can't be sent.
    pub(crate) fn check_custom(&self, endpoint: &Endpoint) -> Result<(), HeaderError> {
        if endpoint.headers.is_empty() {
            return Ok(());
        }
        let writes: Vec<&str> = self.writes.iter().map(|name| &**name).collect();
        let custom = endpoint.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        CustomHeaders::check(custom, &writes).map(drop)
    }

    /// Whether the headers hold the secret itself, and must not be recorded.
    pub(crate) fn shows_token(&self) -> bool {
        self.shows_token
    }
}

/// The scheme of an endpoint.
///
/// # Errors
/// Why there is none.
pub(crate) fn scheme_of(text: &str) -> Result<Scheme, String> {
    match catalog::find(text) {
        Some(scheme) => Ok(scheme.clone()),
        None if text.contains('\n') => Scheme::from_toml(text).map_err(|error| error.to_string()),
        None => Err(format!("no scheme is called {text}: see `countersign schemes`, or write one as TOML")),
    }
}

fn keyring(scheme: &Scheme, endpoint: &Endpoint, sealer: Option<&Sealer>) -> Result<Keyring, CannotSign> {
    if scheme.is_unsigned() {
        return Ok(Keyring::accept_unsigned(scheme).map_err(|error| error.to_string())?);
    }
    let mut builder = Keyring::builder(scheme);
    for EndpointKey { label, secret, valid_from, valid_until } in &endpoint.keys {
        let secret = seal::open(sealer, &endpoint.id, label, secret).map_err(CannotSign::Sealed)?;
        let mut key = Key::new(label, &secret);
        if let Some(from) = valid_from {
            key = key.valid_from(*from);
        }
        if let Some(until) = valid_until {
            key = key.valid_until(*until);
        }
        builder = builder.key(key);
    }
    Ok(builder.build().map_err(|error| error.to_string())?)
}
