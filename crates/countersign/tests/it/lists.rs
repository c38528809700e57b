//! Where the signatures of a request stand, and which of them count.

use countersign::{
    ErrorKind, Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog,
    scheme::{
        Algorithm, DeliveryRule, FixedHeader, Part, Place, Separator, Signature, Source, Syntax, Version,
    },
};

use crate::{BODY, NOW, SECRET, header, keys, signed, signer, verifier};

const SECOND: &str = "another-secret-of-thirty-characters";

fn kind(verifier: &Verifier, headers: &[(&str, &str)]) -> Option<ErrorKind> {
    let headers = headers.to_vec();
    verifier.verify(&RequestView::post(&headers), BODY, NOW).err().map(|error| error.kind())
}

fn per_key() -> Scheme {
    let source = Source::PerKey(vec!["X-First".into(), "X-Second".into()].into());
    Scheme { signature: Signature { source, ..Scheme::BASE.signature }, ..Scheme::BASE }
}

/// The signatures of two keys, each in its own header.
fn two_signatures() -> (Verifier, String, String) {
    let scheme = per_key();
    let keys = || Keyring::new(&scheme, [SECRET, SECOND]).expect("two good secrets");
    let signer = Signer::new(&scheme, keys()).expect("a signer");
    let headers = signer.sign(&Message::new("evt_1", BODY), NOW).expect("two signatures").headers;
    let verifier = Verifier::builder(scheme.clone()).keys(keys()).build().expect("a verifier");
    (verifier, header(&headers, "X-First").into(), header(&headers, "X-Second").into())
}

#[test]
fn each_key_checks_its_own_header_alone() {
    let (verifier, first, second) = two_signatures();
    let none = Some(ErrorKind::NoMatchingSignature);
    assert_eq!(kind(&verifier, &[("X-First", &first)]), None);
    assert_eq!(kind(&verifier, &[("X-Second", &second)]), None);
    assert_eq!(kind(&verifier, &[("X-First", &second)]), none);
    assert_eq!(kind(&verifier, &[("X-Second", &first)]), none);
    assert_eq!(kind(&verifier, &[("X-First", &second), ("X-Second", &first)]), none);
    assert_eq!(kind(&verifier, &[("X-First", &second), ("X-Second", &second)]), None);
}

#[test]
fn a_header_of_a_key_is_neither_repeated_nor_are_all_empty() {
    let (verifier, first, _) = two_signatures();
    let twice = [("X-First", first.as_str()), ("X-First", first.as_str())];
    assert_eq!(kind(&verifier, &twice), Some(ErrorKind::DuplicateHeader));
    assert_eq!(kind(&verifier, &[]), Some(ErrorKind::MissingHeader));
    assert_eq!(kind(&verifier, &[("X-First", ""), ("X-Second", " ")]), Some(ErrorKind::MissingHeader));
}

#[test]
fn repeated_headers_are_counted_and_no_more_is_kept_than_allowed() {
    let source = Source::Repeated("X-Signature".into());
    let scheme = Scheme { signature: Signature { source, ..Scheme::BASE.signature }, ..Scheme::BASE };
    let good = signed(&scheme)[0].1.clone();
    let wrong = "00".repeat(32);
    let verifier = Verifier::builder(scheme.clone()).keys(keys(&scheme)).max_signatures(3);
    let verifier = verifier.build().expect("a verifier");
    let last_of = |count: usize| {
        let mut headers = vec![("X-Signature", wrong.as_str()); count - 1];
        headers.push(("x-signature", &good));
        kind(&verifier, &headers)
    };
    assert_eq!(last_of(1), None);
    assert_eq!(last_of(3), None);
    for count in [4, 5, 40] {
        assert_eq!(last_of(count), Some(ErrorKind::TooManySignatures), "{count}");
    }
    let mut others = vec![("X-Other", wrong.as_str()); 40];
    others.push(("X-Signature", &good));
    assert_eq!(kind(&verifier, &others), None, "other headers don't count");
}

