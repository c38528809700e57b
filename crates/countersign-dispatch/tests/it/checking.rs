//! What an endpoint's check finds before anything is to be delivered.

use countersign_dispatch::{Sealer, check_endpoint};
use countersign_store::outbox::Endpoint;
use countersign_transport::Policy;

use crate::support::*;

const SEAL: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The field and the words of what is wrong.
fn wrong(change: impl FnOnce(&mut Endpoint)) -> String {
    let mut endpoint = endpoint("ep");
    change(&mut endpoint);
    check_endpoint(&endpoint, &Policy::new(), None).expect_err("something is wrong").to_string()
}

#[test]
fn an_endpoint_that_can_be_used_passes() {
    let mut fine = endpoint("ep");
    fine.headers.push(("authorization".to_owned(), "Bearer x".to_owned()));
    assert_eq!(check_endpoint(&fine, &Policy::new(), None), Ok(()));
    let sealer = Sealer::new([SEAL]).unwrap();
    let plain = fine.keys[0].clone();
    fine.keys[0].secret = sealer.seal("ep", &plain.label, &plain.secret).unwrap();
    assert_eq!(check_endpoint(&fine, &Policy::new(), Some(&sealer)), Ok(()));
    let unsealed = check_endpoint(&fine, &Policy::new(), None).unwrap_err();
    assert_eq!(unsealed.field(), "keys");
}

#[test]
fn each_field_that_can_not_be_used_is_named() {
    let starts = [
        (wrong(|it| it.id = "x".repeat(2000)), "id: "),
        (wrong(|it| it.tenant = Some("x".repeat(2000))), "id: "),
        (wrong(|it| it.url = "ftp://example.com/".to_owned()), "url: "),
        (wrong(|it| it.url = "https://127.0.0.1/".to_owned()), "url: "),
        (wrong(|it| it.scheme = "strype".to_owned()), "scheme: no scheme is called strype"),
        (wrong(|it| it.keys.clear()), "keys: "),
        (wrong(|it| it.keys[0].secret = "whsec_CANARY!".to_owned()), "keys: "),
        (wrong(|it| it.events.clear()), "events: there are none"),
        (wrong(|it| it.events.push("invoice*".to_owned())), "events: "),
        (wrong(|it| it.headers.push(("webhook-id".to_owned(), "x".to_owned()))), "headers: "),
        (wrong(|it| it.headers.push(("x-a".to_owned(), "CANARY\n".to_owned()))), "headers: "),
        (wrong(|it| it.limits.in_flight = 0), "limits: nothing could ever be sent"),
        (wrong(|it| it.limits.per_second = Some(0)), "limits: nothing could ever be sent"),
    ];
    for (said, start) in starts {
        assert!(said.starts_with(start) && !said.contains("CANARY"), "{said}");
    }
}
