//! Schemes that are found from captured requests.

use std::borrow::Cow;

use countersign::{
    Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog,
    infer::{Captured, infer},
    scheme::{
        Algorithm, Encoding, KeyForm, KeyKind, KeyRule, Part, Place, SecretEncoding, Separator, Source,
        Syntax, TimeFormat, TimestampRule, Version,
    },
};

use crate::{BODY, NOW, SECRET, signed};

type Headers = Vec<(String, String)>;

const URL: &str = "https://hooks.example.com/acme";

/// A sender's requests, of two events.
fn requests(sender: &Scheme, secret: &str, headers: &[(&str, &str)]) -> Vec<(Headers, Vec<u8>)> {
    let signer =
        Signer::new(sender, Keyring::new(sender, [secret]).expect("a good secret")).expect("a signer");
    let bodies = [BODY.to_vec(), br#"{"id":"evt_2","type":"invoice.paid"}"#.to_vec()];
    let sign = |body: &[u8]| {
        let message = Message { url: URL, headers, ..Message::new("evt_1", body) };
        signer.sign(&message, NOW).expect("a signature").headers
    };
    bodies.into_iter().map(|body| (sign(&body), body)).collect()
}

/// What is found, which verifies the same requests by the ordinary way.
#[track_caller]
fn found(sender: &Scheme, secret: &str, headers: &[(&str, &str)]) -> Scheme {
    let requests = requests(sender, secret, headers);
    let captured: Vec<_> = requests
        .iter()
        .map(|(headers, body)| Captured {
            request: RequestView { target: "/acme", ..RequestView::post(headers) },
            body,
        })
        .collect();
    let scheme = infer(&captured, secret, Some(URL)).into_iter().next().expect("a scheme");
    let keys = Keyring::new(&scheme, [secret]).expect("a good secret");
    let verifier = Verifier::builder(scheme.clone()).keys(keys).public_url(URL).build().expect("a verifier");
    for captured in &captured {
        let verified = verifier.verify(&captured.request, captured.body, NOW);
        assert!(verified.is_ok(), "{verified:?}");
    }
    scheme
}

fn template(scheme: &Scheme) -> String {
    Part::template(&scheme.content)
}

fn list(parts: impl Into<Vec<Part>>) -> Cow<'static, [Part]> {
    parts.into().into()
}

#[test]
fn a_scheme_of_the_catalogue_is_named() {
    for scheme in [&catalog::STRIPE, &catalog::SLACK, &catalog::GITHUB, &catalog::SHOPIFY, &catalog::TWITCH] {
        let headers = signed(scheme);
        let captured = [Captured { request: RequestView::post(&headers), body: BODY }];
        let names: Vec<_> = infer(&captured, SECRET, None).into_iter().map(|scheme| scheme.name).collect();
        assert!(names.contains(&scheme.name), "{names:?}");
    }
}

#[test]
fn the_header_hash_and_encoding_of_a_bare_signature_are_found() {
    let algorithms =
        [Algorithm::HmacSha1, Algorithm::HmacSha256, Algorithm::HmacSha384, Algorithm::HmacSha512];
    for algorithm in algorithms {
        for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
            let mut sender = Scheme::BASE;
            sender.signature.source = Source::Header("X-ISP-Sign".into());
            sender.signature.versions = vec![Version::bare(algorithm)].into();
            sender.signature.encoding = encoding;
            let scheme = found(&sender, SECRET, &[]);
            assert_eq!(scheme.signature.source, sender.signature.source);
            assert_eq!(scheme.algorithms().collect::<Vec<_>>(), [algorithm]);
            assert_eq!(template(&scheme), "{body}");
            assert_eq!(scheme.event.id[..], [Place::Json("/id".into())]);
        }
    }
}

