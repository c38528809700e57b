//! Replays: what makes two deliveries the same event, and what an attacker can change of it.

use countersign::{Keyring, RequestView, Scheme, Tolerance, Verifier, catalog, scheme::Place};

use crate::subject::{NOW, Subject, authenticating, json_body, secret, signing};

fn key(subject: &Subject) -> String {
    let read = |verified: &countersign::Verified<'_>| verified.idempotency_key().to_string();
    subject.verify_by(&subject.verifier(), read).expect("authentic")
}

#[test]
fn adv_41_the_same_request_twice_has_the_same_key() {
    for scheme in authenticating() {
        let subject = Subject::of(scheme);
        assert_eq!(key(&subject), key(&subject), "{}", scheme.name);
    }
}

#[test]
fn adv_42_what_is_not_signed_does_not_change_the_key() {
    for scheme in signing().filter(|scheme| scheme.covers_body()) {
        let subject = Subject::of(scheme);
        let mut replayed = subject.clone();
        for place in scheme.event.id.iter().filter(|place| !scheme.signs(place)) {
            if let Place::Header(name) = place {
                replayed.remove(name);
                replayed.headers.push((name.to_string(), b"another-id".to_vec()));
            }
        }
        assert_eq!(key(&subject), key(&replayed), "{}", scheme.name);
        let authenticated =
            subject.verify_by(&subject.verifier(), |verified| verified.idempotency_key().is_authenticated());
        assert_eq!(authenticated, Ok(true), "{}", scheme.name);
    }
}

#[test]
fn adv_42_two_events_have_two_keys() {
    for scheme in signing().filter(|scheme| scheme.covers_body()) {
        let subject = Subject::of(scheme);
        let signed_header_id =
            scheme.event.id.iter().any(|place| matches!(place, Place::Header(_)) && scheme.signs(place));
        if signed_header_id {
            continue;
        }
        let text = String::from_utf8(subject.body.clone()).expect("text");
        let mut other = Subject::with_body(scheme, text.replace("evt_1", "evt_2").into_bytes());
        other.sign();
        assert_ne!(key(&subject), key(&other), "{}", scheme.name);
    }
}

#[test]
fn adv_45_one_tenants_delivery_is_refused_by_another() {
    for scheme in authenticating() {
        let subject = Subject::of(scheme);
        let other = Keyring::builder(scheme)
            .tenant("b")
            .key(countersign::Key::new("b", &secret(scheme, 9)))
            .build()
            .expect("a keyring");
        let verifier =
            Verifier::builder(scheme.clone()).keys(other).public_url("https://hooks.example.com/in?tenant=7");
        let refused = subject.verify_by(&verifier.build().expect("a verifier"), |_| ());
        assert_eq!(refused.map_err(|error| error.status()), Err(401), "{}", scheme.name);
    }
}

#[test]
fn adv_46_the_tenant_is_that_of_the_keys_and_part_of_the_key() {
    let scheme = &catalog::STRIPE;
    let subject = Subject::of(scheme);
    let at = |tenant: &str| {
        let keys =
            Keyring::builder(scheme).tenant(tenant).key(countersign::Key::new("k", &subject.secret)).build();
        let verifier =
            Verifier::builder(scheme.clone()).keys(keys.expect("a keyring")).build().expect("a verifier");
        let read = |verified: &countersign::Verified<'_>| {
            (verified.tenant().map(str::to_owned), verified.idempotency_key().to_string())
        };
        subject.verify_by(&verifier, read).expect("authentic")
    };
    assert_eq!(at("a"), (Some("a".to_owned()), "stripe@a/evt_1".to_owned()));
    assert_ne!(at("a").1, at("b").1);
}

