//! What is attacked: a request that is authentic under a scheme, to be changed in one way.

use countersign::{
    Error, ErrorKind, Keyring, Message, RequestView, Scheme, Signer, Timestamp, Tolerance, Verified,
    Verifier, catalog,
    scheme::{Algorithm, SecretEncoding, Source},
};
use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};

/// The time at which subjects are signed: 2023-11-14T22:13:20Z.
pub(crate) const NOW: i64 = 1_700_000_000;

const URL: &str = "https://hooks.example.com/in?tenant=7";

/// An authentic request. Tests change a field and verify again.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) scheme: Scheme,
    pub(crate) secret: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) now: i64,
    pub(crate) tolerance: Tolerance,
}

impl Subject {
    pub(crate) fn of(scheme: &Scheme) -> Subject {
        Subject::with_body(scheme, json_body().into_bytes())
    }

    pub(crate) fn with_body(scheme: &Scheme, body: Vec<u8>) -> Subject {
        let secret = secret(scheme, 7);
        let mut subject = Subject {
            scheme: scheme.clone(),
            secret,
            headers: Vec::new(),
            body,
            now: NOW,
            tolerance: Tolerance::default(),
        };
        subject.sign();
        subject
    }

    /// Signs the body as it is now, under the subject's secret.
    pub(crate) fn sign(&mut self) {
        self.sign_for(URL);
    }

    /// As [`sign`](Subject::sign), for a request of this URL.
    pub(crate) fn sign_for(&mut self, url: &str) {
        let keys =
            Keyring::new(&self.scheme, [signing_secret(&self.scheme, &self.secret)]).expect("a good secret");
        let signer = Signer::new(&self.scheme, keys).expect("a signer");
        let message = Message { url, event_type: Some("push"), ..Message::new("evt_1", &self.body) };
        let signed = signer.sign(&message, NOW).expect("a signature");
        self.headers = signed.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    }

    pub(crate) fn verifier(&self) -> Verifier {
        let keys = Keyring::new(&self.scheme, [&self.secret]).expect("a good secret");
        let builder =
            Verifier::builder(self.scheme.clone()).keys(keys).public_url(URL).tolerance(self.tolerance);
        builder.build().expect("a verifier")
    }

    pub(crate) fn verify(&self) -> Result<(), Error> {
        self.verify_by(&self.verifier(), |_| ())
    }

    pub(crate) fn verify_by<T>(
        &self,
        verifier: &Verifier,
        read: impl FnOnce(&Verified<'_>) -> T,
    ) -> Result<T, Error> {
        let request = RequestView { method: "POST", target: "/in?tenant=7", headers: &self.headers };
        let one_shot = verifier.verify(&request, &self.body, self.now).map(|verified| read(&verified));
        let judged = one_shot.as_ref().map(|_| ()).map_err(Error::kind);
        for bytes in [7, usize::MAX] {
            let streamed = verifier.begin_with(&request, Vec::new(), self.now).and_then(|mut check| {
                self.body.chunks(bytes).for_each(|frame| check.update(frame.to_vec()));
                check.finish().map(|verified| assert_eq!(verified.body(), self.body))
            });
            assert_eq!(streamed.map_err(|error| error.kind()), judged, "in pieces of at most {bytes} bytes");
        }
        one_shot
    }

    pub(crate) fn kind(&self) -> Option<ErrorKind> {
        self.verify().err().map(|error| error.kind())
    }

    /// Asserts that the request is refused as not authentic, with the status that the kind maps to.
    #[track_caller]
    pub(crate) fn assert_refused(&self, what: &str) {
        match self.verify() {
            Ok(()) => panic!("{}: {what} was accepted", self.scheme.name),
            Err(error) => assert_eq!(error.status(), 401, "{}: {what}: {error}", self.scheme.name),
        }
    }

    /// The name of the header that holds the signature.
    pub(crate) fn signature_header(&self) -> String {
        match &self.scheme.signature.source {
            Source::Header(name) | Source::Repeated(name) => name.to_string(),
            Source::Numbered(prefix) => format!("{prefix}1"),
            Source::PerKey(names) => names[0].to_string(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        String::from_utf8(found.unwrap_or_else(|| panic!("{name} is there")).1.clone()).expect("ASCII")
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let found = self.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("{name} is there")).1 = value.into();
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    /// The text of the first signature, without its label; and the header with another in its place.
    pub(crate) fn signature(&self) -> String {
        let header = self.header(&self.signature_header());
        let separators = [' ', ',', ';', '='];
        let unpadded = header.trim_end_matches('=');
        let start = unpadded.rfind(separators).map_or(0, |at| at + 1);
        header[start..].to_owned()
    }

    pub(crate) fn with_signature(&self, text: &str) -> Subject {
        let name = self.signature_header();
        let header = self.header(&name);
        let prefix = &header[..header.len() - self.signature().len()];
        let mut changed = self.clone();
        changed.set(&name, format!("{prefix}{text}"));
        changed
    }
}

/// Every scheme of the catalogue that authenticates.
pub(crate) fn authenticating() -> impl Iterator<Item = &'static Scheme> {
    catalog::ALL.iter().filter(|scheme| !scheme.is_unsigned())
}

/// Every scheme that signs content.
pub(crate) fn signing() -> impl Iterator<Item = &'static Scheme> {
    authenticating().filter(|scheme| !scheme.content.is_empty())
}

/// Every scheme whose timestamp stands in a header or in the signature header.
pub(crate) fn timestamped() -> impl Iterator<Item = &'static Scheme> {
    signing().filter(|scheme| scheme.timestamp.is_some() && !scheme.reads_body())
}

