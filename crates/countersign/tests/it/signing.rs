//! What a signer writes, and what it refuses to sign.

use countersign::{
    Key, Keyring, Message, RequestView, Scheme, SignError, Signer, Verifier, catalog,
    scheme::{
        Algorithm, DeliveryRule, Encoding, EventRule, FixedHeader, KeyForm, KeyKind, KeyRule, Part, Place,
        SecretEncoding, Separator, Signature, Source, Syntax, TimeFormat, TimestampRule, Version,
    },
};

use crate::{BODY, NO_URLS, NOW, SECRET, header, keys, signed, signer, verifier};

/// As the base, with this signature.
fn with_signature(change: impl FnOnce(&mut Signature)) -> Scheme {
    let mut scheme = Scheme::BASE;
    change(&mut scheme.signature);
    scheme
}

/// A scheme that signs these headers and the body.
fn signing_headers(names: &[&'static str]) -> Scheme {
    let headers = names.iter().flat_map(|name| [Part::Header((*name).into()), Part::Literal(".".into())]);
    Scheme { content: headers.chain([Part::Body]).collect(), ..Scheme::BASE }
}

fn error(scheme: &Scheme, message: &Message<'_>) -> Option<SignError> {
    signer(scheme).sign(message, NOW).err()
}

fn two_keys(scheme: &Scheme) -> Keyring {
    let second = "another-secret-of-thirty-characters";
    Keyring::new(scheme, [SECRET, second]).expect("two good secrets")
}

#[test]
fn whether_several_keys_sign_is_told_as_it_is() {
    let list = Syntax::List { separator: Separator::Comma, delimiter: '=' };
    let positional = Syntax::Positional { separator: Separator::Space, fields: vec![].into() };
    let sources = [
        Source::Header("X-S".into()),
        Source::Repeated("X-S".into()),
        Source::Numbered("X-S-".into()),
        Source::PerKey(vec!["X-S-1".into()].into()),
        Source::PerKey(vec!["X-S-1".into(), "X-S-2".into()].into()),
    ];
    let mut several = 0;
    for syntax in [Syntax::Bare, Syntax::Labelled('='), list, positional] {
        for source in &sources {
            let scheme = with_signature(|signature| {
                (signature.source, signature.syntax) = (source.clone(), syntax.clone());
                signature.versions =
                    vec![Version { label: "v1".into(), ..Version::bare(Algorithm::HmacSha256) }].into();
            });
            if scheme.check().is_err() {
                continue;
            }
            let by = |keys: Keyring| {
                Signer::new(&scheme, keys).expect("a signer").sign(&Message::new("", BODY), NOW)
            };
            let both_sign =
                by(two_keys(&scheme)).expect("signed").headers != by(keys(&scheme)).expect("signed").headers;
            assert_eq!(scheme.holds_several_signatures(), both_sign, "{source:?} {syntax:?}");
            several += usize::from(both_sign);
        }
    }
    assert!(several >= 5, "{several}");
}

#[test]
fn an_unsigned_scheme_is_written_without_a_signature() {
    let scheme = Scheme {
        content: vec![].into(),
        signature: Signature {
            versions: vec![Version::bare(Algorithm::None)].into(),
            encoding: Encoding::Raw,
            ..Scheme::BASE.signature
        },
        event: EventRule { event_type: vec![Place::Header("X-Event".into())].into(), ..EventRule::NONE },
        ..Scheme::BASE
    };
    let keys = Keyring::accept_unsigned(&scheme).expect("nothing is signed");
    let signer = Signer::new(&scheme, keys).expect("a signer");
    let message = Message { event_type: Some("push"), ..Message::new("evt_1", BODY) };
    let headers = signer.sign(&message, NOW).expect("headers").headers;
    assert_eq!(headers, [("X-Event".to_owned(), "push".to_owned())]);
}

#[test]
fn a_url_that_is_signed_must_be_whole() {
    let scheme = Scheme { content: vec![Part::ConfiguredUrl, Part::Body].into(), ..Scheme::BASE };
    for url in NO_URLS {
        let message = Message { url, ..Message::new("evt_1", BODY) };
        assert_eq!(error(&scheme, &message), Some(SignError::NoUrl), "{url:?}");
        assert_eq!(error(&Scheme::BASE, &message), None, "{url:?} isn't signed here");
    }
    let message = Message { url: "https://hooks.example.com/in", ..Message::new("evt_1", BODY) };
    assert_eq!(error(&scheme, &message), None);
}

#[test]
fn the_target_is_the_path_and_query_as_a_request_carries_them() {
    let scheme = Scheme { content: vec![Part::RequestUrl, Part::Body].into(), ..Scheme::BASE };
    let verifier = Verifier::builder(scheme.clone())
        .keys(keys(&scheme))
        .public_url("https://hooks.example.com/registered")
        .build()
        .expect("a verifier");
    for (url, target) in [
        ("https://hooks.example.com", "/"),
        ("https://hooks.example.com/", "/"),
        ("https://hooks.example.com?a=1", "/?a=1"),
        ("https://hooks.example.com/in?a=1#part", "/in?a=1"),
        ("https://hooks.example.com#part", "/"),
    ] {
        let headers = signer(&scheme).sign(&Message { url, ..Message::new("evt_1", BODY) }, NOW);
        let headers = headers.expect("a signature").headers;
        let verify = |target| {
            let request = RequestView { target, ..RequestView::post(&headers) };
            verifier.verify(&request, BODY, NOW).is_ok()
        };
        assert!(verify(target), "{url}");
        assert!(!verify("/other"), "{url}");
    }
}

#[test]
fn the_origin_of_a_url_is_everything_before_its_path() {
    let scheme = Scheme { content: vec![Part::RequestUrl, Part::Body].into(), ..Scheme::BASE };
    let verify = |registered: &str, called: &str, target| {
        let verifier = Verifier::builder(scheme.clone()).keys(keys(&scheme)).public_url(registered);
        let message = Message { url: called, ..Message::new("evt_1", BODY) };
        let headers = signer(&scheme).sign(&message, NOW).expect("a signature").headers;
        let request = RequestView { target, ..RequestView::post(&headers) };
        verifier.build().expect("a verifier").verify(&request, BODY, NOW).is_ok()
    };
    assert!(verify("https://a.io/in", "https://a.io/b/c/d/e", "/b/c/d/e"));
    assert!(verify("https://a.io", "https://a.io/b?c=https://d/e", "/b?c=https://d/e"));
    assert!(!verify("https://a.io/in", "https://b.io/in", "/in"), "another host");
    assert!(!verify("https://a.io/in", "http://a.io/in", "/in"), "another protocol");
}

#[test]
fn a_user_and_a_password_are_written_as_basic_authentication() {
    let form = KeyForm::new("", SecretEncoding::BasicCredentials, KeyKind::Symmetric);
    let scheme = Scheme {
        content: vec![].into(),
        signature: Signature {
            source: Source::Header("Authorization".into()),
            syntax: Syntax::Authorization("Basic".into()),
            versions: vec![Version::bare(Algorithm::Token)].into(),
            encoding: Encoding::Base64,
        },
        key: KeyRule { forms: vec![form].into(), ..KeyRule::TEXT },
        ..Scheme::BASE
    };
    let keys = || Keyring::new(&scheme, ["Aladdin:open sesame"]).expect("credentials");
    let signer = Signer::new(&scheme, keys()).expect("a signer");
    let headers = signer.sign(&Message::new("evt_1", BODY), NOW).expect("a header").headers;
    // RFC 7617 §2.
    assert_eq!(header(&headers, "Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    let verifier = Verifier::builder(scheme.clone()).keys(keys()).build().expect("a verifier");
    assert!(verifier.verify(&RequestView::post(&headers), BODY, NOW).is_ok());
}

#[test]
#[cfg(feature = "ed25519")]
fn an_ed25519_seed_signs_with_its_public_key_behind_it_or_without() {
    const SECRET_KEYS: &[KeyForm] = &[KeyForm::new("", SecretEncoding::Hex, KeyKind::Ed25519Secret)];
    let mut scheme = with_signature(|s| s.versions = vec![Version::bare(Algorithm::Ed25519)].into());
    scheme.key = KeyRule::of(SECRET_KEYS);
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let sign = |secret: &[u8]| {
        let keys = Keyring::new(&scheme, [hex::encode(secret)]).map_err(|error| error.kind())?;
        let signer = Signer::new(&scheme, keys).expect("a signer");
        Ok(signer.sign(&Message::new("evt_1", BODY), NOW).expect("a signature").headers)
    };
    let signed = sign(&key.to_keypair_bytes());
    assert!(signed.is_ok());
    assert_eq!(signed, sign(&[7; 32]));
    let mut mixed = key.to_keypair_bytes();
    mixed[..32].fill(8);
    assert!(sign(&mixed).is_err(), "the public key of another seed");
    assert_eq!(sign(&[7; 33]), Err(countersign::KeyErrorKind::Undecodable));
}

#[test]
#[cfg(feature = "ed25519")]
fn a_key_signs_by_the_version_that_it_fits() {
    use base64ct::Encoding as _;

    let secret = format!("whsk_{}", base64ct::Base64::encode_string(&[7; 32]));
    let scheme = countersign::catalog::STANDARD_WEBHOOKS;
    let keys = Keyring::new(&scheme, [secret]).expect("a secret key");
    let signer = Signer::new(&scheme, keys).expect("a signer");
    let headers = signer.sign(&Message::new("evt_1", BODY), NOW).expect("a signature").headers;
    assert!(header(&headers, "webhook-signature").starts_with("v1a,"));
}

#[test]
fn what_is_shown_of_a_message_is_no_body_and_no_signature() {
    let message = Message { event_type: Some("push"), ..Message::new("evt_9", BODY) };
    let shown = format!("{message:?}");
    assert!(shown.contains("evt_9") && shown.contains("push") && !shown.contains("evt_1"), "{shown}");
    let signed = signer(&Scheme::BASE).sign(&message, NOW).expect("a signature");
    assert_eq!(format!("{signed:?}"), r#"["X-Signature"]"#);
}

#[test]
fn a_refusal_to_sign_is_shown_with_its_remedy() {
    for (error, said) in [
        (SignError::InvalidId, "must be 1 to 255"),
        (SignError::MissingHeader, "give it in `headers`"),
        (SignError::NoUrl, "give the whole URL"),
        (SignError::NoUsableKey, "times of validity"),
    ] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_signed_header_is_the_messages_or_else_its_id() {
    let one = signing_headers(&["X-Id"]);
    assert_eq!(header(&signed(&one), "X-Id"), "evt_1", "the only one that isn't the time is the id");

    let message = Message { headers: &[("x-id", "other")], ..Message::new("evt_1", BODY) };
    let headers = signer(&one).sign(&message, NOW).expect("a signature").headers;
    assert_eq!(header(&headers, "X-Id"), "other", "what the message says is taken first");

    let two = signing_headers(&["X-Id", "X-Kind"]);
    assert_eq!(error(&two, &Message::new("evt_1", BODY)), Some(SignError::MissingHeader));
    let named = Scheme {
        event: EventRule {
            id: vec![Place::Json("/id".into()), Place::Header("x-id".into())].into(),
            ..EventRule::NONE
        },
        ..two.clone()
    };
    let only_id = Message::new("evt_1", BODY);
    assert_eq!(error(&named, &only_id), Some(SignError::MissingHeader), "X-Kind isn't the id");
    let with_kind = Message { headers: &[("X-Kind", "push")], ..only_id };
    let headers = signer(&named).sign(&with_kind, NOW).expect("a signature").headers;
    assert_eq!((header(&headers, "X-Id"), header(&headers, "X-Kind")), ("evt_1", "push"));
}

#[test]
fn a_time_is_never_taken_for_the_id() {
    let timed = Scheme {
        timestamp: Some(TimestampRule {
            at: Place::Header("X-Time".into()),
            format: TimeFormat::UnixSeconds,
            past: Some(300),
            future: Some(300),
            not_before: None,
        }),
        ..signing_headers(&["X-Id", "X-Time"])
    };
    let headers = signed(&timed);
    assert_eq!((header(&headers, "X-Id"), header(&headers, "X-Time")), ("evt_1", "1700000000"));
}

#[test]
fn an_id_that_no_header_can_hold_is_refused() {
    let scheme = signing_headers(&["X-Id"]);
    let long = "x".repeat(256);
    for id in ["", "a b", "a.b", "a\nb", "é", &long] {
        assert_eq!(error(&scheme, &Message::new(id, BODY)), Some(SignError::InvalidId), "{id:?}");
    }
    assert_eq!(error(&scheme, &Message::new(&long[1..], BODY)), None);
}

#[test]
fn the_id_and_the_type_are_written_where_the_scheme_has_a_header_for_them() {
    let scheme = Scheme {
        event: EventRule {
            id: vec![Place::Header("X-Id".into())].into(),
            event_type: vec![Place::Header("X-Kind".into())].into(),
            ..EventRule::NONE
        },
        ..Scheme::BASE
    };
    let message = Message { event_type: Some("push me"), ..Message::new("evt.1", BODY) };
    let headers = signer(&scheme).sign(&message, NOW).expect("a signature").headers;
    assert_eq!((header(&headers, "X-Id"), header(&headers, "X-Kind")), ("evt.1", "push me"));

    let without = signer(&scheme).sign(&Message::new("", BODY), NOW).expect("a signature").headers;
    assert_eq!(without.len(), 1, "nothing is written for an empty id and no type");
    for kind in ["a\nb", "a\tb", "é", "\u{7f}"] {
        let message = Message { event_type: Some(kind), ..message };
        assert_eq!(error(&scheme, &message), Some(SignError::InvalidId), "{kind:?}");
    }
    assert_eq!(error(&scheme, &Message { id: "a\nb", ..message }), Some(SignError::InvalidId));
}

/// However many keys there are.
#[test]
fn every_header_that_is_written_is_told_beforehand() {
    let secrets = ["C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrscChlQIMV+b5sSYspob7oD"; Keyring::MAX_KEYS];
    let mut signed = 0;
    for scheme in catalog::ALL {
        let keys = Keyring::new(scheme, secrets);
        let Some(signer) = keys.ok().and_then(|keys| Signer::new(scheme, keys).ok()) else { continue };
        let message =
            Message { event_type: Some("push"), url: "https://example.com/", ..Message::new("evt_1", BODY) };
        let headers = signer.sign(&message, NOW).expect("a signature").headers;
        let told = scheme.written_headers();
        let is_told = |name: &str| {
            told.iter().any(|told| match told.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == &**told,
            })
        };
        for (name, _) in &headers {
            assert!(is_told(name), "{}: {name} isn't of {told:?}", scheme.name);
        }
        signed += 1;
    }
    assert!(signed > 50, "{signed} schemes");
    assert!(catalog::DOCUSIGN.written_headers().contains(&"X-DocuSign-Signature-*".into()));
    assert!(catalog::BOX.written_headers().contains(&"BOX-SIGNATURE-SECONDARY".into()));
}

#[test]
fn a_header_that_is_signed_is_written_once() {
    let scheme = Scheme {
        event: EventRule { id: vec![Place::Header("x-id".into())].into(), ..EventRule::NONE },
        ..signing_headers(&["X-Id"])
    };
    assert_eq!(header(&signed(&scheme), "X-Id"), "evt_1");
}

#[test]
fn a_fixed_header_is_written_as_it_is() {
    let fixed = FixedHeader { name: "X-Version".into(), value: "2".into(), optional: false };
    let delivery = DeliveryRule { fixed: vec![fixed].into(), ..DeliveryRule::POST };
    assert_eq!(header(&signed(&Scheme { delivery, ..Scheme::BASE }), "X-Version"), "2");
}

#[test]
fn keys_that_are_not_valid_now_sign_nothing() {
    let key = |label, from, until| Key::new(label, SECRET).valid_from(from).valid_until(until);
    let sign = |key| {
        let keys = Keyring::builder(&Scheme::BASE).key(key).build().expect("a keyring");
        Signer::new(&Scheme::BASE, keys).expect("a signer").sign(&Message::new("evt_1", BODY), NOW).err()
    };
    assert_eq!(sign(key("old", 0, NOW - 1)), Some(SignError::NoUsableKey));
    assert_eq!(sign(key("new", NOW + 1, NOW + 2)), Some(SignError::NoUsableKey));
    assert_eq!(sign(key("now", NOW, NOW + 1)), None);
}

#[test]
fn each_key_signs_in_the_way_of_the_schemes_headers() {
    let labelled = || vec![Version::labelled("v1", Algorithm::HmacSha256)].into();
    let list = Syntax::List { separator: Separator::Comma, delimiter: '=' };
    let schemes = [
        (with_signature(|s| s.source = Source::Repeated("X-Signature".into())), 2),
        (with_signature(|s| s.source = Source::Numbered("X-Signature-".into())), 2),
        (with_signature(|s| s.source = Source::PerKey(vec!["X-First".into(), "X-Second".into()].into())), 2),
        (with_signature(|s| s.source = Source::PerKey(vec!["X-First".into()].into())), 1),
        (with_signature(|s| (s.syntax, s.versions) = (list, labelled())), 1),
        (with_signature(|s| (s.syntax, s.versions) = (Syntax::Labelled('='), labelled())), 1),
        (with_signature(|s| s.syntax = Syntax::Authorization("Signature".into())), 1),
        (Scheme::BASE, 1),
    ];
    for (scheme, headers) in schemes {
        let signer = Signer::new(&scheme, two_keys(&scheme)).expect("a signer");
        let signed = signer.sign(&Message::new("evt_1", BODY), NOW).expect("a signature").headers;
        assert_eq!(signed.len(), headers, "{:?}", scheme.signature);
        let verified = verifier(&scheme);
        assert!(verified.verify(&RequestView::post(&signed), BODY, NOW).is_ok(), "{:?}", scheme.signature);
    }
}

#[test]
fn a_list_is_joined_by_its_own_separator() {
    for (separator, text) in [
        (Separator::Comma, ","),
        (Separator::SpaceOrComma, ","),
        (Separator::Semicolon, ";"),
        (Separator::Space, " "),
        (Separator::CommaSpace, ", "),
    ] {
        let scheme = with_signature(|signature| {
            signature.syntax = Syntax::List { separator, delimiter: '=' };
            signature.versions = vec![Version::labelled("v1", Algorithm::HmacSha256)].into();
        });
        let signer = Signer::new(&scheme, two_keys(&scheme)).expect("a signer");
        let signed = signer.sign(&Message::new("evt_1", BODY), NOW).expect("a signature").headers;
        let list = header(&signed, "X-Signature");
        let entries: Vec<_> = list.split(text).collect();
        assert_eq!(entries.len(), 2, "{list}");
        assert!(entries.iter().all(|entry| entry.starts_with("v1=") && entry.len() == 67), "{list}");
    }
}