#[test]
fn a_number_behind_the_name_is_written_in_one_way() {
    let source = Source::Numbered("X-Signature-".into());
    let scheme = Scheme { signature: Signature { source, ..Scheme::BASE.signature }, ..Scheme::BASE };
    let (verifier, good) = (verifier(&scheme), signed(&scheme)[0].1.clone());
    for name in ["X-Signature-1", "x-signature-2", "X-Signature-65535"] {
        assert_eq!(kind(&verifier, &[(name, &good)]), None, "{name}");
    }
    for name in ["X-Signature-", "X-Signature-0", "X-Signature-01", "X-Signature-+1", "X-Signature-65536"] {
        assert_eq!(kind(&verifier, &[(name, &good)]), Some(ErrorKind::MissingHeader), "{name}");
    }
}

#[test]
fn a_signed_field_stands_once_and_is_not_empty() {
    let verifier = verifier(&catalog::STRIPE);
    let headers = signed(&catalog::STRIPE);
    let signature = header(&headers, "Stripe-Signature").split_once(',').expect("a time, a signature").1;
    let with = |fields: &str| kind(&verifier, &[("Stripe-Signature", &format!("{fields}{signature}"))]);
    assert_eq!(with("t=1700000000,"), None);
    assert_eq!(with("v0=00,t=1700000000,id=7,"), None, "other fields are passed over");
    for fields in ["", "t=,", "t=1700000000,t=1700000000,", "t=1700000000,t=,", "t=,t=1700000000,"] {
        assert_eq!(with(fields), Some(ErrorKind::MalformedHeader), "{fields}");
    }
}

#[test]
fn a_header_without_any_signature_says_whether_it_holds_another_versions() {
    let verifier = verifier(&catalog::STRIPE);
    let with = |text: &str| kind(&verifier, &[("Stripe-Signature", text)]);
    assert_eq!(with("t=1700000000"), Some(ErrorKind::MalformedHeader), "the time alone");
    assert_eq!(with("t=1700000000,v9=00"), Some(ErrorKind::UnsupportedVersion));
    assert_eq!(with("nothing"), Some(ErrorKind::MalformedHeader));
}

#[test]
fn what_is_beyond_a_limit_is_counted() {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let keys = Keyring::new(scheme, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]).expect("a good secret");
    let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
    let refused = |signatures: String| {
        let headers = [("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000")];
        let headers = headers.into_iter().chain([("webhook-signature", &*signatures)]).collect::<Vec<_>>();
        verifier.verify(&RequestView::post(&headers), BODY, NOW).expect_err("beyond a limit").to_string()
    };
    for (signatures, said) in [
        ("v1,ab ".repeat(17), "holds more signatures than the limit: 17, and 16 are allowed"),
        (
            "v1a,ab ".repeat(5),
            "holds more signatures than the limit: 5 that a public key verifies, and 4 are allowed",
        ),
        (format!("v1,{}", "a".repeat(9000)), "is longer than the limit: 9003 bytes, and 8192 are allowed"),
    ] {
        let error = refused(signatures);
        assert!(error.ends_with(&format!(": webhook-signature {said}")), "{error}");
    }
}

#[test]
fn a_method_that_the_scheme_doesnt_use_is_named() {
    let headers = signed(&catalog::STRIPE);
    let get = RequestView { method: "GET", ..RequestView::post(&headers) };
    let error = verifier(&catalog::STRIPE).verify(&get, BODY, NOW).expect_err("no delivery").to_string();
    assert_eq!(error, "method_not_allowed: GET isn't a method by which the scheme delivers");
}

#[test]
fn what_is_missing_is_named() {
    let place = |scheme: &Scheme, headers: &[(&str, &str)]| {
        let headers = headers.to_vec();
        let error =
            verifier(scheme).verify(&RequestView::post(&headers), BODY, NOW).expect_err("no signature");
        (error.kind(), error.place().map(ToOwned::to_owned))
    };
    let missing = |name: &str| (ErrorKind::MissingHeader, Some(name.to_owned()));
    for headers in [[].as_slice(), &[("X-Signature", "")], &[("X-Signature", " \t")]] {
        assert_eq!(place(&Scheme::BASE, headers), missing("X-Signature"));
    }
    assert_eq!(place(&per_key(), &[]), missing("X-First"));
    assert_eq!(place(&catalog::MOLLIE, &[]), missing("X-Mollie-Signature"));
}

