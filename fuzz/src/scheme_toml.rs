//! Any text can be read as a scheme; and one that loads makes sense, is written again as TOML that loads
//! to an equal scheme, can judge a request, and verifies what it signs, in headers that can be sent. The
//! input is the TOML text, or a content template.

use countersign::{
    Keyring, Message, RequestView, Scheme, Signer, Verifier,
    scheme::{Part, Place, SchemeErrorKind},
};
use http::{HeaderName, HeaderValue};

use crate::known::{ORIGIN, TARGET, secret, signature_headers, signed_headers};

/// Reads a scheme, writes it and reads it again.
///
/// # Panics
/// Where the two differ, or the scheme makes no sense.
pub fn target(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    check_template(text);
    let scheme = match Scheme::from_toml(text) {
        Ok(scheme) => scheme,
        Err(error) => {
            let lines = text.matches('\n').count() + 1;
            assert!(error.line().is_none_or(|line| (1..=lines).contains(&line)), "{error}");
            assert_eq!(error.field().is_empty(), error.kind() == SchemeErrorKind::Syntax, "{error}");
            return;
        }
    };
    assert_eq!(scheme.check(), Ok(()));
    let written = scheme.to_toml();
    assert_eq!(Scheme::from_toml(&written).as_ref(), Ok(&scheme), "{written}");
    judge(&scheme);
    agree(&scheme);
}

/// Checks that a template that can be read is written and read again to the same parts.
fn check_template(text: &str) {
    if let Ok(parts) = Part::parse_template(text) {
        assert_eq!(Part::parse_template(&Part::template(&parts)), Ok(parts));
    }
}

/// Judges a request without a good signature.
fn judge(scheme: &Scheme) {
    let keys = match scheme.is_unsigned() {
        true => Keyring::accept_unsigned(scheme),
        false => Keyring::by_request(scheme),
    };
    let builder = Verifier::builder(scheme.clone()).keys(keys.expect("a keyring"));
    let verifier = builder.public_url("https://hooks.example.com/in").build().expect("a verifier");
    let headers: Vec<(String, &str)> =
        signature_headers(scheme).into_iter().map(|name| (name, "t=1700000000,v1=00")).collect();
    let verdict = verifier.verify(&RequestView::post(&headers), BODY, NOW);
    assert!(verdict.is_err() || scheme.is_unsigned());
}

/// Signs a message, where a signer by this scheme can, and verifies it.
fn agree(scheme: &Scheme) {
    let keys = match scheme.is_unsigned() {
        true => Keyring::accept_unsigned(scheme),
        false => Keyring::new(scheme, [secret(scheme)]),
    };
    let Ok(keys) = keys else { return };
    let Ok(signer) = Signer::new(scheme, keys.clone()) else { return };
    let url = format!("{ORIGIN}{TARGET}");
    let method = scheme.delivery.methods.first().map_or("POST", |method| method);
    let names: Vec<String> = signed_headers(scheme).collect();
    let values: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "evt_1")).collect();
    let message = Message {
        event_type: Some("invoice.paid"),
        method,
        url: &url,
        headers: &values,
        ..Message::new("evt_1", BODY)
    };
    let now = now(scheme);
    let Ok(signed) = signer.sign(&message, now) else { return };
    signed.headers.iter().for_each(|(name, value)| assert_can_be_sent(name, value));
    let verifier = Verifier::builder(scheme.clone()).keys(keys).public_url(url).build().expect("a verifier");
    let request = RequestView { method, target: TARGET, headers: &signed.headers };
    let verdict = verifier.verify(&request, BODY, now);
    // A time in the body is the application's to write, and this body has none.
    let time_in_body = scheme.timestamp.as_ref().is_some_and(|rule| matches!(rule.at, Place::Json(_)));
    assert!(verdict.is_ok() || time_in_body, "{verdict:?} of {:?}", signed.headers);
}

/// Checks that a header arrives as it was signed.
fn assert_can_be_sent(name: &str, value: &str) {
    assert!(HeaderName::from_bytes(name.as_bytes()).is_ok(), "{name:?}");
    assert!(HeaderValue::from_bytes(value.as_bytes()).is_ok(), "{name}: {value:?}");
    assert_eq!(value.trim_matches([' ', '\t']), value, "{name}");
}

/// A time that the scheme allows.
fn now(scheme: &Scheme) -> i64 {
    let earliest = scheme.timestamp.as_ref().and_then(|rule| rule.not_before).map_or(NOW, i64::from);
    earliest.max(NOW)
}

const NOW: i64 = 1_700_000_000;

const BODY: &[u8] = b"{}";
