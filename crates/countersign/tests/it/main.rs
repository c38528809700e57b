//! The core by its public API, beyond the attacks of `adversarial`: what building refuses, what signing
//! writes, and every way through verifying.

mod building;
mod events;
#[cfg(feature = "explain")]
mod explaining;
#[cfg(all(feature = "explain", feature = "sha1"))]
mod inferring;
mod lists;
mod pieces;
mod schemes;
mod signing;
mod times;

use countersign::{Keyring, Message, Scheme, Signer, Verifier};

/// The time at which requests are signed: 2023-11-14T22:13:20Z.
const NOW: i64 = 1_700_000_000;

const BODY: &[u8] = br#"{"id":"evt_1"}"#;
/// Texts that are no URL that can be signed.
const NO_URLS: [&str; 7] = [
    "",
    "/in",
    "hooks.example.com/in",
    "https://",
    "://a.example/",
    " https://a.example/",
    "https://a.example/\n",
];

/// A secret that every scheme of these tests takes.
const SECRET: &str = "a-secret-of-thirty-two-characters";

fn keys(scheme: &Scheme) -> Keyring {
    Keyring::new(scheme, [SECRET]).expect("a good secret")
}

fn signer(scheme: &Scheme) -> Signer {
    Signer::new(scheme, keys(scheme)).expect("a signer")
}

fn verifier(scheme: &Scheme) -> Verifier {
    Verifier::builder(scheme.clone()).keys(keys(scheme)).build().expect("a verifier")
}

/// The headers of [`BODY`], signed under [`SECRET`].
fn signed(scheme: &Scheme) -> Vec<(String, String)> {
    signer(scheme).sign(&Message::new("evt_1", BODY), NOW).expect("a signature").headers
}

/// The one header of that name.
fn header<'h>(headers: &'h [(String, String)], name: &str) -> &'h str {
    let mut named = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let (_, value) = named.next().unwrap_or_else(|| panic!("{name} is there"));
    assert!(named.next().is_none(), "{name} is there once");
    value
}
