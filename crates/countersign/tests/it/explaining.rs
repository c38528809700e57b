//! What is said of requests that were refused.

use std::borrow::Cow;

use countersign::{
    Keyring, Message, RequestView, Scheme, Signer, catalog,
    explain::{BodyChange, Case, Change, Finding, Hint, JsonStyle, SecretChange, Spaces, explain, hints},
    scheme::{
        Algorithm, Encoding, KeyForm, KeyKind, KeyRule, Part, SecretEncoding, Source, Syntax, TimeFormat,
        Version,
    },
};

use crate::{BODY, NOW, SECRET, keys, signed};

type Headers = Vec<(String, String)>;

/// What is said of a request by someone who has the right secret and the right clock.
fn said(scheme: &Scheme, headers: &Headers, body: &[u8]) -> Finding {
    said_of(scheme, SECRET, headers, body, NOW)
}

fn said_of(scheme: &Scheme, secret: &str, headers: &Headers, body: &[u8], now: i64) -> Finding {
    let request = RequestView { target: "/hooks?tenant=7", ..RequestView::post(headers) };
    explain(&Case { scheme, secrets: &[secret], request, body, url: None, now })
}

/// The headers of a body that a sender has signed whose scheme is another.
fn signed_by(sender: &Scheme, secret: &str, body: &[u8]) -> Headers {
    let signer =
        Signer::new(sender, Keyring::new(sender, [secret]).expect("a good secret")).expect("a signer");
    signer.sign(&Message::new("evt_1", body), NOW).expect("a signature").headers
}

fn only(change: Change) -> Finding {
    Finding::Changed(vec![change])
}

/// The schemes of the catalogue that sign a body, and nothing that these requests don't have.
fn signing() -> impl Iterator<Item = &'static Scheme> {
    let macs = |scheme: &Scheme| scheme.algorithms().any(|algorithm| algorithm.as_str().starts_with("hmac"));
    catalog::ALL
        .iter()
        .filter(move |scheme| scheme.covers_body() && !scheme.reads_body() && macs(scheme))
        .filter(|scheme| {
            let Ok(keys) = Keyring::new(scheme, [SECRET]) else { return false };
            Signer::new(scheme, keys)
                .is_ok_and(|signer| signer.sign(&Message::new("evt_1", BODY), NOW).is_ok())
        })
}

#[test]
fn what_is_valid_is_said_to_be() {
    for scheme in signing() {
        assert_eq!(said(scheme, &signed(scheme), BODY), Finding::Valid, "{}", scheme.name);
    }
}

#[test]
fn a_body_that_was_changed_on_its_way_is_known_in_every_scheme() {
    let spaced = BodyChange::Json(JsonStyle { spaces: Spaces::None, ..JsonStyle::default() });
    let changes = [
        (&b"{\"id\":\"evt_1\"}\n"[..], BodyChange::WithoutEnd),
        (b"\xef\xbb\xbf{\"id\":\"evt_1\"}", BodyChange::WithoutMark),
        (b"{\"id\": \"evt_1\"}", spaced),
        (b"{\n    \"id\": \"evt_1\"\n}", spaced),
        (b"\"{\\\"id\\\":\\\"evt_1\\\"}\"", BodyChange::Unwrapped),
    ];
    let mut count = 0;
    for scheme in signing() {
        let headers = signed(scheme);
        for (body, change) in changes {
            assert_eq!(said(scheme, &headers, body), only(Change::Body(change)), "{}", scheme.name);
            count += 1;
        }
    }
    assert!(count > 150, "{count}");
}

