//! Signatures: cut, grown, recoded, relabelled, repeated, and too many.

use countersign::{
    ErrorKind, Keyring, RequestView, Verifier, catalog,
    scheme::{Algorithm, Encoding, Source, Syntax},
};

use base64ct::Encoding as _;

use crate::subject::{Subject, authenticating, base64, json_body, secret, signing};

#[test]
fn adv_00_a_subject_is_accepted_before_it_is_changed() {
    for scheme in authenticating() {
        assert_eq!(Subject::of(scheme).verify(), Ok(()), "{}", scheme.name);
    }
}

#[test]
fn adv_01_no_prefix_of_a_tag_is_accepted() {
    for scheme in authenticating() {
        let subject = Subject::of(scheme);
        let good = subject.signature();
        for len in 0..good.len() {
            subject.with_signature(&good[..len]).assert_refused("a prefix of the tag");
        }
    }
}

#[test]
fn adv_02_no_extension_of_a_tag_is_accepted() {
    for scheme in authenticating() {
        let subject = Subject::of(scheme);
        let good = subject.signature();
        for len in [1, 2, 4, 8, 16, 64] {
            for filler in ["0", "A", "f", "="] {
                let text = format!("{good}{}", filler.repeat(len));
                subject.with_signature(&text).assert_refused("an extension of the tag");
            }
        }
    }
}

#[test]
fn adv_04_a_tag_of_any_length_is_refused_without_panic() {
    for scheme in authenticating() {
        let subject = Subject::of(scheme);
        for len in [0, 1, 31, 33, 62, 66, 86, 88, 128, 130] {
            subject.with_signature(&"a".repeat(len)).assert_refused("a tag of a wrong length");
        }
        let kind = subject.with_signature(&"a".repeat(1_000_000)).kind();
        assert_eq!(kind, Some(ErrorKind::HeaderTooLarge), "{}", scheme.name);
    }
}

#[test]
fn adv_11_every_set_of_headers_but_the_whole_is_refused() {
    for scheme in authenticating() {
        let whole = Subject::of(scheme);
        let event_only = |name: &str| {
            let optional = scheme.delivery.fixed.iter().any(|fixed| fixed.optional && fixed.name == name);
            let places = scheme.event.id.iter().chain(scheme.event.event_type.iter());
            let is_it = |place: &countersign::scheme::Place| {
                matches!(place, countersign::scheme::Place::Header(other) if other == name)
                    && !scheme.signs(place)
            };
            optional || places.into_iter().any(is_it)
        };
        let needed: Vec<String> =
            whole.headers.iter().map(|(name, _)| name.clone()).filter(|name| !event_only(name)).collect();
        for set in 0..(1_u32 << needed.len()) - 1 {
            let mut subject = whole.clone();
            let absent = (0..needed.len()).filter(|bit| set & (1 << bit) == 0);
            absent.for_each(|bit| subject.remove(&needed[bit]));
            subject.assert_refused("a part of the headers");
        }
        for name in &needed {
            for value in ["", " ", "   "] {
                let mut subject = whole.clone();
                subject.set(name, value);
                subject.assert_refused("an empty header");
            }
        }
    }
}

#[test]
fn adv_21_a_repeated_header_is_refused_in_either_order() {
    for scheme in authenticating() {
        if matches!(scheme.signature.source, Source::Repeated(_)) {
            continue;
        }
        let whole = Subject::of(scheme);
        let bad = whole.with_signature(&"0".repeat(whole.signature().len()));
        let name = whole.signature_header();
        for (first, second) in [(&whole, &bad), (&bad, &whole)] {
            let mut subject = whole.clone();
            subject.set(&name, first.header(&name));
            subject.headers.push((name.clone(), second.header(&name).into_bytes()));
            assert_eq!(subject.kind(), Some(ErrorKind::DuplicateHeader), "{}", scheme.name);
        }
    }
    for name in ["webhook-id", "webhook-timestamp"] {
        let mut subject = Subject::of(&catalog::STANDARD_WEBHOOKS);
        let value = subject.header(name);
        subject.headers.push((name.to_owned(), value.into_bytes()));
        assert_eq!(subject.kind(), Some(ErrorKind::DuplicateHeader));
    }
}

