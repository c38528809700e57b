//! Every scheme of the catalogue makes sense, survives TOML, and signs what it verifies.

use countersign::{
    ErrorKind, Keyring, Message, RequestView, Scheme, SignError, Signer, Verifier, catalog,
    scheme::{
        Algorithm, Answer, AnswerBody, AnswerValue, Condition, Handshake, Part, Place, SchemeErrorKind,
        Version,
    },
};

#[test]
fn every_scheme_makes_sense() {
    for scheme in catalog::ALL {
        assert_eq!(scheme.check(), Ok(()), "{}", scheme.name);
    }
}

#[test]
fn every_scheme_is_read_back_from_its_own_toml() {
    for scheme in catalog::ALL {
        let text = scheme.to_toml();
        assert_eq!(Scheme::from_toml(&text).as_ref(), Ok(scheme), "{text}");
    }
}

const ACME: &str = r#"
name = "acme"
title = "Acme"
content = "{field:t}.{body}"

[signature]
source = { header = "X-Acme-Signature" }
syntax = { list = { separator = "comma", delimiter = "=" } }
versions = [{ label = "v1", algorithm = "hmac-sha256" }]
encoding = "hex"

[timestamp]
at = "field:t"
format = "unix-seconds"
past = 300
"#;

#[test]
fn a_mistake_in_toml_is_named_with_its_line_field_and_remedy() {
    assert!(Scheme::from_toml(ACME).is_ok());
    let cases = [
        ("name = \"acme\"", "name = \"Acme!\"", "line 2: `name` must be lower-case letters, digits and `-`"),
        (
            "content = \"{field:t}.{body}\"",
            "content = \"{field:t}.{boddy}\"",
            "line 4: `{boddy}` is not known; write {body}",
        ),
        (
            "content = \"{field:t}.{body}\"",
            "content = \"{field:u}.{body}\"",
            "line 13: `timestamp.at` is not in the signed content",
        ),
        ("content = \"{field:t}.{body}\"", "", "`content` is empty"),
        ("hmac-sha256", "md5", "line 9: unknown variant `md5`, expected one of `hmac-sha1`, `hmac-sha256`"),
        ("encoding = \"hex\"", "encodings = \"hex\"", "line 10: unknown field `encodings`, expected"),
        ("label = \"v1\"", "label = \"\"", "line 9: `signature.versions` needs a label for each version"),
        ("at = \"field:t\"", "at = \"t\"", "line 13: `t` is not a place; write \"header:NAME\""),
        ("past = 300", "past = -1", "line 15: "),
        ("X-Acme-Signature", "X Acme", "line 7: `signature.source` must name a header"),
    ];
    for (from, to, expected) in cases {
        let error = Scheme::from_toml(&ACME.replace(from, to)).expect_err(to);
        let text = error.to_string();
        assert!(text.starts_with(expected), "{to}: {text}");
    }
    let error = Scheme::from_toml("name = [").expect_err("no TOML");
    assert_eq!(error.kind(), SchemeErrorKind::Syntax);
}

/// ACME with one thing changed.
fn acme(change: impl FnOnce(&mut Scheme)) -> Scheme {
    let mut scheme = Scheme::from_toml(ACME).expect("a scheme");
    change(&mut scheme);
    scheme
}

#[track_caller]
fn assert_contradiction(scheme: &Scheme, field: &str) {
    let error = scheme.check().expect_err(field);
    assert_eq!((error.kind(), error.field()), (SchemeErrorKind::Contradiction, field), "{error}");
}

#[test]
fn a_token_is_not_mixed_with_a_signature() {
    let token = Version::labelled("tok", Algorithm::Token);
    let scheme = acme(|scheme| scheme.signature.versions.to_mut().push(token));
    assert_contradiction(&scheme, "signature.versions");
}

#[test]
fn content_and_headers_have_a_limit_that_both_ends_know() {
    let literal = || Part::Literal("x".into());
    let scheme = acme(|scheme| scheme.content.to_mut().extend((0..8).map(|_| literal())));
    assert_contradiction(&scheme, "content");
    let header = |number: usize| Part::Header(format!("X-{number}").into());
    let scheme = acme(|scheme| {
        scheme.content = (0..8).map(header).chain([Part::Field("t".into())]).collect();
    });
    assert_contradiction(&scheme, "content");
}

#[test]
fn a_handshake_that_would_harm_is_refused() {
    let handshake = |content_type: Option<&str>, secret: Option<&str>, enrolment| Handshake {
        when: vec![Condition::HasQuery("challenge".into())].into(),
        signed: false,
        enrolment,
        expect: vec![].into(),
        refusal: 403,
        secret: secret.map(|name| Place::Header(name.to_owned().into())),
        answer: Answer {
            status: 200,
            content_type: content_type.map(|text| text.to_owned().into()),
            headers: vec![].into(),
            body: AnswerBody::Text(AnswerValue::Query("challenge".into())),
        },
    };
    let with = |handshake| acme(|scheme| scheme.handshakes = vec![handshake].into());
    assert_eq!(with(handshake(Some("text/plain"), None, false)).check(), Ok(()));
    assert_contradiction(&with(handshake(Some("text/html"), None, false)), "handshake.answer.content_type");
    assert_contradiction(&with(handshake(None, None, false)), "handshake.answer.content_type");
    assert_contradiction(&with(handshake(Some("text/plain"), Some("X"), false)), "handshake.enrolment");
}

#[test]
fn an_empty_setting_agrees_with_nothing() {
    let keys = || Keyring::new(&catalog::META, ["meta-app-secret-of-a-test"]).expect("a keyring");
    let build =
        |value: &str| Verifier::builder(catalog::META).keys(keys()).setting("verify_token", value).build();
    assert!(build("").is_err());
    let headers: [(&str, &str); 0] = [];
    let target = "/hook?hub.mode=subscribe&hub.challenge=1";
    let request = RequestView { method: "GET", target, headers: &headers };
    let refused = build("expected").expect("a verifier").receive(&request, b"", 0).expect_err("no token");
    assert_eq!((refused.kind(), refused.status()), (ErrorKind::HandshakeRefused, 403));
}

#[test]
fn a_signer_finds_its_headers_whatever_their_case() {
    let scheme = acme(|scheme| {
        scheme.content = Part::parse_template("{header:x-id}.{header:x-time}.{header:X-Topic}.{body}")
            .expect("parts")
            .into();
        scheme.timestamp.as_mut().expect("a rule").at = Place::Header("X-Time".into());
        scheme.event.id = vec![Place::Header("X-Id".into())].into();
    });
    let keys = Keyring::new(&scheme, ["a-secret-of-more-than-sixteen"]).expect("a keyring");
    let signer = Signer::new(&scheme, keys.clone()).expect("a signer");
    let message = Message::new("evt_1", b"{}");
    assert_eq!(signer.sign(&message, 1_700_000_000).expect_err("no topic"), SignError::MissingHeader);
    let topic = [("x-topic", "invoices")];
    let signed = signer.sign(&Message { headers: &topic, ..message }, 1_700_000_000).expect("signed");
    assert!(signed.headers.contains(&("x-time".to_owned(), "1700000000".to_owned())));
    let verifier = Verifier::builder(scheme).keys(keys).build().expect("a verifier");
    let verified = verifier.verify(&RequestView::post(&signed.headers), b"{}", 1_700_000_000);
    assert_eq!(verified.expect("authentic").event_id().expect("an id").as_deref(), Some("evt_1"));
}
