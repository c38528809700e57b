//! What building a verifier, a signer or a keyring refuses.

use countersign::{
    ConfigError, ErrorKind, Key, KeyErrorKind, Keyring, Message, RequestView, Scheme, SignError, Signer,
    Tolerance, Verifier, catalog,
    scheme::{Algorithm, Part, Signature, Syntax, Version},
};

use crate::{NO_URLS, NOW, SECRET, keys, verifier};

#[test]
fn keys_of_another_scheme_make_no_verifier_and_no_signer() {
    let other = ConfigError::OtherScheme("github".into());
    let of_github = || keys(&catalog::GITHUB);
    assert_eq!(Verifier::builder(catalog::STRIPE).keys(of_github()).build().err(), Some(other.clone()));
    assert_eq!(Signer::new(&catalog::STRIPE, of_github()).err(), Some(other));
}

#[test]
fn a_verifier_takes_no_keys_of_another_scheme_later() {
    let by_request = verifier(&catalog::STRIPE);
    let refused = by_request.with_keys(keys(&catalog::GITHUB).into()).expect_err("keys of another scheme");
    assert_eq!(refused.kind(), ErrorKind::Misconfigured);
    assert!(refused.to_string().ends_with("keys of scheme github, and a verifier of stripe"), "{refused}");
    assert!(by_request.with_keys(keys(&catalog::STRIPE).into()).is_ok());
}

#[test]
fn a_verifier_whose_keys_are_by_request_says_that_none_were_chosen() {
    let (scheme, body) = (&catalog::STRIPE, br#"{"id":"evt_1"}"#);
    let none = Keyring::by_request(scheme).expect("a scheme that signs");
    let by_request = Verifier::builder(scheme.clone()).keys(none).build().expect("a verifier");
    let signer = Signer::new(scheme, keys(scheme)).expect("a signer");
    let signed = signer.sign(&Message::new("", body), NOW).expect("signed");
    let refused = by_request.verify(&RequestView::post(&signed.headers), body, NOW).expect_err("no keys");
    assert_eq!(refused.kind(), ErrorKind::Misconfigured);
    assert!(refused.to_string().contains("resolve_keys"), "{refused}");
    let chosen = by_request.at_endpoint("eu").with_keys(keys(scheme).into()).expect("keys of the scheme");
    let verified = chosen.verify(&RequestView::post(&signed.headers), body, NOW).expect("authentic");
    assert_eq!((chosen.endpoint(), verified.endpoint()), (Some("eu"), Some("eu")));
    assert_eq!(verified.idempotency_key().as_str(), "eu:stripe/evt_1");
}

#[test]
fn a_verifier_without_keys_is_not_built() {
    assert_eq!(Verifier::builder(catalog::STRIPE).build().err(), Some(ConfigError::NoKeys));
}

#[test]
fn a_scheme_that_signs_the_url_needs_a_whole_one() {
    let scheme = Scheme { content: vec![Part::ConfiguredUrl, Part::Body].into(), ..Scheme::BASE };
    let url = |url: &str| {
        let builder = Verifier::builder(scheme.clone()).keys(keys(&scheme));
        builder.public_url(url).build().err()
    };
    for missing in NO_URLS {
        assert_eq!(url(missing), Some(ConfigError::NoUrl), "{missing:?}");
    }
    assert_eq!(url("https://hooks.example.com/in"), None);
}

#[test]
fn an_empty_setting_is_refused_by_name() {
    let setting = |value: &str| {
        let builder = Verifier::builder(catalog::STRIPE).keys(keys(&catalog::STRIPE));
        builder.setting("verify_token", value).build().err()
    };
    assert_eq!(setting(""), Some(ConfigError::EmptySetting("verify_token".into())));
    assert_eq!(setting("x"), None);
}

#[test]
fn only_versions_that_the_scheme_knows_can_be_chosen_and_the_others_are_refused() {
    let versions = |labels: &[&str]| {
        let builder = Verifier::builder(catalog::STRIPE).keys(keys(&catalog::STRIPE));
        builder.versions(labels.iter().copied()).build()
    };
    assert_eq!(versions(&["v1", "v9"]).err(), Some(ConfigError::UnknownVersion("v9".into())));
    assert!(versions(&["v1"]).is_ok());

    let two = Scheme {
        signature: Signature {
            syntax: Syntax::Labelled('='),
            versions: vec![
                Version::labelled("sha256", Algorithm::HmacSha256),
                Version::labelled("sha512", Algorithm::HmacSha512),
            ]
            .into(),
            ..Scheme::BASE.signature
        },
        ..Scheme::BASE
    };
    let only = Verifier::builder(two.clone()).keys(keys(&two)).versions(["sha512"]).build();
    let labels: Vec<_> = only.expect("a verifier").scheme().algorithms().collect();
    assert_eq!(labels, [Algorithm::HmacSha512]);
}

#[test]
fn a_signer_refuses_a_field_whose_value_it_cannot_know() {
    let mut scheme = catalog::STRIPE;
    scheme.timestamp = None;
    let error = Signer::new(&scheme, keys(&scheme)).err();
    assert_eq!(error, Some(ConfigError::UnknownField("t".into())));
}

#[test]
#[cfg(feature = "ecdsa")]
fn keys_of_p256_are_read_as_der_and_nothing_else_is() {
    use countersign::catalog::SENDGRID;
    use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};

    let base64 = |bytes: &[u8]| <base64ct::Base64 as base64ct::Encoding>::encode_string(bytes);
    let secret = p256::SecretKey::from_slice(&[7; 32]).expect("a number below the curve's order");
    let public_der = secret.public_key().to_public_key_der().expect("a key").into_vec();
    let (public, private) = (base64(&public_der), base64(secret.to_pkcs8_der().expect("a key").as_bytes()));
    let keys = |text: &str| Keyring::new(&SENDGRID, [text]);
    assert!(Signer::new(&SENDGRID, keys(&private).expect("a secret key")).is_ok());
    let verifies_only = Signer::new(&SENDGRID, keys(&public).expect("a public key")).err();
    assert_eq!(verifies_only, Some(ConfigError::CannotSign(Algorithm::EcdsaP256Sha256)));

    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----");
    let with_more = base64(&[&*public_der, &[0]].concat());
    let off_the_curve = base64(&[&public_der[..90], &[public_der[90] ^ 1]].concat());
    let other_curve = base64(&[&public_der[..22], &[public_der[22] ^ 1], &public_der[23..]].concat());
    let point = base64(&public_der[26..]);
    let broken = format!("{}AAAA", &private[..180]);
    assert_eq!(keys(&pem).err().map(|error| error.kind()), Some(KeyErrorKind::Pem));
    for text in [&*with_more, &off_the_curve, &other_curve, &point, &broken, &public[..40]] {
        let kind = keys(text).err().map(|error| error.kind());
        assert_eq!(kind, Some(KeyErrorKind::Undecodable), "{text}");
    }
}