#[test]
fn adv_22_header_families_are_not_mixed() {
    let whole = Subject::of(&catalog::SVIX);
    for mixed in 1..7 {
        let mut subject = whole.clone();
        for (bit, (name, _)) in subject.headers.iter_mut().enumerate() {
            if mixed & (1 << bit) != 0 {
                *name = name.replace("svix-", "webhook-");
            }
        }
        subject.assert_refused("headers of two families");
    }
    let mut other = whole;
    other.headers.iter_mut().for_each(|(name, _)| *name = name.replace("svix-", "webhook-"));
    assert_eq!(other.verify(), Ok(()));
}

#[test]
fn adv_23_bytes_beyond_ascii_are_refused_without_panic() {
    for scheme in authenticating() {
        let whole = Subject::of(scheme);
        for (name, _) in &whole.headers {
            let optional = whole.scheme.event.id.iter().chain(whole.scheme.event.event_type.iter());
            let unsigned = optional.into_iter().any(|place| {
                matches!(place, countersign::scheme::Place::Header(other) if other == name)
                    && !scheme.signs(place)
            });
            let mut subject = whole.clone();
            subject.set(name, [subject.header(name).as_bytes(), b"\xe9"].concat());
            if unsigned {
                assert_eq!(subject.verify(), Ok(()))
            } else {
                subject.assert_refused("an obs-text byte")
            }
        }
    }
}

#[test]
fn adv_24_only_the_schemes_own_labels_count() {
    let subject = Subject::of(&catalog::STANDARD_WEBHOOKS);
    let good = subject.signature();
    let at = |text: String| {
        let mut changed = subject.clone();
        changed.set("webhook-signature", text);
        changed
    };
    for header in [
        format!("v0,{good}"),
        format!("V1,{good}"),
        format!("v1 ,{good}"),
        format!("v1={good}"),
        format!("v1a,{good}"),
        format!(",{good}"),
        good.clone(),
        format!("v1,v1,{good}"),
    ] {
        at(header).assert_refused("another label");
    }
}

#[test]
fn adv_25_the_algorithm_is_the_configurations() {
    let sha1 = Subject::of(&catalog::GITHUB_SHA1);
    let mut as_sha256 = Subject::of(&catalog::GITHUB);
    as_sha256.headers = sha1.headers.clone();
    assert_eq!(as_sha256.kind(), Some(ErrorKind::MissingHeader));
    for label in ["sha1", "sha256", "SHA256", "none", ""] {
        as_sha256.headers =
            vec![("X-Hub-Signature-256".to_owned(), format!("{label}={}", sha1.signature()).into_bytes())];
        as_sha256.assert_refused("a SHA-1 tag");
    }
    let websub = Subject::of(&catalog::WEBSUB);
    let keys = Keyring::new(&catalog::WEBSUB, [&websub.secret]).expect("a good secret");
    let strict =
        Verifier::builder(catalog::WEBSUB).keys(keys).versions(["sha512"]).build().expect("a verifier");
    let allowed = strict.scheme().signature.versions.iter().map(|version| version.label.as_ref());
    assert_eq!(allowed.collect::<Vec<_>>(), ["sha512"]);
    let refused = websub.verify_by(&strict, |_| ()).expect_err("an algorithm outside the allow-list");
    assert_eq!(refused.kind(), ErrorKind::UnsupportedVersion);
}

#[test]
fn adv_26_a_list_is_read_entry_by_entry() {
    let subject = Subject::of(&catalog::STANDARD_WEBHOOKS);
    let good = subject.signature();
    let other = "A".repeat(43) + "=";
    let verdict = |text: String| {
        let mut changed = subject.clone();
        changed.set("webhook-signature", text);
        changed.verify().is_ok()
    };
    assert!(verdict(format!("v1,{other} v1,{good}")));
    assert!(verdict(format!("v1,{good} v1,{other}")));
    assert!(!verdict(format!("v1,{other} v1,{other}")));
}