#[test]
fn times_ids_and_urls_beside_the_body_are_found() {
    let time = || Part::Header("X-Acme-Time".into());
    let id = || Part::Header("X-Acme-Request-Id".into());
    let sign = |text: &'static str| Part::Literal(text.into());
    let headers = [("X-Acme-Time", "1700000000"), ("X-Acme-Request-Id", "r-1")];
    for content in [
        vec![time(), sign("\n"), Part::Body],
        vec![Part::Body, sign("|"), time()],
        vec![id(), sign(":"), time(), sign(":"), Part::Body],
        vec![time(), id(), Part::Body],
        vec![id(), sign("."), Part::Body],
        vec![Part::ConfiguredUrl, Part::Body],
        vec![time(), Part::Method, Part::RequestUrl, Part::Body],
    ] {
        let mut sender = Scheme { content: list(content.clone()), ..Scheme::BASE };
        if content.contains(&time()) {
            let at = Place::Header("X-Acme-Time".into());
            let format = TimeFormat::UnixSeconds;
            sender.timestamp = Some(TimestampRule { at, format, past: None, future: None, not_before: None });
        }
        let scheme = found(&sender, SECRET, &headers);
        let (wanted, told) = (Part::template(&content), template(&scheme));
        // Without a query, the URL that was called is the one that is configured.
        assert_eq!(
            told.replace("configured-url", "request-url"),
            wanted.replace("configured-url", "request-url")
        );
        assert_eq!(scheme.timestamp.is_some(), sender.timestamp.is_some(), "{told}");
    }
}

#[test]
fn a_list_with_a_time_and_a_labelled_signature_are_read() {
    let mut sender = Scheme::BASE;
    sender.content = list([Part::Field("ts".into()), Part::Literal(":".into()), Part::Body]);
    sender.signature.syntax = Syntax::List { separator: Separator::Semicolon, delimiter: '=' };
    sender.signature.versions = vec![Version::labelled("sig", Algorithm::HmacSha256)].into();
    let (at, format) = (Place::Field("ts".into()), TimeFormat::UnixSeconds);
    sender.timestamp = Some(TimestampRule { at, format, past: None, future: None, not_before: None });
    let scheme = found(&sender, SECRET, &[]);
    assert_eq!(template(&scheme), "{field:ts}:{body}");
    assert_eq!(scheme.signature.syntax, sender.signature.syntax);

    let mut sender = Scheme::BASE;
    sender.signature.source = Source::Header("X-Acme".into());
    sender.signature.syntax = Syntax::Labelled('=');
    sender.signature.versions = vec![Version::labelled("sha512", Algorithm::HmacSha512)].into();
    assert_eq!(found(&sender, SECRET, &[]).signature, sender.signature);
}

#[test]
fn how_the_secret_is_read_is_found() {
    let secret = "acme_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for (prefix, encoding) in
        [("", SecretEncoding::Text), ("acme_", SecretEncoding::Text), ("acme_", SecretEncoding::Base64)]
    {
        let form = KeyForm::new(prefix, encoding, KeyKind::Symmetric);
        let key = KeyRule { forms: Cow::Owned(vec![form.clone()]), ..KeyRule::TEXT };
        let mut sender = Scheme { key, ..Scheme::BASE };
        sender.signature.source = Source::Header("X-Acme-Signature".into());
        assert_eq!(found(&sender, secret, &[]).key.forms[..], [form]);
    }
    let mut sender = Scheme { key: KeyRule::TEXT.min(6), ..Scheme::BASE };
    sender.signature.source = Source::Header("X-Acme-Signature".into());
    assert_eq!(found(&sender, "hunter", &[]).key.min_bytes, 6);
}

#[test]
fn what_was_found_of_one_request_must_hold_for_all() {
    let headers = signed(&catalog::GITHUB);
    let captured = |body| Captured { request: RequestView::post(&headers), body };
    assert!(!infer(&[captured(BODY)], SECRET, None).is_empty());
    assert!(infer(&[captured(BODY), captured(b"{}")], SECRET, None).is_empty());
    assert!(infer(&[captured(BODY)], "another-secret-of-thirty-two-char", None).is_empty());
    assert!(infer(&[], SECRET, None).is_empty());
}