#[test]
fn a_signature_of_each_version_counts_beside_a_wrong_one_of_another() {
    let signature = |algorithm| {
        let versions = vec![Version::bare(algorithm)].into();
        let scheme = Scheme { signature: Signature { versions, ..Scheme::BASE.signature }, ..Scheme::BASE };
        signed(&scheme)[0].1.clone()
    };
    let (short, long) = (signature(Algorithm::HmacSha256), signature(Algorithm::HmacSha512));
    let mut scheme = listed(Separator::Comma);
    scheme.signature.versions.to_mut().push(Version::labelled("v2", Algorithm::HmacSha512));
    let with = |text: String| kind(&verifier(&scheme), &[("X-Signature", &text)]);
    assert_eq!(with(format!("v1=00,v2={long}")), None);
    assert_eq!(with(format!("v1={short},v2=00")), None);
    assert_eq!(with(format!("v2={long},v1=00")), None);
    let none = Some(ErrorKind::NoMatchingSignature);
    assert_eq!(with("v1=00,v2=00".into()), none);
    assert_eq!(with(format!("v1={long},v2={short}")), none, "each under its own label alone");
}

#[test]
#[cfg(feature = "ed25519")]
fn a_key_for_a_version_that_the_request_does_not_have_is_of_no_use() {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
    let public = format!("whpk_{}", base64(key.as_bytes()));
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, [public]).expect("a public key");
    let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build().expect("a verifier");
    let signature = format!("v1,{}", base64(&[0; 32]));
    let headers =
        [("webhook-id", "1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", &signature)];
    assert_eq!(kind(&verifier, &headers), Some(ErrorKind::NoUsableKey));
}

#[cfg(feature = "ed25519")]
fn base64(bytes: &[u8]) -> String {
    use base64ct::Encoding as _;
    base64ct::Base64::encode_string(bytes)
}

#[test]
fn an_optional_fixed_header_may_be_missing_and_holds_nothing_else() {
    let fixed = |optional| {
        let header = FixedHeader { name: "X-Version".into(), value: "2".into(), optional };
        let delivery = DeliveryRule { fixed: vec![header].into(), ..DeliveryRule::POST };
        Scheme { delivery, ..Scheme::BASE }
    };
    let signature = signed(&Scheme::BASE)[0].1.clone();
    for (optional, missing) in [(true, None), (false, Some(ErrorKind::MissingHeader))] {
        let verifier = verifier(&fixed(optional));
        assert_eq!(kind(&verifier, &[("X-Signature", &signature)]), missing);
        let with = |version| kind(&verifier, &[("X-Signature", &signature), ("x-version", version)]);
        assert_eq!(with("2"), None);
        assert_eq!(with("3"), Some(ErrorKind::UnsupportedVersion));
    }
}

#[test]
fn an_id_in_the_signature_header_is_read_where_it_stands_once() {
    let mut scheme = listed(Separator::Comma);
    scheme.event.id = vec![Place::Field("id".into())].into();
    let verifier = verifier(&scheme);
    let headers = signed(&scheme);
    let signature = header(&headers, "X-Signature");
    let id = |fields: &str| {
        let headers = [("X-Signature", format!("{fields}{signature}"))];
        let verified = verifier.verify(&RequestView::post(&headers), BODY, NOW).expect("authentic");
        verified.event_id().expect("no body is read").map(|id| id.into_owned())
    };
    assert_eq!(id("kind=push,id=evt_9,").as_deref(), Some("evt_9"));
    for fields in ["", "kind=push,", "id=,", "id=evt_9,id=evt_9,", "id=,id=evt_9,"] {
        assert_eq!(id(fields), None, "{fields}");
    }
}

#[test]
fn spaces_and_empty_entries_of_a_list_are_passed_over() {
    for (separator, lists) in [
        (Separator::Comma, ["{}", " {} ", ",,{}", "v0=00 , {},", "{},v0=00"].as_slice()),
        (Separator::Semicolon, &["{}", " {} ", ";;{}", "v0=00 ; {};"]),
        (Separator::Space, &["{}", "  {}  ", "v0=00 {}"]),
        (Separator::CommaSpace, &["{}", "{},", "v0=00, {}", "v0=00,  {},"]),
        (Separator::SpaceOrComma, &["{}", "v0=00,{}", "v0=00 {}", ", ,{} ,"]),
    ] {
        let scheme = listed(separator);
        let (verifier, headers) = (verifier(&scheme), signed(&scheme));
        let signature = header(&headers, "X-Signature");
        for list in lists {
            let text = list.replace("{}", signature);
            assert_eq!(kind(&verifier, &[("X-Signature", &text)]), None, "{separator:?}: {list}");
        }
        let tab = format!("\t{signature}");
        assert!(kind(&verifier, &[("X-Signature", &tab)]).is_some(), "{separator:?}: a tab is no space");
    }
}