#[test]
fn adv_27_many_signatures_are_refused_before_any_is_compared() {
    for scheme in signing() {
        let Syntax::List { delimiter, .. } = scheme.signature.syntax else { continue };
        let subject = Subject::of(scheme);
        let name = subject.signature_header();
        let label = &scheme.signature.versions[0].label;
        let entry = format!(" , {label}{delimiter}ab ,");
        let mut changed = subject.clone();
        changed.set(&name, format!("{}{}", subject.header(&name), entry.repeat(300_000 / entry.len())));
        assert_eq!(changed.kind(), Some(ErrorKind::HeaderTooLarge), "{}", scheme.name);
        assert_eq!(changed.verify().map_err(|error| error.status()), Err(400));
    }
    let subject = Subject::of(&catalog::STANDARD_WEBHOOKS);
    let with = |count: usize| {
        let mut changed = subject.clone();
        changed.set("webhook-signature", format!("v1,{}{}", subject.signature(), " v1,ab".repeat(count - 1)));
        changed.kind()
    };
    assert_eq!(with(16), None);
    assert_eq!(with(17), Some(ErrorKind::TooManySignatures));
}

#[test]
fn adv_27_numbered_headers_are_counted_and_none_is_repeated() {
    let subject = Subject::of(&catalog::DOCUSIGN);
    let good = subject.header("X-DocuSign-Signature-1");
    let with = |numbers: std::ops::RangeInclusive<usize>| {
        let mut changed = subject.clone();
        changed.set("X-DocuSign-Signature-1", "AA==");
        let more =
            numbers.map(|number| (format!("x-docusign-signature-{number}"), good.clone().into_bytes()));
        changed.headers.extend(more);
        changed.kind()
    };
    assert_eq!(with(2..=2), None);
    assert_eq!(with(100..=100), None);
    assert_eq!(with(2..=100), None);
    assert_eq!(with(2..=101), Some(ErrorKind::TooManySignatures));
    assert_eq!(with(1..=1), Some(ErrorKind::DuplicateHeader));
    assert_eq!(with(0..=0), Some(ErrorKind::NoMatchingSignature));
}

#[test]
fn adv_27_few_ed25519_signatures_are_verified() {
    let subject = Subject::of(&catalog::STANDARD_WEBHOOKS);
    let with = |count: usize| {
        let mut changed = subject.clone();
        changed.set("webhook-signature", format!("v1,{}{}", subject.signature(), " v1a,AA==".repeat(count)));
        changed.kind()
    };
    assert_eq!(with(4), None);
    assert_eq!(with(5), Some(ErrorKind::TooManySignatures));
}

#[test]
fn adv_28_any_of_several_secrets_is_accepted_and_named() {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let subject = Subject::of(scheme);
    for place in 0..5 {
        let mut secrets: Vec<String> = (20..24).map(|seed| secret(scheme, seed)).collect();
        secrets.insert(place, subject.secret.clone());
        let keys = Keyring::new(scheme, &secrets).expect("good secrets");
        let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
        let label = subject.verify_by(&verifier, |verified| verified.key_label().map(str::to_owned));
        assert_eq!(label, Ok(Some(format!("key-{}", place + 1))));
    }
}

#[test]
fn adv_30_a_tag_in_another_coding_is_refused() {
    for scheme in signing() {
        let subject = Subject::of(scheme);
        let good = subject.signature();
        let recoded = match scheme.signature.encoding {
            Encoding::Base64 => {
                [good.trim_end_matches('=').to_owned(), good.replace('=', "\n="), format!("{good}\n")]
                    .to_vec()
            }
            Encoding::Base64Url => [format!("{good}="), good.replace(['-', '_'], "+")].to_vec(),
            Encoding::Hex => [good.to_uppercase(), format!("0x{good}"), format!("+{}", &good[1..])].to_vec(),
            _ => Vec::new(),
        };
        for text in recoded.into_iter().filter(|text| *text != good) {
            subject.with_signature(&text).assert_refused("another coding of the tag");
        }
    }
}

#[test]
fn adv_31_hexadecimal_is_strict() {
    for scheme in signing() {
        if !matches!(scheme.signature.encoding, Encoding::Hex | Encoding::HexAnyCase) {
            continue;
        }
        let subject = Subject::of(scheme);
        let good = subject.signature();
        for text in [
            format!("+f{}", &good[2..]),
            format!("0x{}", &good[2..]),
            good[1..].to_owned(),
            format!("{}\0", &good[1..]),
            format!("{} ", &good[1..]),
            good.replace('a', "\u{ff41}"),
        ] {
            if text != good {
                subject.with_signature(&text).assert_refused("hexadecimal that is none");
            }
        }
        let upper = subject.with_signature(&good.to_uppercase()).verify().is_ok();
        assert_eq!(upper, scheme.signature.encoding == Encoding::HexAnyCase, "{}", scheme.name);
    }
}

