//! The vectors of Wycheproof, for HMAC, Ed25519 and ECDSA over P-256, through a whole verification.

use countersign::{
    Keyring, RequestView, Scheme, Verifier, catalog,
    scheme::{Algorithm, Encoding, KeyForm, KeyKind, SecretEncoding, Version},
};
use wycheproof::{
    TestResult, ecdsa, eddsa,
    mac::{Test, TestName, TestSet},
};

const HMACS: [(Algorithm, TestName, usize); 4] = [
    (Algorithm::HmacSha1, TestName::HmacSha1, 160),
    (Algorithm::HmacSha256, TestName::HmacSha256, 256),
    (Algorithm::HmacSha384, TestName::HmacSha384, 384),
    (Algorithm::HmacSha512, TestName::HmacSha512, 512),
];

/// A scheme that signs the body alone, with a key in hexadecimal.
fn scheme(algorithm: Algorithm) -> Scheme {
    let mut scheme = catalog::ADYEN_PLATFORM;
    scheme.delivery.fixed = Vec::new().into();
    scheme.signature.versions = vec![Version { label: "".into(), algorithm }].into();
    scheme.signature.encoding = Encoding::Hex;
    scheme
}

fn is_accepted(algorithm: Algorithm, test: &Test) -> bool {
    let scheme = scheme(algorithm);
    let keys = Keyring::new(&scheme, [hex(&test.key)]).expect("a key");
    let verifier = Verifier::builder(scheme).keys(keys).build().expect("a verifier");
    let headers = [("HmacSignature".to_owned(), hex(&test.tag))];
    verifier.verify(&RequestView::post(&headers), &test.msg, 0).is_ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn whole_tags_are_judged_as_the_vectors_say() {
    let mut judged = 0;
    for (algorithm, name, bits) in HMACS {
        for group in TestSet::load(name).expect("the vectors load").test_groups {
            for test in group.tests.iter().filter(|_| group.tag_size == bits) {
                let expected = test.result == TestResult::Valid;
                assert_eq!(is_accepted(algorithm, test), expected, "{algorithm:?} {}", test.tc_id);
                judged += 1;
            }
        }
    }
    assert!(judged > 250, "{judged}");
}

/// Even those that the vectors call valid.
#[test]
fn adv_03_a_truncated_tag_is_refused() {
    let mut refused = 0;
    for (algorithm, name, bits) in HMACS {
        for group in TestSet::load(name).expect("the vectors load").test_groups {
            for test in group.tests.iter().filter(|_| group.tag_size < bits) {
                assert!(!is_accepted(algorithm, test), "{algorithm:?} {}", test.tc_id);
                refused += 1;
            }
        }
    }
    assert!(refused > 250, "{refused}");
}

#[test]
fn signatures_by_ed25519_are_judged_as_the_vectors_say() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("the vectors load");
    let mut judged = 0;
    for group in set.test_groups {
        let mut scheme = scheme(Algorithm::Ed25519);
        scheme.key = catalog::DISCORD.key;
        let keys = Keyring::new(&scheme, [hex(&group.key.pk)]).expect("a key");
        let verifier = Verifier::builder(scheme).keys(keys).build().expect("a verifier");
        for test in &group.tests {
            let headers = [("HmacSignature".to_owned(), hex(&test.sig))];
            let accepted = verifier.verify(&RequestView::post(&headers), &test.msg, 0).is_ok();
            assert_eq!(accepted, test.result == TestResult::Valid, "{}", test.tc_id);
            judged += 1;
        }
    }
    assert!(judged > 100, "{judged}");
}

#[test]
fn signatures_by_ecdsa_are_judged_as_the_vectors_say() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).expect("the vectors load");
    let mut judged = 0;
    for group in set.test_groups {
        let mut scheme = scheme(Algorithm::EcdsaP256Sha256);
        let key = KeyForm::new("", SecretEncoding::Hex, KeyKind::EcdsaP256Public);
        scheme.key.forms = vec![key].into();
        let keys = Keyring::new(&scheme, [hex(&group.der)]).expect("a key");
        let verifier = Verifier::builder(scheme).keys(keys).build().expect("a verifier");
        for test in &group.tests {
            let headers = [("HmacSignature".to_owned(), hex(&test.sig))];
            let accepted = verifier.verify(&RequestView::post(&headers), &test.msg, 0).is_ok();
            assert_eq!(accepted, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            judged += 1;
        }
    }
    assert!(judged > 400, "{judged}");
}
