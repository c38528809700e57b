//! Forms whose fields are signed, in place of their bytes.

use std::collections::BTreeSet;

use countersign::{
    Discard, ErrorKind, Keyring, Message, RequestView, Signer, Verified, Verifier, VerifierBuilder, catalog,
};

use crate::subject::{NOW, Subject};

fn subject(body: &str) -> Subject {
    Subject::with_body(&catalog::TWILIO, body.as_bytes().to_vec())
}

#[test]
fn a_form_with_other_fields_is_refused() {
    let signed = subject("CallSid=CA1&Digits=1234&From=%2B1415&Digits=5");
    for body in [
        "CallSid=CA2&Digits=1234&From=%2B1415&Digits=5",
        "CallSid=CA1&Digits=1234&From=%2B1415",
        "CallSid=CA1&Digits=1234&From=%2B1415&Digits=5&more=",
        "callSid=CA1&Digits=1234&From=%2B1415&Digits=5",
        "CallSid=CA1&Digits=1234&From=+1415&Digits=5",
        "CallSid=CA1&Digits=12%334&From=%252B1415&Digits=5",
        "CallSid=CA1&Digits=1234&From=%2B1415&Digits=5\n",
        "",
    ] {
        let mut changed = signed.clone();
        changed.body = body.as_bytes().to_vec();
        changed.assert_refused(body);
    }
}

/// What it costs that fields are signed: see [`countersign::scheme::Part::Form`].
#[test]
fn what_a_form_says_is_signed_and_not_how_and_its_key_is_the_same() {
    let signed = subject("From=%2B1415&Digits=1234");
    let key = |subject: &Subject| {
        let read = |verified: &Verified<'_>| verified.idempotency_key().as_str().to_owned();
        subject.verify_by(&subject.verifier(), read).expect("authentic")
    };
    for body in [
        "Digits=1234&From=%2B1415",
        "&From=%2b1415&&Digits=123%34&",
        "From=%2B1415&Digits=1234&From=%2B1415",
        // The border between a name and its value.
        "From=%2B1415&Digits1=234",
    ] {
        let mut written = signed.clone();
        written.body = body.as_bytes().to_vec();
        assert_eq!(key(&written), key(&signed), "{body}");
    }
    // An id that isn't signed makes no key: whoever sends a request again could give it another.
    let mut renamed = signed.clone();
    renamed.set("I-Twilio-Idempotency-Token", "another");
    assert_eq!(key(&renamed), key(&signed));
}

/// Nothing stands between the URL and the first field's name.
#[test]
fn adv_41_a_border_that_moves_between_url_and_form_makes_no_other_event() {
    let signed = subject("AccountSid=AC1&Body=pay+10&From=%2B1415");
    let key = |target: &str, body: &str| key_at(&signed, target, body);
    let own = key("/in?tenant=7", "AccountSid=AC1&Body=pay+10&From=%2B1415");
    assert!(own.is_some());
    for (target, body) in [
        ("/in?tenant=7AccountSidAC1", "Body=pay+10&From=%2B1415"),
        ("/in?tenant", "%3D7AccountSid=AC1&Body=pay+10&From=%2B1415"),
        ("/in", "%3Ftenant=%3D7AccountSidAC1&Body=pay+10&From=%2B1415"),
    ] {
        assert_eq!(key(target, body), own, "{target} {body}");
    }
}

/// The step of a conversation often stands in the URL, and nowhere else.
#[test]
fn the_same_form_at_two_urls_is_two_events() {
    let at = |target: &str| {
        let mut signed = subject("CallSid=CA1&Digits=1");
        signed.sign_for(&format!("https://hooks.example.com{target}"));
        key_at(&signed, target, "CallSid=CA1&Digits=1").expect("authentic")
    };
    let keys = ["/gather/menu", "/gather/amount", "/gather?step=1", "/gather?step=2"].map(at);
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{keys:?}");
    assert_eq!(at("/gather/menu"), keys[0]);
}

