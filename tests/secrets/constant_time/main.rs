//! Uses secrets that valgrind takes for undefined; `tests/secrets/constant_time.rs` runs it and reads what
//! valgrind says.

mod valgrind;

use std::{env, hint::black_box, process::ExitCode};

use countersign::{
    Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog,
    scheme::{Algorithm, Version},
};
use http::{HeaderMap, HeaderName, HeaderValue};

const NOW: i64 = 1_764_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"push"}"#;

fn main() -> ExitCode {
    let case = env::args().nth(1).unwrap_or_default();
    if !valgrind::is_watching() {
        eprintln!("this is of use under valgrind only");
        return ExitCode::FAILURE;
    }
    match &*case {
        "hmac-sha1-hex" => verify(&catalog::GITHUB_SHA1, TEXT),
        "hmac-sha256-hex" => verify(&catalog::GITHUB, TEXT),
        "hmac-sha256-base64" => verify(&catalog::SHOPIFY, TEXT),
        "hmac-sha384-hex" => verify(&by_sha384(), TEXT),
        "hmac-sha512-hex" => verify(&catalog::PAYSTACK, TEXT),
        "base64-secret" => verify(&catalog::STANDARD_WEBHOOKS, BASE64),
        "token" => verify(&catalog::GITLAB_TOKEN, TEXT),
        "basic" => verify(&catalog::BASIC_AUTH, "user:C2FVsBQIhrscChlQIMV"),
        "control-equals" => control(|one, other| one == other),
        "control-early-return" => control(equal_until_they_differ),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

const TEXT: &str = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BASE64: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// No scheme of the catalogue signs by this algorithm alone.
fn by_sha384() -> Scheme {
    let mut scheme = catalog::GITHUB;
    scheme.signature.versions =
        vec![Version { label: "sha384".into(), algorithm: Algorithm::HmacSha384 }].into();
    scheme
}

/// Verifies a good request, one with another body, and one with another signature.
fn verify(scheme: &Scheme, secret: &str) {
    let good = signed(scheme, secret);
    let forged = signed(scheme, &secret.replace("C2FV", "D2FV"));
    let verifier = verifier(scheme, secret);
    for (headers, body) in [(&good, BODY), (&good, b"{}".as_slice()), (&forged, BODY)] {
        let request = RequestView { method: "POST", target: "/in", headers };
        drop(black_box(verifier.verify(&request, body, NOW)));
    }
}

/// A verifier whose secret is undefined. Its reading isn't reported: it looks at the text for blanks, for
/// zeros and for what is no digit, once, when a program starts, and nobody who sends a request can time it.
fn verifier(scheme: &Scheme, secret: &str) -> Verifier {
    let secret = secret.to_owned();
    valgrind::undefined(secret.as_bytes());
    let keys = valgrind::unreported(|| Keyring::new(scheme, [&secret])).expect("a secret");
    Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier")
}

fn signed(scheme: &Scheme, secret: &str) -> HeaderMap {
    let keys = Keyring::new(scheme, [secret]).expect("a secret");
    let message = Message { event_type: Some("push"), ..Message::new("evt_1", BODY) };
    let signed = Signer::new(scheme, keys).expect("a signer").sign(&message, NOW).expect("signed");
    let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).expect("a name");
    let value = |text: &str| HeaderValue::from_str(text).expect("a value");
    signed.headers.iter().map(|(key, text)| (name(key), value(text))).collect()
}

/// Compares in a way that tells the secret: what must be reported.
fn control(same: impl Fn(&[u8], &[u8]) -> bool) {
    let secret = TEXT.to_owned().into_bytes();
    let candidate = TEXT.replace("b7oD", "b7oE").into_bytes();
    valgrind::undefined(&secret);
    let same = valgrind::defined(same(black_box(&secret), black_box(&candidate)));
    assert!(!same, "they differ");
}

fn equal_until_they_differ(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}