#[test]
fn adv_49_every_way_not_to_be_authentic_looks_alike_from_outside() {
    let subject = Subject::of(&catalog::STANDARD_WEBHOOKS);
    let mut wrong = subject.clone();
    wrong.secret = secret(&catalog::STANDARD_WEBHOOKS, 8);
    let mut unknown = subject.clone();
    unknown.set("webhook-id", "evt_2");
    let stale = Subject { now: subject.now + 301, ..subject.clone() };
    let tampered = subject.with_signature(&("A".repeat(43) + "="));
    for request in [wrong, unknown, stale, tampered] {
        request.assert_refused("a request that isn't authentic");
    }
}

#[test]
fn a_verifier_tells_for_how_long_a_copy_of_a_request_is_accepted() {
    let window =
        |scheme: &Scheme, tolerance| Subject { tolerance, ..Subject::of(scheme) }.verifier().replay_window();
    let short = Tolerance::default().past(60).future(30);
    assert_eq!(window(&catalog::TWITCH, short), Some(90));
    assert_eq!(window(&catalog::DISCORD, Tolerance::default()), Some(600));
    assert_eq!(window(&catalog::DISCORD, Tolerance::UNCHECKED), None);
    assert_eq!(window(&catalog::GITHUB, short), None, "it signs no time");
}

/// Of all that a holder of one signed request can change without being refused, nothing makes it another event.
#[test]
fn adv_41_no_change_that_is_accepted_makes_another_event() {
    let mut accepted = 0;
    for scheme in signing() {
        for body in [json_body().as_str(), "AccountSid=AC1&Body=hi&From=%2B1", ""] {
            let subject = Subject::with_body(scheme, body.as_bytes().to_vec());
            let verifier = subject.verifier();
            let key = |request: &RequestView<'_>, body: &[u8]| {
                let verified = verifier.verify(request, body, NOW).ok()?;
                Some(verified.idempotency_key()).filter(|key| key.is_authenticated())
            };
            let own = RequestView { method: "POST", target: TARGET, headers: &subject.headers };
            let Some(own) = key(&own, &subject.body) else { continue };
            for (method, target, headers, body) in changes(&subject) {
                let request = RequestView { method, target: &target, headers: &headers };
                if let Some(other) = key(&request, &body) {
                    accepted += 1;
                    assert_eq!(other, own, "{}: {method} {target} {headers:?}", scheme.name);
                }
            }
        }
    }
    assert!(accepted > 900, "only {accepted} changes were accepted");
}

type Changed = (&'static str, String, Vec<(String, Vec<u8>)>, Vec<u8>);

/// A subject's request with one thing changed: the method, a header, or where the URL ends and the body begins.
fn changes(subject: &Subject) -> Vec<Changed> {
    let Subject { headers, body, .. } = subject;
    let mut all: Vec<Changed> = Vec::new();
    let mut add = |method, target: &str, headers: &[_], body: &[u8]| {
        all.push((method, target.to_owned(), headers.to_vec(), body.to_vec()));
    };
    ["GET", "PUT", "PATCH", "DELETE"].into_iter().for_each(|method| add(method, TARGET, headers, body));
    for at in 0..headers.len() {
        for value in ["evt_2", "1700000001", ""] {
            let mut changed = headers.clone();
            changed[at].1 = value.as_bytes().to_vec();
            add("POST", TARGET, &changed, body);
        }
        let mut fewer = headers.clone();
        fewer.remove(at);
        add("POST", TARGET, &fewer, body);
    }
    for at in 1..TARGET.len() {
        let (target, moved) = TARGET.split_at(at);
        let escaped: String = moved.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for moved in [moved, &escaped] {
            add("POST", target, headers, &[moved.as_bytes(), body].concat());
        }
    }
    for at in 1..=body.len() {
        let (moved, body) = body.split_at(at);
        let moved = String::from_utf8_lossy(moved);
        for moved in [&*moved, &moved.replace('=', "")] {
            add("POST", &format!("{TARGET}{moved}"), headers, body);
        }
    }
    all
}

/// The path and query that subjects are signed for.
const TARGET: &str = "/in?tenant=7";