#[test]
fn json_that_a_sender_writes_anew_before_it_signs_is_known() {
    // As a sender in Python signs, whose client then sends another text.
    let signed = r#"{"name": "caf\u00e9", "amount": 1.0}"#;
    let headers = signed_by(&catalog::IPTVBP, SECRET, signed.as_bytes());
    let finding = said(&catalog::IPTVBP, &headers, r#"{"name":"café","amount":1.0}"#.as_bytes());
    let Finding::Changed(changes) = finding else { panic!("{finding:?}") };
    let sentence = changes[0].to_string();
    assert!(sentence.contains("a space behind each comma and colon"), "{sentence}");
    assert!(sentence.contains("\\u"), "{sentence}");
    assert!(sentence.contains("Verify the bytes as they arrive"), "{sentence}");
}

#[test]
fn a_secret_that_was_read_in_another_form_is_known() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let sender = Scheme { key: KeyRule::TEXT, ..catalog::STANDARD_WEBHOOKS };
    let headers = signed_by(&sender, secret, BODY);
    let read = SecretChange::Read { without_prefix: false, encoding: SecretEncoding::Text };
    let finding = said_of(&catalog::STANDARD_WEBHOOKS, secret, &headers, BODY, NOW);
    assert_eq!(finding, only(Change::Secret(read)));

    let form = KeyForm::new("whsec_", SecretEncoding::Base64, KeyKind::Symmetric);
    let sender =
        Scheme { key: KeyRule { forms: Cow::Owned(vec![form]), ..KeyRule::TEXT }, ..catalog::STRIPE };
    let headers = signed_by(&sender, secret, BODY);
    let read = SecretChange::Read { without_prefix: true, encoding: SecretEncoding::Base64 };
    assert_eq!(said_of(&catalog::STRIPE, secret, &headers, BODY, NOW), only(Change::Secret(read)));

    let headers = signed(&catalog::GITHUB);
    for (written, change) in [
        (format!("{SECRET}\n"), SecretChange::Trimmed),
        (format!("\"{SECRET}\""), SecretChange::Unquoted),
        (format!("'{SECRET}'"), SecretChange::Unquoted),
        (format!(" \" {SECRET} \"\n"), SecretChange::Unquoted),
        (format!("\u{feff}{SECRET}"), SecretChange::Trimmed),
        (format!("SECRET={SECRET}"), SecretChange::Unnamed),
        (format!("export GITHUB_SECRET = '{SECRET}'\n"), SecretChange::Unnamed),
    ] {
        let finding = said_of(&catalog::GITHUB, &written, &headers, BODY, NOW);
        assert_eq!(finding, only(Change::Secret(change)), "{written:?}");
    }
}

#[test]
fn a_secret_that_was_copied_without_its_prefix_is_known() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
    // By the first the rest is another key, and by the second it is none.
    for scheme in [&catalog::STRIPE, &catalog::GITLAB] {
        let headers = signed_by(scheme, secret, BODY);
        let rest = secret.strip_prefix("whsec_").expect("a prefix");
        let finding = said_of(scheme, rest, &headers, BODY, NOW);
        assert_eq!(finding, only(Change::Secret(SecretChange::Prefixed)), "{}", scheme.name);
    }
}

#[test]
fn a_body_that_was_signed_without_id_and_time_is_known() {
    for scheme in [&catalog::STANDARD_WEBHOOKS, &catalog::STRIPE, &catalog::SLACK] {
        let secret = if scheme.name == "standard-webhooks" {
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        } else {
            SECRET
        };
        let mut sender = scheme.clone();
        sender.content = vec![Part::Body].into();
        sender.timestamp = None;
        let mut headers = signed_by(&sender, secret, BODY);
        // What it sends beside the signature, all the same.
        for (name, value) in signed_by(scheme, secret, BODY) {
            if !headers.iter().any(|(other, _)| *other == name) {
                headers.push((name, value));
            }
        }
        assert_eq!(said_of(scheme, secret, &headers, BODY, NOW), only(Change::BodyAlone), "{}", scheme.name);
    }
}

#[test]
fn another_sign_between_what_is_signed_and_another_order_are_known() {
    for (own, signed) in [
        ("{header:X-Slack-Request-Timestamp}|{body}", "{header:X-Slack-Request-Timestamp}.{body}"),
        ("{header:X-Slack-Request-Timestamp}.{body}", "{header:X-Slack-Request-Timestamp}\n{body}"),
        ("{header:X-Slack-Request-Timestamp}.{body}", "{body}{header:X-Slack-Request-Timestamp}"),
        ("v0:{header:X-Slack-Request-Timestamp}:{body}", "{header:X-Slack-Request-Timestamp}:{body}"),
    ] {
        let with = |template| Scheme {
            content: Part::parse_template(template).expect("a template").into(),
            ..catalog::SLACK
        };
        let headers = signed_by(&with(signed), SECRET, BODY);
        assert_eq!(said(&with(own), &headers, BODY), only(Change::Content(signed.to_owned())));
        let found = said(&with(own), &headers, &[BODY, b"\n"].concat());
        let both = vec![Change::Body(BodyChange::WithoutEnd), Change::Content(signed.to_owned())];
        assert_eq!(found, Finding::Changed(both));
    }
    let text = Change::Content("{body}\n{method}".to_owned()).to_string();
    assert_eq!(text, "What was signed is `{body}\\n{method}`: set the scheme's content to that.");
}

