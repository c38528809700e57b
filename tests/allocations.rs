//! Verifying allocates nothing where the scheme's headers alone say what to verify.

use countersign::{
    Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog,
    scheme::{Algorithm, Source, Syntax},
};
use http::{HeaderMap, HeaderName, HeaderValue};

const NOW: i64 = 1_764_000_000;
const URL: &str = "https://hooks.example.com/in";

/// The schemes of one signature header whose algorithm is a MAC: nothing of the request must be kept.
fn header_only() -> impl Iterator<Item = &'static Scheme> {
    catalog::ALL.iter().filter(|scheme| {
        let one_header = matches!(scheme.signature.source, Source::Header(_));
        let mac = scheme.algorithms().all(|algorithm| algorithm.signature_len().is_some());
        one_header && mac && !scheme.reads_body() && !scheme.algorithms().all(|a| a == Algorithm::Ed25519)
    })
}

/// A secret in the first form that the scheme takes.
fn secret(scheme: &Scheme) -> String {
    let form = &scheme.key.forms[0];
    let text = match form.encoding {
        countersign::scheme::SecretEncoding::Hex => "6b".repeat(32),
        _ => "C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrsc".to_owned(),
    };
    format!("{}{text}", form.prefix)
}

fn signed(scheme: &Scheme, body: &[u8]) -> HeaderMap {
    let keys = Keyring::new(scheme, [secret(scheme)]).expect("a secret");
    let signer = Signer::new(scheme, keys).expect("a signer");
    let message = Message { url: URL, event_type: Some("push"), ..Message::new("evt_1", body) };
    let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).expect("a name");
    let signed = signer.sign(&message, NOW).expect("signed").headers;
    signed
        .into_iter()
        .map(|(key, value)| (name(&key), HeaderValue::from_str(&value).expect("a value")))
        .collect()
}

#[test]
fn verifying_by_a_header_allocates_nothing() {
    let body = br#"{"id":"evt_1","type":"push"}"#;
    let mut schemes = 0;
    for scheme in header_only() {
        let headers = signed(scheme, body);
        let keys = Keyring::new(scheme, [secret(scheme)]).expect("a secret");
        let verifier =
            Verifier::builder(scheme.clone()).keys(keys).public_url(URL).build().expect("a verifier");
        let request = RequestView { method: "POST", target: "/in", headers: &headers };
        assert!(verifier.verify(&request, body, NOW).is_ok(), "{}", scheme.name);
        let counted = allocation_counter::measure(|| {
            let verified = verifier.verify(&request, body, NOW);
            assert!(verified.is_ok());
        });
        assert_eq!(counted.count_total, 0, "{} allocated {} bytes", scheme.name, counted.bytes_total);
        schemes += 1;
    }
    assert!(schemes > 40, "only {schemes} schemes were measured");
}

#[test]
fn a_second_key_costs_no_allocation() {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let headers = signed(scheme, b"{}");
    let old = "whsec_b2xkLXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE=";
    let keys = Keyring::new(scheme, [old, &secret(scheme)]).expect("secrets");
    let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
    let counted = allocation_counter::measure(|| {
        let request = RequestView::post(&headers);
        assert!(verifier.verify(&request, b"{}", NOW).is_ok());
    });
    assert_eq!(counted.count_total, 0);
    assert!(matches!(scheme.signature.syntax, Syntax::List { .. }));
}