#[test]
#[cfg(feature = "ed25519")]
fn a_public_key_verifies_and_signs_nothing() {
    use countersign::scheme::{KeyForm, KeyKind, KeyRule, SecretEncoding};

    const PUBLIC: &[KeyForm] = &[KeyForm::new("", SecretEncoding::Hex, KeyKind::Ed25519Public)];
    let versions = vec![Version::bare(Algorithm::Ed25519)].into();
    let scheme = Scheme {
        signature: Signature { versions, ..Scheme::BASE.signature },
        key: KeyRule::of(PUBLIC),
        ..Scheme::BASE
    };
    let key = hex::encode(ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
    let keys = || Keyring::new(&scheme, [&key]).expect("a public key");
    assert!(Verifier::builder(scheme.clone()).keys(keys()).build().is_ok());
    assert_eq!(Signer::new(&scheme, keys()).err(), Some(ConfigError::CannotSign(Algorithm::Ed25519)));

    let kind = |text: &str| Keyring::new(&scheme, [text]).err().map(|error| error.kind());
    assert_eq!(kind(&key[..62]), Some(KeyErrorKind::Undecodable), "31 bytes are no public key");
    assert_eq!(kind(&format!("01{}", "00".repeat(31))), Some(KeyErrorKind::Weak), "the neutral point");
}

#[test]
fn an_unsigned_scheme_takes_no_secret_and_a_signed_one_is_not_accepted_without() {
    let unsigned = catalog::BILLRUN;
    let kind = |keyring: Result<Keyring, countersign::KeyError>| keyring.err().map(|error| error.kind());
    assert_eq!(kind(Keyring::by_request(&unsigned)), Some(KeyErrorKind::Unsigned));
    assert_eq!(kind(Keyring::accept_unsigned(&catalog::STRIPE)), Some(KeyErrorKind::NotUnsigned));
    assert_eq!(
        kind(Keyring::builder(&unsigned).key(Key::new("any", SECRET)).build()),
        Some(KeyErrorKind::Unsigned)
    );
    assert_eq!(kind(Keyring::by_request(&catalog::STRIPE)), None);
}

#[test]
fn the_first_bad_secret_is_the_one_that_is_named() {
    let builder = Keyring::builder(&catalog::STRIPE);
    let builder =
        builder.key(Key::new("first", SECRET)).key(Key::new("second", "")).key(Key::new("third", " "));
    let error = builder.build().expect_err("an empty secret");
    assert_eq!((error.label(), error.kind()), ("second", KeyErrorKind::Empty));
}

#[test]
fn a_verifier_that_reads_the_time_in_the_body_keeps_the_body() {
    let headers = crate::signed(&catalog::LINEAR);
    let checked = verifier(&catalog::LINEAR).begin(&RequestView::post(&headers), crate::NOW);
    let error = checked.expect_err("the body is needed");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().ends_with("which is not kept: use `begin_with` and keep it"), "{error}");
}

