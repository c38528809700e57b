//! A body in pieces: what is refused before the first of them, and what isn't.

use countersign::{
    ErrorKind, Key, Keyring, Outcome, RequestView, Verifier, catalog,
    scheme::{Algorithm, Source},
};

use crate::subject::{NOW, Subject, authenticating};

/// What is refused as soon as the headers are there.
fn refused_at_once(verifier: &Verifier, subject: &Subject) -> Option<ErrorKind> {
    let request = RequestView { method: "POST", target: "/in?tenant=7", headers: &subject.headers };
    verifier.begin_with(&request, Vec::new(), subject.now).err().map(|error| error.kind())
}

#[test]
fn a_request_without_a_signature_is_refused_before_its_body() {
    // A handshake is known by its body, where it isn't signed.
    for scheme in authenticating().filter(|scheme| scheme.handshakes.is_empty()) {
        let mut subject = Subject::of(scheme);
        subject.headers.clear();
        assert!(refused_at_once(&subject.verifier(), &subject).is_some(), "{}", scheme.name);
    }
}

#[test]
fn a_request_without_a_key_that_is_valid_is_refused_before_its_body() {
    let subject = Subject::of(&catalog::STRIPE);
    let old = Key::new("old", &subject.secret).valid_until(NOW - 1);
    let keys = Keyring::builder(&catalog::STRIPE).key(old).build().expect("a keyring");
    let verifier = Verifier::builder(catalog::STRIPE).keys(keys).build().expect("a verifier");
    assert_eq!(refused_at_once(&verifier, &subject), Some(ErrorKind::NoUsableKey));
}

#[test]
fn a_handshake_that_nobody_signs_needs_no_signature() {
    let verifier = Subject::of(&catalog::TRELLO).verifier();
    let headers: [(&str, &str); 0] = [];
    let request = RequestView { method: "HEAD", target: "/in", headers: &headers };
    let check = verifier.begin_with(&request, Vec::new(), NOW).expect("it may be a handshake");
    assert!(matches!(check.outcome(), Ok(Outcome::Handshake(_))));
    let check = verifier.begin_with(&request, Vec::new(), NOW).expect("it may be a handshake");
    assert!(check.finish().is_err(), "a handshake is no event");
}

#[test]
fn a_signature_header_of_eight_kibibytes_is_read_and_a_longer_one_is_refused() {
    for scheme in authenticating() {
        let by_pair = scheme.algorithms().any(Algorithm::is_asymmetric);
        if by_pair || !matches!(scheme.signature.source, Source::Header(_)) {
            continue;
        }
        let mut subject = Subject::of(scheme);
        let name = subject.signature_header();
        subject.set(&name, "x".repeat(8 * 1024));
        assert_ne!(subject.kind(), Some(ErrorKind::HeaderTooLarge), "{}", scheme.name);
        subject.set(&name, "x".repeat(8 * 1024 + 1));
        assert_eq!(subject.kind(), Some(ErrorKind::HeaderTooLarge), "{}", scheme.name);
    }
}
