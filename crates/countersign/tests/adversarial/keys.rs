//! Secrets: absent, weak, stray, of another kind, shown.

use countersign::{
    Key, KeyErrorKind, Keyring, Message, RequestView, SignError, Signer, Verifier, catalog,
    scheme::{KeyKind, SecretEncoding},
};

use crate::subject::{NOW, Subject, authenticating, base64, secret};

#[test]
fn adv_05_an_empty_secret_makes_no_keyring() {
    for scheme in authenticating() {
        for text in ["", "   ", "\n", "\t", "\u{a0}"] {
            assert!(Keyring::new(scheme, [text]).is_err(), "{}", scheme.name);
        }
        for form in scheme.key.forms.iter().filter(|form| !form.prefix.is_empty()) {
            let error = Keyring::new(scheme, [&form.prefix]).expect_err("a prefix alone");
            assert_eq!(error.kind(), KeyErrorKind::PrefixOnly, "{}", scheme.name);
        }
    }
}

#[test]
fn adv_06_zeros_alone_are_no_secret() {
    for scheme in authenticating() {
        for len in [1, 32, 64] {
            let zeros = vec![0; len];
            for form in scheme.key.forms.iter() {
                let text = match form.encoding {
                    SecretEncoding::Text => "\0".repeat(len),
                    SecretEncoding::Hex => hex::encode(&zeros),
                    SecretEncoding::Base64 => base64(&zeros),
                    SecretEncoding::BasicCredentials => continue,
                };
                let text = format!("{}{text}", form.prefix);
                let kept = form.keep_prefix && !form.prefix.is_empty();
                assert!(kept || Keyring::new(scheme, [text]).is_err(), "{}", scheme.name);
            }
        }
    }
}

#[test]
fn adv_07_what_hmac_takes_for_one_key_is_one_key() {
    let scheme = &catalog::GITHUB;
    let subject = Subject::of(scheme);
    let mut padded = subject.clone();
    padded.secret.push('\0');
    assert_eq!(padded.verify(), Ok(()));
    padded.secret.insert(0, '\0');
    padded.assert_refused("a key with a zero before it");
}

#[test]
fn adv_08_a_short_secret_is_refused_unless_the_scheme_allows_it() {
    let error = Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_AA=="]).expect_err("too short");
    assert!(matches!(error.kind(), KeyErrorKind::TooShort | KeyErrorKind::Weak));
    for (scheme, min) in [(&catalog::STANDARD_WEBHOOKS, 16), (&catalog::GITLAB, 32)] {
        let bytes = |len: usize| Keyring::new(scheme, [format!("whsec_{}", base64(&vec![7; len]))]);
        assert!(bytes(min).is_ok());
        assert_eq!(bytes(min - 1).expect_err("too short").kind(), KeyErrorKind::TooShort);
    }
    for scheme in authenticating() {
        let form = &scheme.key.forms[0];
        if form.kind == KeyKind::Symmetric && form.encoding == SecretEncoding::Text && form.prefix.is_empty()
        {
            let min = usize::from(scheme.key.min_bytes);
            assert!(Keyring::new(scheme, ["x".repeat(min)]).is_ok(), "{}", scheme.name);
            assert!(Keyring::new(scheme, ["x".repeat(min - 1)]).is_err(), "{}", scheme.name);
        }
    }
}

#[test]
fn adv_09_a_stray_line_break_is_named_and_the_secret_is_not() {
    for scheme in authenticating() {
        let good = secret(scheme, 1);
        for stray in [format!("{good}\n"), format!("{good}\r\n"), format!(" {good}"), format!("{good} ")] {
            let error = Keyring::new(scheme, [&stray]).expect_err("a stray space");
            assert_eq!(error.kind(), KeyErrorKind::SurroundingSpace);
            assert!(!error.to_string().contains(&good) && !format!("{error:?}").contains(&good));
        }
    }
}

#[test]
fn adv_10_no_secret_is_no_verifier() {
    for scheme in authenticating() {
        let none: [&str; 0] = [];
        assert_eq!(Keyring::new(scheme, none).expect_err("no key").kind(), KeyErrorKind::NoKeys);
        assert!(Verifier::builder(scheme.clone()).public_url("https://a.example").build().is_err());
    }
}