#[test]
fn another_hash_is_known_under_the_schemes_label_and_under_its_own() {
    let with = |scheme: &Scheme, secret: &str, label: &str, algorithm| {
        let mut sender = scheme.clone();
        sender.signature.versions.to_mut()[0] = Version { label: label.to_owned().into(), algorithm };
        said_of(scheme, secret, &signed_by(&sender, secret, BODY), BODY, NOW)
    };
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let found = with(&catalog::STANDARD_WEBHOOKS, secret, "v1", Algorithm::HmacSha512);
    assert_eq!(found, only(Change::Algorithm(Algorithm::HmacSha512)));
    let found = with(&catalog::GITHUB, SECRET, "sha512", Algorithm::HmacSha512);
    let header = Change::Header { name: "X-Hub-Signature-256".into(), label: Some("sha512".into()) };
    assert_eq!(found, Finding::Changed(vec![Change::Algorithm(Algorithm::HmacSha512), header]));
}

#[test]
fn of_several_schemes_that_accept_the_one_that_providers_share_is_named() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let headers = signed_by(&catalog::SVIX, secret, BODY);
    let found = said_of(&catalog::GITHUB, secret, &headers, BODY, NOW);
    assert_eq!(found, only(Change::Scheme { name: "svix".into(), title: "Svix".into() }));
}

#[test]
fn another_algorithm_encoding_header_or_label_is_known() {
    let scheme = Scheme { name: "acme".into(), ..Scheme::BASE };
    let with = |change: fn(&mut Scheme)| {
        let mut sender = scheme.clone();
        change(&mut sender);
        said(&scheme, &signed_by(&sender, SECRET, BODY), BODY)
    };
    let sha512 = with(|sender| sender.signature.versions = vec![Version::bare(Algorithm::HmacSha512)].into());
    assert_eq!(sha512, only(Change::Algorithm(Algorithm::HmacSha512)));
    let base64 = with(|sender| sender.signature.encoding = Encoding::Base64);
    assert_eq!(base64, only(Change::Encoding(Encoding::Base64)));
    let elsewhere = with(|sender| sender.signature.source = Source::Header("X-Acme-Digest".into()));
    assert_eq!(elsewhere, only(Change::Header { name: "X-Acme-Digest".into(), label: None }));
    let labelled = with(|sender| {
        sender.signature.syntax = Syntax::Labelled('=');
        sender.signature.versions = vec![Version::labelled("sha256", Algorithm::HmacSha256)].into();
    });
    assert_eq!(labelled, only(Change::Header { name: "X-Signature".into(), label: Some("sha256".into()) }));
    let bare = said(&catalog::GITHUB, &vec![("X-Hub-Signature-256".into(), header_of(&scheme))], BODY);
    assert_eq!(bare, only(Change::Header { name: "X-Hub-Signature-256".into(), label: Some(String::new()) }));
}

fn header_of(scheme: &Scheme) -> String {
    crate::header(&signed(scheme), "X-Signature").to_owned()
}

#[test]
fn another_scheme_of_the_catalogue_is_named() {
    let headers = signed(&catalog::SLACK);
    let finding = said(&catalog::GITHUB, &headers, BODY);
    let Finding::Changed(changes) = &finding else { panic!("{finding:?}") };
    assert!(matches!(&changes[..], [Change::Scheme { name, .. }] if name == "slack"), "{finding:?}");
    assert!(changes[0].to_string().contains("slack (Slack)"));
}

