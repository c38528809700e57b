//! Nothing that is freed still holds a secret.
//!
//! An allocator looks through every block at the moment when it is given back. That is the heap: what a
//! compiler leaves on the stack or in a register can't be seen so, and isn't promised.

#![allow(unsafe_code, reason = "an allocator can't be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    slice,
};

use countersign::{
    Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog,
    scheme::{KeyForm, KeyKind, SecretEncoding},
};
use http::{HeaderMap, HeaderName, HeaderValue};

const NOW: i64 = 1_764_000_000;
const URL: &str = "https://hooks.example.com/in";

/// A key, how it is written, and how its hexadecimal is written in a header of Basic authentication.
const BYTES: &str = "Ck6~vX!q0Zr:Lw9@pTb7#Jm2$Hd8%Yf5";
const HEX: &str = "436b367e76582171305a723a4c77394070546237234a6d322448643825596635";
const BASE64: &str = "Q2s2fnZYIXEwWnI6THc5QHBUYjcjSm0yJEhkOCVZZjU=";
const BASE64_OF_HEX: &str =
    "NDM2YjM2N2U3NjU4MjE3MTMwNWE3MjNhNGM3NzM5NDA3MDU0NjIzNzIzNGE2ZDMyMjQ0ODY0MzgyNTU5NjYzNQ==";

/// PKCS #8 in base64 of a number that is BYTES.
const P256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQ2s2fnZYIXEwWnI6THc5QHBUYjcjSm0yJEhkOCVZZjWhRANCAARFKq5Pz/Wgg5uuHFI15q4W0Oi2urKlwN5jy78itpJ1gyLaoeVUK3RPGYrI87yShIEBKR/x9N1h/Tlnp8xhKGh3";

/// How many bytes of one of these show that a block holds a secret.
const ENOUGH: usize = 12;

#[test]
fn adv_48_what_is_freed_holds_no_secret() {
    let (mut used, mut leaking) = (0, Vec::new());
    for scheme in catalog::ALL {
        for form in scheme.key.forms.iter().filter(|form| form.kind.signs()) {
            let secret = secret(form);
            // What was signed outlives the count: a token is sent as it is.
            let (found, signed) = blocks_with_a_secret(|| use_and_drop(scheme, &secret));
            used += usize::from(signed.is_some());
            if found > 0 {
                leaking.push(format!("{}: {found}, {:?}", scheme.name, form.encoding));
            }
        }
    }
    assert!(leaking.is_empty(), "blocks that were freed with a secret in them: {leaking:#?}");
    assert!(used > 70, "only {used} forms of secrets were used");
}

#[test]
fn adv_48_a_secret_that_is_not_wiped_is_found() {
    for text in [BYTES, HEX, BASE64, BASE64_OF_HEX] {
        assert_eq!(blocks_with_a_secret(|| drop(text.to_owned())).0, 1);
    }
    let mut growing = BYTES.to_owned();
    assert_eq!(blocks_with_a_secret(|| growing.push_str(&" ".repeat(4096))).0, 1);
}

fn secret(form: &KeyForm) -> String {
    if form.kind == KeyKind::EcdsaP256Secret {
        return P256.to_owned();
    }
    let text = match form.encoding {
        SecretEncoding::Text | SecretEncoding::Hex => HEX.to_owned(),
        SecretEncoding::Base64 => BASE64.to_owned(),
        SecretEncoding::BasicCredentials => format!("ab:{HEX}"),
    };
    format!("{}{text}", form.prefix)
}

/// Builds what holds a secret, signs and verifies with it, whole and in pieces, and drops it all.
fn use_and_drop(scheme: &Scheme, secret: &str) -> Option<(Vec<(String, String)>, HeaderMap)> {
    let keys = Keyring::new(scheme, [secret]).ok()?;
    let signer = Signer::new(scheme, keys.clone()).ok()?;
    let message = Message { url: URL, event_type: Some("push"), ..Message::new("evt_1", b"{}") };
    let signed = signer.sign(&message, NOW).expect("signed").headers;
    let headers = header_map(&signed);
    let verifier = Verifier::builder(scheme.clone()).keys(keys).public_url(URL).build().expect("a verifier");
    let request = RequestView { method: "POST", target: "/in", headers: &headers };
    let accepted = verifier.clone().verify(&request, b"{}", NOW).is_ok();
    assert!(accepted || scheme.reads_body(), "{}", scheme.name);
    assert!(verifier.verify(&request, b"[]", NOW + 1_000_000).is_err() || !scheme.covers_body());
    drop(format!("{verifier:?}{signer:?}"));
    Some((signed, headers))
}

fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).expect("a name");
    headers.iter().map(|(key, value)| (name(key), HeaderValue::from_str(value).expect("a value"))).collect()
}

/// How many blocks with a secret are freed by this thread while `work` runs.
fn blocks_with_a_secret<T>(work: impl FnOnce() -> T) -> (usize, T) {
    FOUND.set(Some(0));
    let made = work();
    (FOUND.take().expect("it was counted"), made)
}

thread_local! {
    /// How many were found; none while nobody counts.
    static FOUND: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The system's allocator, which looks through what it is given back. A block that grows is a new one, and
/// the old one is given back, because `realloc` is left as the trait has it.
struct Watching;

#[global_allocator]
static ALLOCATOR: Watching = Watching;

// SAFETY: every call is passed on as it is; between, a block that is still allocated is only read.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeros, so that all of a block can be read, and nothing in it is from an earlier use.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(found) = FOUND.get() {
            let bytes = unsafe { slice::from_raw_parts(block, layout.size()) };
            FOUND.set(Some(found + usize::from(holds_a_secret(bytes))));
        }
        unsafe { System.dealloc(block, layout) }
    }
}

/// Whether either end of one of the writings stands in `bytes`.
fn holds_a_secret(bytes: &[u8]) -> bool {
    let ends = |text: &'static str| {
        let text = text.as_bytes();
        [&text[..ENOUGH], &text[text.len() - ENOUGH..]]
    };
    [BYTES, HEX, BASE64, BASE64_OF_HEX].into_iter().flat_map(ends).any(|end| contains(bytes, end))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
