//! Our tags against those of another implementation, `ring`, for bodies of every length up to some blocks
//! and for long ones: a hash that is wrong for some lengths only must not go unnoticed.

use countersign::{
    Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog,
    scheme::{Algorithm, Version},
};
use http::{HeaderMap, HeaderValue};
use ring::{digest, hmac};

const NOW: i64 = 1_764_000_000;
const SECRET: &str = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const HEADER: &str = "x-hub-signature-256";

/// How `ring` makes the tag of a body under [`SECRET`].
type Reference = fn(&[u8]) -> Vec<u8>;

const ALGORITHMS: [(Algorithm, Reference); 5] = [
    (Algorithm::HmacSha1, |body| hmac_by(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, body)),
    (Algorithm::HmacSha256, |body| hmac_by(hmac::HMAC_SHA256, body)),
    (Algorithm::HmacSha384, |body| hmac_by(hmac::HMAC_SHA384, body)),
    (Algorithm::HmacSha512, |body| hmac_by(hmac::HMAC_SHA512, body)),
    (Algorithm::Sha256SecretPrefix, sha256_of_secret_and),
];

#[test]
fn adv_50_signatures_are_those_of_another_implementation() {
    for (algorithm, reference) in ALGORITHMS {
        let subject = Subject::new(algorithm);
        for body in bodies() {
            let expected = format!("sig={}", hex_of(&reference(&body)));
            assert_eq!(subject.sign(&body), expected, "{algorithm:?} of {} bytes", body.len());
            assert!(subject.accepts(&expected, &body), "{algorithm:?} of {} bytes", body.len());
        }
    }
}

/// Every length around the ends of the first blocks, a page, and a long body.
fn bodies() -> impl Iterator<Item = Vec<u8>> {
    let lengths = (0..=1025).chain([4096, 1_000_000]);
    lengths.map(|length| (0..=250).cycle().take(length).collect())
}

/// A scheme that signs the body alone, by any algorithm.
struct Subject {
    signer: Signer,
    verifier: Verifier,
}

impl Subject {
    fn new(algorithm: Algorithm) -> Self {
        let mut scheme: Scheme = catalog::GITHUB;
        scheme.signature.versions = vec![Version { label: "sig".into(), algorithm }].into();
        let keys = Keyring::new(&scheme, [SECRET]).expect("a secret");
        let signer = Signer::new(&scheme, keys.clone()).expect("a signer");
        let verifier = Verifier::builder(scheme).keys(keys).build().expect("a verifier");
        Subject { signer, verifier }
    }

    /// The signature's header.
    fn sign(&self, body: &[u8]) -> String {
        let message = Message { event_type: Some("push"), ..Message::new("evt_1", body) };
        let signed = self.signer.sign(&message, NOW).expect("signed");
        let header = signed.headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(HEADER));
        header.expect("a signature").1
    }

    fn accepts(&self, signature: &str, body: &[u8]) -> bool {
        let value = HeaderValue::from_str(signature).expect("a value");
        let headers = HeaderMap::from_iter([(HEADER.parse().expect("a name"), value)]);
        self.verifier.verify(&RequestView::post(&headers), body, NOW).is_ok()
    }
}

fn hmac_by(algorithm: hmac::Algorithm, body: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, SECRET.as_bytes()), body).as_ref().to_vec()
}

fn sha256_of_secret_and(body: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, &[SECRET.as_bytes(), body].concat()).as_ref().to_vec()
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