#[test]
fn the_clock_is_named_alone_and_beside_another_cause() {
    let headers = signed(&catalog::STRIPE);
    let late = said_of(&catalog::STRIPE, SECRET, &headers, BODY, NOW + 301);
    assert_eq!(late, only(Change::Clock { age_seconds: 301 }));
    let both = said_of(&catalog::STRIPE, SECRET, &headers, b"{\"id\":\"evt_1\"}\n", NOW + 301);
    let body = Change::Body(BodyChange::WithoutEnd);
    assert_eq!(both, Finding::Changed(vec![body, Change::Clock { age_seconds: 301 }]));
    let ahead = said_of(&catalog::SLACK, SECRET, &signed(&catalog::SLACK), BODY, NOW - 1_000);
    assert_eq!(ahead, only(Change::Clock { age_seconds: -1_000 }));
}

#[test]
fn a_time_in_another_unit_is_known() {
    let mut scheme = catalog::SLACK;
    scheme.timestamp.as_mut().expect("a time").format = TimeFormat::Rfc3339;
    let finding = said(&scheme, &signed(&catalog::SLACK), BODY);
    assert_eq!(finding, only(Change::TimeFormat(TimeFormat::UnixSeconds)));
}

#[test]
fn the_url_that_a_proxy_hides_is_found() {
    let scheme = &catalog::SQUARE;
    let signer = Signer::new(scheme, keys(scheme)).expect("a signer");
    for registered in [
        "https://shop.example.com/hooks",
        "https://shop.example.com/hooks/",
        "https://shop.example.com:443/hooks?tenant=7",
    ] {
        let message = Message { url: registered, ..Message::new("evt_1", BODY) };
        let mut headers = signer.sign(&message, NOW).expect("a signature").headers;
        headers.push(("Host".into(), "shop.example.com".into()));
        let request = RequestView { target: "/hooks?tenant=7", ..RequestView::post(&headers) };
        let url = Some("http://10.0.0.7:8080/hooks");
        let case = Case { scheme, secrets: &[SECRET], request, body: BODY, url, now: NOW };
        assert_eq!(explain(&case), only(Change::Url(registered.into())));
    }
}

#[test]
fn an_origin_that_was_given_for_the_whole_url_is_completed() {
    let scheme = &catalog::SQUARE;
    let signer = Signer::new(scheme, keys(scheme)).expect("a signer");
    for (registered, given) in [
        ("https://hooks.example.com/square?a=1", "https://hooks.example.com"),
        ("https://hooks.example.com/square?a=1", "https://hooks.example.com/"),
        ("https://hooks.example.com/square", "https://hooks.example.com/another"),
    ] {
        let message = Message { url: registered, ..Message::new("evt_1", BODY) };
        let headers = signer.sign(&message, NOW).expect("a signature").headers;
        let request = RequestView { target: "/square?a=1", ..RequestView::post(&headers) };
        let case = Case { scheme, secrets: &[SECRET], request, body: BODY, url: Some(given), now: NOW };
        assert_eq!(explain(&case), only(Change::Url(registered.into())), "{given}");
    }
}

#[test]
fn a_path_of_which_a_proxy_takes_the_beginning_is_known_by_the_url() {
    let scheme = &catalog::HUBSPOT_V3;
    let signer = Signer::new(scheme, keys(scheme)).expect("a signer");
    for (signed, given, arrived) in [
        ("/api/hubspot", "/api/hubspot", "/hubspot"),
        ("/api/hubspot?a=1", "/api/hubspot", "/hubspot?a=1"),
        ("/api/hubspot?a=1", "/api/hubspot?a=1", "/hubspot"),
        ("/api/hubspot/", "/api/hubspot", "/hubspot"),
    ] {
        let (called, given) = (format!("https://example.com{signed}"), format!("https://example.com{given}"));
        let message = Message { url: &called, ..Message::new("evt_1", BODY) };
        let headers = signer.sign(&message, NOW).expect("a signature").headers;
        let request = RequestView { target: arrived, ..RequestView::post(&headers) };
        let case = Case { scheme, secrets: &[SECRET], request, body: BODY, url: Some(&given), now: NOW };
        assert_eq!(explain(&case), only(Change::Target(signed.into())), "{given} {arrived}");
    }
}

