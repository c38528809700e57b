//! Any text can be read as a scheme; and one that loads makes sense, is written again as TOML that loads
//! to an equal scheme, and can judge a request. The input is the TOML text, or a content template.

use countersign::{
    Keyring, RequestView, Scheme, Verifier,
    scheme::{Part, SchemeErrorKind},
};

use crate::known::signature_headers;

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
    let verdict = verifier.verify(&RequestView::post(&headers), b"{}", 1_700_000_000);
    assert!(verdict.is_err() || scheme.is_unsigned());
}