/// The key of a request with a subject's headers, where it is authentic; the same once it is kept.
fn key_at(signed: &Subject, target: &str, body: &str) -> Option<String> {
    let request = RequestView { method: "POST", target, headers: &signed.headers };
    let verifier = signed.verifier();
    let verified = verifier.verify(&request, body.as_bytes(), NOW).ok()?;
    let key = verified.idempotency_key();
    assert!(key.is_authenticated());
    assert_eq!(verified.into_owned().idempotency_key(), key);
    Some(key.to_string())
}

#[test]
fn adv_27_many_fields_are_refused_before_they_are_sorted() {
    let of = |fields: usize| subject(&vec!["a=1"; fields].join("&"));
    let most = VerifierBuilder::DEFAULT_FORM_FIELDS;
    assert_eq!(of(most).kind(), None);
    let error = of(most + 1).verify().expect_err("one too many");
    assert_eq!((error.kind(), error.status()), (ErrorKind::TooManyFields, 400));
    let signed = of(3);
    let keys = Keyring::new(&signed.scheme, [&signed.secret]).expect("a key");
    let builder =
        Verifier::builder(signed.scheme.clone()).keys(keys).public_url("https://hooks.example.com/in");
    let verifier = builder.max_form_fields(2).build().expect("a verifier");
    let refused = signed.verify_by(&verifier, |_| ()).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::TooManyFields));
}

#[test]
fn adv_34_a_form_that_is_no_text_is_verified_by_its_bytes() {
    let signed = Subject::with_body(&catalog::TWILIO, b"a=\xff&%FE=%zz".to_vec());
    assert_eq!(signed.verify(), Ok(()));
    let mut changed = signed.clone();
    changed.body = b"a=\xfd&%FE=%zz".to_vec();
    changed.assert_refused("another byte that is no text");
}

#[test]
fn a_form_that_is_not_kept_is_never_verified() {
    let signed = subject("");
    let request = RequestView { method: "POST", target: "/in?tenant=7", headers: &signed.headers };
    let verifier = signed.verifier();
    assert_eq!(
        verifier.begin(&request, NOW).map(|_| ()).map_err(|error| error.kind()),
        Err(ErrorKind::Misconfigured)
    );
    let mut check = verifier.begin_with(&request, Discard, NOW).expect("headers");
    check.update(b"Digits=1".to_vec());
    assert_eq!(check.finish().map(|_| ()).map_err(|error| error.kind()), Err(ErrorKind::Misconfigured));
}

#[test]
fn a_url_is_signed_with_its_port_or_without_and_no_other_way() {
    let verifies = |signed_url: &str, url: &str| {
        let keys = Keyring::new(&catalog::TWILIO, ["an auth token"]).expect("a key");
        let signer = Signer::new(&catalog::TWILIO, keys.clone()).expect("a signer");
        let message = Message { url: signed_url, ..Message::new("1", b"a=b") };
        let headers = signer.sign(&message, NOW).expect("signed").headers;
        let verifier =
            Verifier::builder(catalog::TWILIO).keys(keys).public_url(url).build().expect("a verifier");
        let request = RequestView { method: "POST", target: "/in?a=1", headers: &headers };
        verifier.verify(&request, b"a=b", NOW).is_ok()
    };
    for (signed, url, valid) in [
        ("https://a.example/in?a=1", "https://a.example/in", true),
        ("https://a.example:443/in?a=1", "https://a.example/in", true),
        ("http://a.example:80/in?a=1", "http://a.example/", true),
        ("https://a.example/in?a=1", "https://a.example:8443/in", true),
        ("https://a.example:8443/in?a=1", "https://a.example:8443/in", true),
        ("https://a.example:8443/in?a=1", "https://a.example/in", false),
        ("https://a.example:80/in?a=1", "https://a.example/in", false),
        ("http://a.example/in?a=1", "https://a.example/in", false),
        ("https://b.example/in?a=1", "https://a.example/in", false),
        ("https://a.example/in?a=1&b=2", "https://a.example/in", false),
    ] {
        assert_eq!(verifies(signed, url), valid, "{signed} by {url}");
    }
}