/// A secret that the scheme takes, different for each `seed`: what the verifier holds.
pub(crate) fn secret(scheme: &Scheme, seed: u8) -> String {
    let form = &scheme.key.forms[0];
    if let Some((public, _)) = pair(scheme, seed) {
        return public;
    }
    let bytes = [seed.wrapping_add(65); 32];
    let text = match form.encoding {
        SecretEncoding::Text => format!("secret-of-thirty-two-characters{seed:02}"),
        SecretEncoding::Hex => hex::encode(bytes),
        SecretEncoding::Base64 => base64(&bytes),
        SecretEncoding::BasicCredentials => format!("user:password-{seed:02}-long-enough"),
    };
    format!("{}{text}", form.prefix)
}

/// The secret that the sender holds, where it isn't the verifier's.
fn signing_secret(scheme: &Scheme, secret: &str) -> String {
    let pairs = (0..=255).map_while(|seed| pair(scheme, seed));
    let its = pairs.into_iter().find(|(public, _)| public == secret);
    its.map_or_else(|| secret.to_owned(), |(_, private)| private)
}

/// The public and the secret key that a scheme takes which takes pairs alone, different for each `seed`.
fn pair(scheme: &Scheme, seed: u8) -> Option<(String, String)> {
    let mut algorithms = scheme.algorithms();
    let algorithm = algorithms.next().filter(|first| algorithms.all(|other| other == *first))?;
    let bytes = [[1; 31].as_slice(), &[seed]].concat();
    let (public, private) = match algorithm {
        Algorithm::Ed25519 => {
            let key = ed25519_dalek::SigningKey::try_from(&*bytes).expect("a seed");
            (key.verifying_key().as_bytes().to_vec(), bytes)
        }
        Algorithm::EcdsaP256Sha256 => {
            let key = p256::SecretKey::from_slice(&bytes).expect("a number below the curve's order");
            let private = key.to_pkcs8_der().expect("a key");
            (key.public_key().to_public_key_der().expect("a key").into_vec(), private.as_bytes().to_vec())
        }
        _ => return None,
    };
    let write = |signs: bool, bytes: &[u8]| {
        let form = scheme.key.forms.iter().find(|form| form.kind.signs() == signs).expect("a form");
        let text = match form.encoding {
            SecretEncoding::Base64 => base64(bytes),
            _ => hex::encode(bytes),
        };
        if form.keep_prefix { text } else { format!("{}{text}", form.prefix) }
    };
    Some((write(false, &public), write(true, &private)))
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64ct::Encoding as _;
    base64ct::Base64::encode_string(bytes)
}

/// A body that every scheme of the catalogue finds its id, type and time in, where it looks there.
pub(crate) fn json_body() -> String {
    let millis = Timestamp::from_unix_seconds(NOW).as_unix_millis();
    format!(
        r#"{{"id":"evt_1","type":"push","webhookTimestamp":{millis},"data":{{"object":{{"amount":1}}}}}}"#
    )
}
