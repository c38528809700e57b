//! Endpoints of every provider whose secret is known here, and to no input.

use std::sync::LazyLock;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use countersign::{
    Keyring, Scheme, Signer, Verifier, catalog,
    scheme::{Algorithm, Encoding, KeyForm, KeyKind, Part, SecretEncoding, Source},
};

/// One provider's endpoint, and what sends to it.
pub(crate) struct Endpoint {
    pub(crate) scheme: &'static Scheme,
    pub(crate) signer: Signer,
    pub(crate) verifier: Verifier,
}

/// The scheme and authority of every endpoint's URL.
pub(crate) const ORIGIN: &str = "https://hooks.example.com";

/// The path and query of every endpoint's URL.
pub(crate) const TARGET: &str = "/in?tenant=7";

/// An endpoint of each provider that authenticates.
pub(crate) static ENDPOINTS: LazyLock<Vec<Endpoint>> =
    LazyLock::new(|| catalog::ALL.iter().filter(|scheme| !scheme.is_unsigned()).map(Endpoint::of).collect());

impl Endpoint {
    fn of(scheme: &'static Scheme) -> Endpoint {
        let keys = || Keyring::new(scheme, [secret(scheme)]).expect("a good secret");
        let builder = Verifier::builder(scheme.clone()).keys(keys()).public_url(format!("{ORIGIN}{TARGET}"));
        Endpoint {
            scheme,
            signer: Signer::new(scheme, keys()).expect("a signer"),
            verifier: builder.build().expect("a verifier"),
        }
    }
}

/// The endpoint of the provider of this name.
pub(crate) fn endpoint(name: &str) -> &'static Endpoint {
    ENDPOINTS.iter().find(|endpoint| endpoint.scheme.name == name).expect("a provider of the catalogue")
}

/// One of several, by a number of the input's.
pub(crate) fn pick<T>(from: &[T], number: u8) -> &T {
    &from[usize::from(number) % from.len()]
}

/// The names of the headers that hold a scheme's signatures.
pub(crate) fn signature_headers(scheme: &Scheme) -> Vec<String> {
    match &scheme.signature.source {
        Source::Header(name) | Source::Repeated(name) => vec![name.to_string()],
        Source::Numbered(prefix) => vec![format!("{prefix}1"), format!("{prefix}2")],
        Source::PerKey(names) => names.iter().map(ToString::to_string).collect(),
    }
}

/// The names of the headers that are part of what a scheme signs.
pub(crate) fn signed_headers(scheme: &Scheme) -> impl Iterator<Item = String> + '_ {
    scheme.content.iter().filter_map(|part| match part {
        Part::Header(name) => Some(name.to_string()),
        _ => None,
    })
}

/// Writes the bytes of a signature as a scheme does.
pub(crate) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex | Encoding::HexAnyCase | Encoding::Raw => hex::encode(bytes),
        Encoding::Base64 => Base64::encode_string(bytes),
        Encoding::Base64Url => Base64UrlUnpadded::encode_string(bytes),
    }
}

/// The bytes of every secret: any, but none that an input could have learned.
const KEY: [u8; 32] = *b"\xc4\x1e\x8fL\x03\x9a\xd7u\x16\xb2\xefQ\xaa0\xc9\x7d\x05N\xf8\x91\x22\xdb\x68\xb6\x3f\x0d\xe3\x84\x57\xacy\x1b";
/// The same as a number, PKCS #8 in base64.
const P256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxB6PTAOa13UWsu9RqjDJfQVO+JEi22i2Pw3jhFeseRuhRANCAARlOHGp7mhYfgMePiYckY6bEPlJ9z7HWr2etYqogvaR1i2hHmGZKAu84wIP5UxPYBWM/Kdj69Zu3PvFswgwjMWq";

/// The key that the secret stands for, where it is a symmetric one.
pub(crate) fn key(scheme: &Scheme) -> Vec<u8> {
    let form = form(scheme);
    match form.encoding {
        SecretEncoding::Text if form.keep_prefix => secret(scheme).into_bytes(),
        SecretEncoding::Text | SecretEncoding::BasicCredentials => hex::encode(KEY).into_bytes(),
        SecretEncoding::Hex | SecretEncoding::Base64 => decoded(scheme),
    }
}

/// A secret that can sign as well as verify, as the provider writes it.
pub(crate) fn secret(scheme: &Scheme) -> String {
    let form = form(scheme);
    if form.kind == KeyKind::EcdsaP256Secret {
        return P256.to_owned();
    }
    let text = match form.encoding {
        SecretEncoding::Text => hex::encode(KEY),
        SecretEncoding::Hex => hex::encode(decoded(scheme)),
        SecretEncoding::Base64 => Base64::encode_string(&decoded(scheme)),
        SecretEncoding::BasicCredentials => format!("user:{}", hex::encode(KEY)),
    };
    format!("{}{text}", form.prefix)
}

/// What a secret in hexadecimal or base64 stands for: text where it is a token, which stands in a header.
fn decoded(scheme: &Scheme) -> Vec<u8> {
    match scheme.algorithms().any(|algorithm| algorithm == Algorithm::Token) {
        true => hex::encode(KEY).into_bytes(),
        false => KEY.to_vec(),
    }
}

fn form(scheme: &Scheme) -> &KeyForm {
    let forms = &scheme.key.forms;
    let private = forms.iter().find(|form| form.kind.signs() && form.kind != KeyKind::Symmetric);
    match private {
        Some(form) if scheme.algorithms().all(Algorithm::is_asymmetric) => form,
        _ => &forms[0],
    }
}