#[test]
fn two_causes_are_found_together() {
    let sender = Scheme { key: KeyRule::TEXT, ..catalog::STANDARD_WEBHOOKS };
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let headers = signed_by(&sender, secret, BODY);
    let finding = said_of(&catalog::STANDARD_WEBHOOKS, secret, &headers, b"{ \"id\" : \"evt_1\" }", NOW);
    let Finding::Changed(changes) = finding else { panic!("{finding:?}") };
    assert!(matches!(changes[..], [Change::Body(BodyChange::Json(_)), Change::Secret(_)]), "{changes:?}");
}

#[test]
fn another_secret_or_another_body_is_not_explained_away() {
    for scheme in [&catalog::STRIPE, &catalog::GITHUB, &catalog::SHOPIFY, &catalog::SLACK] {
        let headers = signed(scheme);
        let other = said_of(scheme, "another-secret-of-thirty-two-char", &headers, BODY, NOW);
        assert_eq!(other, Finding::Unknown, "{}", scheme.name);
        assert_eq!(said(scheme, &headers, br#"{"id":"evt_2"}"#), Finding::Unknown, "{}", scheme.name);
        assert_eq!(said(scheme, &Headers::new(), BODY), Finding::Unknown, "{}", scheme.name);
    }
}

#[test]
fn of_a_missing_signature_the_schemes_are_named_whose_headers_are_there() {
    let shown = |scheme: &Scheme, headers: &Headers, body: &[u8]| {
        let request = RequestView::post(headers);
        hints(&Case { scheme, secrets: &[SECRET], request, body, url: None, now: NOW })
    };
    let found = shown(&catalog::STRIPE, &signed(&catalog::GITHUB), BODY);
    assert_eq!(found, [Hint::HeadersOf(vec!["github".into()])]);
    assert!(found[0].to_string().starts_with("The request has the headers of: github."));
    assert_eq!(shown(&catalog::STRIPE, &Headers::new(), BODY), []);
    // Its own signature is there, and another of its headers isn't.
    let mut headers = signed(&catalog::SLACK);
    headers.retain(|(name, _)| name != "X-Slack-Request-Timestamp");
    headers.extend(signed(&catalog::GITHUB));
    assert_eq!(shown(&catalog::SLACK, &headers, BODY), []);
}

#[test]
fn of_a_body_that_is_empty_or_compressed_it_is_said() {
    let shown = |scheme: &Scheme, headers: &Headers, body: &[u8]| {
        let request = RequestView::post(headers);
        hints(&Case { scheme, secrets: &[SECRET], request, body, url: None, now: NOW })
    };
    let mut headers = signed(&catalog::GITHUB);
    assert_eq!(shown(&catalog::GITHUB, &headers, b""), [Hint::EmptyBody]);
    assert_eq!(shown(&catalog::GITHUB, &headers, b"\x1f\x8b\x08\0"), [Hint::Compressed]);
    assert_eq!(shown(&catalog::GITHUB, &headers, b"{}"), []);
    headers.push(("Content-Encoding".into(), "gzip".into()));
    assert_eq!(shown(&catalog::GITHUB, &headers, b"{}"), [Hint::Decompressed]);
    assert_eq!(shown(&catalog::GITHUB, &headers, BODY), [], "it is valid");
    assert_eq!(shown(&catalog::GITLAB_TOKEN, &signed(&catalog::GITLAB_TOKEN), b""), [], "nothing is signed");
}

#[test]
fn nothing_that_is_said_holds_the_secret_the_body_or_a_signature() {
    let headers = signed(&catalog::GITHUB);
    let secret = format!("{SECRET}\n");
    let request = RequestView::post(&headers);
    let case =
        Case { scheme: &catalog::GITHUB, secrets: &[&secret], request, body: BODY, url: None, now: NOW };
    let finding = explain(&case);
    let Finding::Changed(changes) = &finding else { panic!("{finding:?}") };
    let shown = format!("{case:?} {finding:?} {}", changes[0]);
    let signature = crate::header(&headers, "X-Hub-Signature-256");
    for hidden in [SECRET, "evt_1", &signature[7..]] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