fn listed(separator: Separator) -> Scheme {
    let signature = Signature {
        syntax: Syntax::List { separator, delimiter: '=' },
        versions: vec![Version::labelled("v1", Algorithm::HmacSha256)].into(),
        ..Scheme::BASE.signature
    };
    Scheme { signature, ..Scheme::BASE }
}

#[test]
fn in_a_list_without_labels_the_fields_stand_first() {
    let syntax = Syntax::Positional { separator: Separator::Semicolon, fields: vec!["t".into()].into() };
    let scheme = Scheme {
        content: vec![Part::Field("t".into()), Part::Literal(".".into()), Part::Body].into(),
        signature: Signature { syntax, ..Scheme::BASE.signature },
        timestamp: catalog::STRIPE.timestamp,
        ..Scheme::BASE
    };
    let (verifier, headers) = (verifier(&scheme), signed(&scheme));
    let text = header(&headers, "X-Signature");
    let (time, signature) = text.split_once(';').expect("a time and a signature");
    assert_eq!(time, "1700000000");
    assert_eq!(kind(&verifier, &[("X-Signature", text)]), None);
    let turned = format!("{signature};{time}");
    assert!(kind(&verifier, &[("X-Signature", &turned)]).is_some());
    assert_eq!(kind(&verifier, &[("X-Signature", time)]), Some(ErrorKind::MalformedHeader));
}

#[test]
fn the_name_of_an_authentication_scheme_is_read_in_any_case_and_ends_with_a_space() {
    let syntax = Syntax::Authorization("Signature".into());
    let scheme = Scheme { signature: Signature { syntax, ..Scheme::BASE.signature }, ..Scheme::BASE };
    let (verifier, headers) = (verifier(&scheme), signed(&scheme));
    let signature = header(&headers, "X-Signature").strip_prefix("Signature ").expect("the name");
    let with = |text: String| kind(&verifier, &[("X-Signature", &text)]);
    for good in ["Signature ", "signature ", "SIGNATURE   "] {
        assert_eq!(with(format!("{good}{signature}")), None, "{good:?}");
    }
    for bad in ["", "Signature", "Signature\t", "Other ", "Otherword ", "Signatures "] {
        assert_eq!(with(format!("{bad}{signature}")), Some(ErrorKind::MalformedHeader), "{bad:?}");
    }
}

#[test]
fn content_of_many_short_and_long_pieces_is_signed_in_order() {
    let literal = |length: usize| Part::Literal("x".repeat(length).into());
    let id = || Part::Header("X-Id".into());
    for parts in [
        vec![literal(1), Part::Method, literal(61), Part::Body, literal(1)],
        vec![literal(64), Part::Body],
        vec![literal(65), Part::Body],
        vec![Part::Method, literal(60), Part::Body],
        vec![literal(1), id(), literal(1), Part::Body],
        vec![id(), literal(1), Part::Method, Part::Body],
        vec![Part::Body, literal(70)],
    ] {
        for id in [1, 63, 64, 200].map(|length| "i".repeat(length)) {
            let text = parts.iter().map(|part| match part {
                Part::Literal(text) => text,
                Part::Method => "POST",
                Part::Header(_) => &id,
                _ => std::str::from_utf8(BODY).expect("text"),
            });
            let text: String = text.collect();
            let scheme = Scheme { content: parts.clone().into(), ..Scheme::BASE };
            let sign = |scheme: &Scheme, body| {
                let headers =
                    signer(scheme).sign(&Message::new(&id, body), NOW).expect("a signature").headers;
                header(&headers, "X-Signature").to_owned()
            };
            // The same bytes as a body of their own, signed by themselves.
            let signature = sign(&Scheme::BASE, text.as_bytes());
            assert_eq!(sign(&scheme, BODY), signature, "{text}");
            assert_eq!(
                kind(&verifier(&scheme), &[("X-Id", &id), ("X-Signature", &signature)]),
                None,
                "{text}"
            );
        }
    }
}