#[test]
fn adv_51_a_malleable_ed25519_signature_and_a_weak_key_are_refused() {
    let subject = Subject::of(&catalog::DISCORD);
    let mut bytes = hex::decode(subject.signature()).expect("hexadecimal");
    add_group_order(&mut bytes[32..]);
    subject.with_signature(&hex::encode(&bytes)).assert_refused("S + L");
    for weak in ["00".repeat(32), format!("01{}", "00".repeat(31)), format!("ecff{}7f", "ff".repeat(29))] {
        assert!(Keyring::new(&catalog::DISCORD, [weak]).is_err());
    }
}

/// `(r, n - s)` is a signature of the same message, by whoever has `(r, s)`: the event it belongs to is the same one.
#[test]
fn adv_51_the_twin_of_a_p256_signature_is_the_same_event() {
    let subject = Subject::of(&catalog::SENDGRID);
    let (r, s) = numbers(&subject);
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").expect("hex");
    let twin = subject.with_signature(&base64(&der(&[r.clone(), subtract(&order, &s)])));
    assert_ne!(twin.signature(), subject.signature());
    let key = |subject: &Subject| {
        subject.verify_by(&subject.verifier(), |verified| verified.idempotency_key().to_string())
    };
    assert!(key(&subject).is_ok());
    assert_eq!(key(&twin), key(&subject));
}

/// One writing of each number, and no number that makes a signature of anything.
#[test]
fn adv_51_a_p256_signature_that_is_written_otherwise_is_refused() {
    let subject = Subject::of(&catalog::SENDGRID);
    let (r, s) = numbers(&subject);
    let good = der(&[r.clone(), s.clone()]);
    assert_eq!(base64(&good), subject.signature());
    let padded = |number: &[u8]| [&[0], number].concat();
    let long_form = [&good[..1], &[0x81], &good[1..]].concat();
    let with_more = [&*good, &[0]].concat();
    let more_within = der(&[r.clone(), s.clone(), vec![1]]);
    for (what, bytes) in [
        ("r and s without DER", [fixed(&r), fixed(&s)].concat()),
        ("a length in long form", long_form),
        ("a byte behind it", with_more),
        ("a third number", more_within),
        ("r that begins with a zero too many", der(&[padded(&padded(&r)), s.clone()])),
        ("zeros", der(&[vec![0], vec![0]])),
        ("r without s", der(std::slice::from_ref(&r))),
        ("nothing", Vec::new()),
    ] {
        subject.with_signature(&base64(&bytes)).assert_refused(what);
    }
}

/// The two numbers of a subject's signature, as DER has them.
fn numbers(subject: &Subject) -> (Vec<u8>, Vec<u8>) {
    let bytes = base64ct::Base64::decode_vec(&subject.signature()).expect("base64");
    let r_len = usize::from(bytes[3]);
    (bytes[4..4 + r_len].to_vec(), bytes[6 + r_len..].to_vec())
}

/// A sequence of numbers in DER, each with a zero before it where its first bit is set.
fn der(numbers: &[Vec<u8>]) -> Vec<u8> {
    let mut content = Vec::new();
    for number in numbers {
        let zero: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
        content.extend([0x02, u8::try_from(zero.len() + number.len()).expect("short")]);
        content.extend([zero, number].concat());
    }
    [&[0x30, u8::try_from(content.len()).expect("short")], &*content].concat()
}

/// 32 bytes of a number.
fn fixed(number: &[u8]) -> Vec<u8> {
    let digits = &number[number.len().saturating_sub(32)..];
    [vec![0; 32 - digits.len()], digits.to_vec()].concat()
}

/// The order less a number, without zeros in front.
fn subtract(order: &[u8], number: &[u8]) -> Vec<u8> {
    let (mut left, mut borrow) = (order.to_vec(), 0_i16);
    for (digit, less) in left.iter_mut().zip(fixed(number)).rev() {
        let value = i16::from(*digit) - i16::from(less) - borrow;
        borrow = i16::from(value < 0);
        *digit = u8::try_from(value.rem_euclid(256)).expect("a byte");
    }
    let zeros = left.iter().take_while(|digit| **digit == 0).count();
    left.split_off(zeros)
}