#[test]
fn adv_25_a_public_key_is_no_secret() {
    let public = format!("whpk_{}", base64(&[9; 32]));
    for scheme in authenticating() {
        let symmetric = scheme.key.forms.iter().all(|form| form.kind == KeyKind::Symmetric);
        let text = scheme.key.forms.iter().all(|form| form.encoding == SecretEncoding::Text);
        if symmetric && text {
            let error = Keyring::new(scheme, [&public]).expect_err("a public key");
            assert!(matches!(error.kind(), KeyErrorKind::WrongKind | KeyErrorKind::UnknownForm));
        }
    }
}

#[test]
fn adv_47_nothing_shows_a_secret() {
    for scheme in authenticating() {
        let subject = Subject::of(scheme);
        let keys = Keyring::new(scheme, [&subject.secret]).expect("a good secret");
        let verifier = subject.verifier();
        let signature = subject.signature();
        let shown = subject.verify_by(&verifier, |verified| format!("{verified:?}{verified:#?}"));
        let bad = subject.with_signature(&"0".repeat(signature.len()));
        let error = bad.verify().expect_err("a wrong signature");
        let texts = [
            format!("{keys:?}{keys:#?}"),
            format!("{verifier:?}{verifier:#?}"),
            format!("{:?}", Keyring::builder(scheme).key(Key::new("label", &subject.secret))),
            format!("{:?}", Key::new("label", &subject.secret)),
            shown.expect("authentic"),
            format!("{error}{error:?}{error:#?}"),
            format!("{:?}", RequestView::post(&subject.headers)),
        ];
        let core = subject.secret.trim_start_matches("whsec_");
        for text in texts {
            assert!(!text.contains(core) && !text.contains(&signature), "{}: {text}", scheme.name);
        }
    }
}

#[test]
fn a_key_is_used_only_while_it_is_valid() {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let subject = Subject::of(scheme);
    let at = |from: i64, until: i64| {
        let key = Key::new("windowed", &subject.secret).valid_from(from).valid_until(until);
        let keys = Keyring::builder(scheme).key(key).build().expect("a keyring");
        let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
        subject.verify_by(&verifier, |_| ()).map_err(|error| error.kind())
    };
    assert_eq!(at(NOW, NOW + 1), Ok(()));
    assert_eq!(at(NOW + 1, NOW + 2), Err(countersign::ErrorKind::NoUsableKey));
    assert_eq!(at(NOW - 1, NOW), Err(countersign::ErrorKind::NoUsableKey));
}

#[test]
fn every_key_that_is_valid_signs_where_the_scheme_can_hold_several_signatures() {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let [old, new] = [secret(scheme, 1), secret(scheme, 2)];
    let keys = Keyring::builder(scheme)
        .key(Key::new("new", &new))
        .key(Key::new("old", &old).valid_until(NOW + 10))
        .build()
        .expect("a keyring");
    let signer = Signer::new(scheme, keys).expect("a signer");
    let signatures = |now: i64| {
        let signed = signer.sign(&Message::new("evt_1", b"{}"), now).expect("signed");
        let header = signed.headers.into_iter().find(|(name, _)| name == "webhook-signature");
        header.expect("a signature").1.split(' ').count()
    };
    assert_eq!((signatures(NOW), signatures(NOW + 10)), (2, 1));
}

#[test]
fn a_key_for_which_the_scheme_names_no_header_signs_nothing() {
    let scheme = &catalog::BOX;
    let secrets = [1, 2, 3].map(|seed| secret(scheme, seed));
    let key = |index: usize| Key::new(["first", "second", "third"][index], &secrets[index]);
    let builder = Keyring::builder(scheme).key(key(0).valid_until(NOW)).key(key(1).valid_until(NOW));
    let signer = Signer::new(scheme, builder.key(key(2)).build().expect("keys")).expect("a signer");
    let message = Message::new("evt_1", b"{}");
    assert!(signer.sign(&message, NOW - 1).is_ok());
    assert_eq!(signer.sign(&message, NOW).expect_err("no header"), SignError::NoUsableKey);
}

#[test]
fn adv_20_a_signer_refuses_an_id_that_could_move_a_boundary() {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let keys = Keyring::new(scheme, [secret(scheme, 1)]).expect("a keyring");
    let signer = Signer::new(scheme, keys).expect("a signer");
    for id in ["evt.1", "", "evt 1", "evt\n1", "é", &"x".repeat(256)] {
        assert!(signer.sign(&Message::new(id, b"{}"), NOW).is_err(), "{id:?}");
    }
}
