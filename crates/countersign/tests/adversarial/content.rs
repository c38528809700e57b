//! Content: changed, moved across a boundary, not text, and read by a forged URL.

use countersign::{ErrorKind, Keyring, RequestView, Scheme, Verifier, catalog, scheme::Part};

use crate::subject::{NOW, Subject, base64, signing};

#[test]
fn adv_20_no_byte_moves_across_a_boundary() {
    let secret = format!("whsec_{}", base64(&[7; 32]));
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let keys = Keyring::new(scheme, [&secret]).expect("a good secret");
    let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
    let mut subject = Subject::with_body(scheme, format!("{}.hello", NOW + 200).into_bytes());
    subject.secret = secret;
    subject.sign();
    let signature = subject.header("webhook-signature");
    let headers = [
        ("webhook-id", format!("evt_1.{NOW}")),
        ("webhook-timestamp", (NOW + 200).to_string()),
        ("webhook-signature", signature),
    ];
    let moved = verifier.verify(&RequestView::post(&headers), b"hello", NOW).expect_err("a moved boundary");
    assert_eq!((moved.kind(), moved.status()), (ErrorKind::MalformedHeader, 401));
}

#[test]
fn adv_20_where_nothing_stands_between_two_parts_their_form_does() {
    let mut seen = 0;
    for scheme in signing().filter(|scheme| scheme.timestamp.is_some()) {
        let parts = scheme.content.windows(2).filter_map(|pair| match pair {
            [Part::Header(name), Part::Body] => Some((name, true)),
            [Part::Body, Part::Header(name)] => Some((name, false)),
            _ => None,
        });
        for (name, before) in parts {
            seen += 1;
            let subject = Subject::with_body(scheme, b"17 digits may follow: 17".to_vec());
            let value = subject.header(name).into_bytes();
            for count in 1..value.len() {
                let mut from_body = subject.clone();
                let mut from_header = subject.clone();
                let (body, cut) = (&subject.body, value.len() - count);
                if before {
                    from_body.set(name, [&value, &body[..count]].concat());
                    from_body.body = body[count..].to_vec();
                    from_header.set(name, &value[..cut]);
                    from_header.body = [&value[cut..], body].concat();
                } else {
                    let kept = body.len() - count;
                    from_body.set(name, [&body[kept..], &value].concat());
                    from_body.body = body[..kept].to_vec();
                    from_header.set(name, &value[count..]);
                    from_header.body = [body, &value[..count]].concat();
                }
                from_body.assert_refused("a byte moved from the body into the time");
                from_header.assert_refused("a byte moved from the time into the body");
            }
        }
    }
    assert!(seen >= 5, "only {seen} places were found");
}

#[test]
fn adv_32_the_raw_bytes_are_verified_and_every_change_is_seen() {
    let bodies: [&[u8]; 8] = [
        br#"{"name":"Zo\u00eb"}"#,
        "{\"name\":\"Zoë\"}".as_bytes(),
        br#"{"n":1.0}"#,
        br#"{"n":1e2}"#,
        br#"{ "b" : 1, "a" : 2 }"#,
        b"{\"a\":1}\r\n",
        b"{\"a\":1}\n",
        b"",
    ];
    for scheme in signing().filter(|scheme| scheme.covers_body() && !scheme.reads_body()) {
        for body in bodies {
            let subject = Subject::with_body(scheme, body.to_vec());
            assert_eq!(subject.verify(), Ok(()), "{}", scheme.name);
            for index in 0..body.len() {
                let mut changed = subject.clone();
                changed.body[index] ^= 1;
                changed.assert_refused("a changed byte");
            }
            let mut longer = subject.clone();
            longer.body.push(b'\n');
            longer.assert_refused("a byte more");
        }
    }
}

#[test]
fn adv_34_a_body_that_is_no_text_is_verified_like_any() {
    let body = (0..=255).collect::<Vec<u8>>();
    for scheme in signing().filter(|scheme| scheme.covers_body() && !scheme.reads_body()) {
        assert_eq!(Subject::with_body(scheme, body.clone()).verify(), Ok(()), "{}", scheme.name);
    }
}

#[test]
fn a_body_that_is_not_signed_is_no_part_of_what_is_verified() {
    let content = vec![Part::Header("x-id".into())].into();
    let mut subject = Subject::of(&Scheme { content, ..Scheme::BASE });
    assert_eq!(subject.verify(), Ok(()));
    subject.body = b"another".to_vec();
    assert_eq!(subject.verify(), Ok(()));
    subject.set("x-id", "evt_2");
    subject.assert_refused("another id");
}

#[test]
fn adv_38_nothing_is_parsed_before_the_signature_is_verified() {
    let mut subject = Subject::of(&catalog::LINEAR);
    subject.body = b"this is no JSON".to_vec();
    assert_eq!(subject.kind(), Some(ErrorKind::NoMatchingSignature));
    subject.sign();
    assert_eq!(subject.kind(), Some(ErrorKind::MalformedBody));
}

#[test]
fn adv_35_a_signed_body_with_a_key_twice_is_no_event() {
    let body = br#"{"id":"evt_1","data":{"amount":1,"amount":-1}}"#.to_vec();
    let subject = Subject::with_body(&catalog::STRIPE, body);
    let read = |verified: &countersign::Verified<'_>| {
        let error = verified.envelope().map(|_| ()).map_err(|error| (error.kind(), error.status()));
        (error, verified.body().len())
    };
    let (event, bytes) = subject.verify_by(&subject.verifier(), read).expect("authentic");
    assert_eq!(event, Err((ErrorKind::DuplicateKey, 400)));
    assert_eq!(bytes, subject.body.len());
}

#[test]
fn adv_39_the_signed_url_is_the_configured_one() {
    let url_parts = [Part::ConfiguredUrl, Part::RequestUrl, Part::RequestUrlAnyPort];
    let signs_url = |part: &Part| url_parts.contains(part) || matches!(part, Part::RequestUrlDecoded(_));
    let mut seen = 0;
    for scheme in signing().filter(|scheme| scheme.content.iter().any(signs_url)) {
        seen += 1;
        let mut subject = Subject::of(scheme);
        for name in ["X-Forwarded-Host", "X-Forwarded-Proto", "Host", "Forwarded"] {
            subject.headers.push((name.to_owned(), b"evil.example".to_vec()));
        }
        assert_eq!(subject.verify(), Ok(()), "{}", scheme.name);
        let keys = Keyring::new(scheme, [&subject.secret]).expect("a good secret");
        let elsewhere =
            Verifier::builder(scheme.clone()).keys(keys).public_url("https://evil.example/in?tenant=7");
        let refused = subject.verify_by(&elsewhere.build().expect("a verifier"), |_| ());
        assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::NoMatchingSignature));
        let keys = Keyring::new(scheme, [&subject.secret]).expect("a good secret");
        assert!(Verifier::builder(scheme.clone()).keys(keys).build().is_err(), "{}", scheme.name);
    }
    assert!(seen >= 5);
}

#[test]
fn adv_59_a_method_that_the_scheme_does_not_use_is_refused() {
    for scheme in signing() {
        let subject = Subject::of(scheme);
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "post"] {
            if scheme.allows_method(method) {
                continue;
            }
            let request = RequestView { method, target: "/in?tenant=7", headers: &subject.headers };
            let error = subject.verifier().verify(&request, &subject.body, NOW).expect_err("another method");
            assert_eq!((error.kind(), error.status()), (ErrorKind::MethodNotAllowed, 405), "{}", scheme.name);
        }
    }
}