#[test]
fn a_copy_is_accepted_for_as_long_as_the_tolerance_of_the_widest_family_says() {
    let seconds = |tolerance| {
        let builder = Verifier::builder(catalog::STRIPE).keys(keys(&catalog::STRIPE));
        builder.tolerance(tolerance).build().expect("a verifier").replay_window()
    };
    assert_eq!(seconds(Tolerance::UNCHECKED), None);
    assert_eq!(seconds(Tolerance::default().past(10).future(5)), Some(15));
}

#[test]
#[cfg(not(feature = "sha1"))]
fn an_algorithm_that_this_build_lacks_is_named_when_its_keys_are_read() {
    let error = Keyring::new(&catalog::TRELLO, [SECRET]).expect_err("HMAC-SHA1");
    assert_eq!(error.kind(), KeyErrorKind::MissingFeature);
}

#[test]
fn keys_are_shown_by_their_labels() {
    let key = Key::new("current", SECRET);
    assert_eq!(format!("{key:?}"), r#"Key { label: "current", .. }"#);
    let builder = Keyring::builder(&catalog::STRIPE).tenant("acme").key(key);
    let shown = [format!("{builder:?}"), format!("{:?}", builder.build().expect("a keyring"))];
    for shown in shown {
        assert!(shown.contains("stripe") && shown.contains("acme") && shown.contains("current"), "{shown}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn a_mistake_is_shown_with_its_remedy() {
    let scheme = Scheme { name: "Acme".into(), ..Scheme::BASE }.check().expect_err("a capital letter");
    for (error, said) in [
        (ConfigError::Scheme(scheme), "`name` must be"),
        (ConfigError::NoKeys, "call `keys`"),
        (ConfigError::OtherScheme("github".into()), "`github`: read them again"),
        (ConfigError::NoUrl, "by `public_url`"),
        (ConfigError::EmptySetting("token".into()), "`token` is empty"),
        (ConfigError::UnknownVersion("v9".into()), "no version `v9`"),
        (ConfigError::UnknownField("n".into()), "the field `n`"),
        (ConfigError::CannotSign(Algorithm::Ed25519), "sign by ed25519"),
    ] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn an_error_that_main_prints_is_a_sentence() {
    let short = Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_AQID"]).expect_err("a short secret");
    assert_eq!((short.label(), short.kind()), ("key-1", KeyErrorKind::TooShort));
    let short: Box<dyn std::error::Error> = short.into();
    assert_eq!(
        format!("{short:?}"),
        "KeyError(scheme `standard-webhooks`: key-1 is shorter than the scheme allows: use one of at least 16 \
         bytes, decoded and without its prefix)"
    );
    assert_eq!(format!("{:?}", ConfigError::NoKeys), "ConfigError(no keys were given: call `keys`)");
    assert!(format!("{:?}", SignError::NoUrl).starts_with("SignError(the scheme signs the URL: "));
}