/// Adds the order of the Ed25519 group, little endian.
fn add_group_order(scalar: &mut [u8]) {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").expect("hex");
    let mut carry = 0_u16;
    for (byte, add) in scalar.iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
}

#[test]
fn a_token_scheme_says_that_nothing_is_signed() {
    for scheme in authenticating().filter(|scheme| scheme.content.is_empty()) {
        assert_eq!(scheme.algorithms().next(), Some(Algorithm::Token));
        let mut subject = Subject::of(scheme);
        subject.body = json_body().replace("push", "pull").into_bytes();
        let covered = subject.verify_by(&subject.verifier(), |verified| verified.covers_body());
        assert_eq!(covered, Ok(false), "{}", scheme.name);
    }
}

#[test]
fn an_unsigned_scheme_is_accepted_only_where_the_application_says_so() {
    for scheme in catalog::ALL.iter().filter(|scheme| scheme.is_unsigned()) {
        let no_keys: [&str; 0] = [];
        assert!(Keyring::new(scheme, no_keys).is_err());
        assert!(Verifier::builder(scheme.clone()).build().is_err());
        let keys = Keyring::accept_unsigned(scheme).expect("an unsigned scheme");
        let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
        let headers: [(&str, &str); 0] = [];
        let verified = verifier.verify(&RequestView::post(&headers), b"{}", 0).expect("anything");
        assert_eq!(verified.authenticity(), countersign::Authenticity::Unsigned);
        assert_eq!(verified.key_label(), None);
        assert!(!verified.covers_body());
        assert!(!verified.idempotency_key().is_authenticated());
    }
    assert!(Keyring::accept_unsigned(&catalog::STRIPE).is_err());
}

#[test]
fn an_unsigned_scheme_by_another_ones_name_is_not_accepted() {
    let mut disguised = catalog::BILLRUN;
    disguised.name = catalog::STRIPE.name;
    let keys = || Keyring::new(&catalog::STRIPE, ["whsec_of_the_real_stripe"]).expect("a keyring");
    assert!(Verifier::builder(disguised).keys(keys()).build().is_err());
    let unsigned = Keyring::accept_unsigned(&catalog::BILLRUN).expect("an unsigned scheme");
    let verifier = Verifier::builder(catalog::BILLRUN).keys(unsigned.clone()).build().expect("a verifier");
    assert!(verifier.with_keys(keys().into()).is_err());
    let mut disguised = catalog::STRIPE;
    disguised.name = catalog::BILLRUN.name;
    assert!(Verifier::builder(disguised).keys(unsigned).build().is_err());
}

#[test]
fn a_body_that_is_not_kept_proves_no_more_than_it_can() {
    let subject = Subject::of(&catalog::STRIPE);
    let verifier = subject.verifier();
    let mut check = verifier.begin(&RequestView::post(&subject.headers), subject.now).expect("good headers");
    check.update(subject.body.clone());
    let verified: countersign::Verified<'_, ()> = check.finish().expect("authentic");
    assert_eq!(verified.key_label(), Some("key-1"));
    let linear = Subject::of(&catalog::LINEAR);
    let error =
        linear.verifier().begin(&RequestView::post(&linear.headers), linear.now).expect_err("no body");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

#[test]
fn each_of_several_algorithms_is_read() {
    let subject = Subject::of(&catalog::WEBSUB);
    for version in catalog::WEBSUB.signature.versions.iter() {
        let mut alone = catalog::WEBSUB;
        alone.signature.versions = vec![version.clone()].into();
        let mut sent = Subject { scheme: alone, ..subject.clone() };
        sent.sign();
        let received = Subject { headers: sent.headers, ..subject.clone() };
        assert_eq!(received.verify(), Ok(()), "{}", version.label);
    }
}

#[test]
fn a_header_without_a_signature_tells_whether_one_of_another_version_is_there() {
    let kind = |text: &str| {
        let mut subject = Subject::of(&catalog::STRIPE);
        subject.set("stripe-signature", text);
        subject.kind()
    };
    assert_eq!(kind("t=1700000000"), Some(ErrorKind::MalformedHeader));
    assert_eq!(kind("t=1700000000,v0=ab"), Some(ErrorKind::UnsupportedVersion));
}
