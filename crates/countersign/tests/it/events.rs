//! What is read of an event.

use std::{borrow::Cow, collections::BTreeMap};

use countersign::{Error, Message, RequestView, Scheme, Verified, Verifier, catalog};

use crate::{NOW, keys, signer, verifier};

/// Linear's ids are four values of the body, its types two.
#[test]
fn an_id_with_a_value_that_is_missing_leaves_type_and_time_as_they_are() {
    let scheme = &catalog::LINEAR;
    for (body, id) in [
        (r#"{"type":"Issue","action":"create","data":{},"#, None),
        (r#"{"type":"Issue","action":"create","data":{"id":"i1"},"#, Some("Issue:create:i1:2023")),
    ] {
        let body = format!(r#"{body}"createdAt":"2023","webhookTimestamp":{NOW}000}}"#);
        see_verified(scheme, &body, |verified| {
            let envelope = verified.envelope().expect("an event");
            assert_eq!(
                (envelope.id(), envelope.event_type(), envelope.time()),
                (id, Some("Issue.create"), Some("2023"))
            );
            assert_eq!(envelope.id(), verified.event_id().expect("JSON").as_deref());
            assert_eq!(envelope.event_type(), verified.event_type().expect("JSON").as_deref());
        });
    }
}

/// Whether the body is read once, or each time, isn't to be seen: not where a value is missing, empty, no text or
/// there twice, and not where the body is no object or no JSON.
#[test]
fn what_is_read_at_once_is_what_is_read_by_itself() {
    for body in [
        r#"{"id":"evt_1","type":"invoice.paid","created":1}"#,
        r#"{"type":"a","data":{"id":"evt_1"}}"#,
        r#"{"id":"","type":7}"#,
        r#"{"id":18446744073709551616,"type":null}"#,
        r#"{"\u0069d":"\u0061","type":"\ud800"}"#,
        r#"{"id":"evt_1","id":"evt_2","type":"a"}"#,
        r#"{"id":"evt_1","type":"a","type":"b"}"#,
        r#"{"id":"evt_1","type":"a"} x"#,
        r#"{"id":"evt_1","type":"a""#,
        r#"[{"id":"evt_1"}]"#,
        "\"evt_1\"",
        "",
    ] {
        assert_reads_alike(&catalog::STRIPE, body);
    }
    for members in [
        r#""action":"create","data":{"id":"i1"}"#,
        r#""data":{"id":"i1"}"#,
        r#""action":"create","data":{"id":"i1","id":"i2"}"#,
    ] {
        let time = format!(r#""createdAt":"2023","webhookTimestamp":{NOW}000"#);
        assert_reads_alike(&catalog::LINEAR, &format!(r#"{{"type":"Issue",{members},{time}}}"#));
    }
}

#[test]
fn the_body_is_not_read_again_for_what_was_read_at_once() {
    let body = r#"{"id":"evt_1","type":"invoice.paid"}"#;
    let stands_in_body = |text: Result<Option<Cow<'_, str>>, Error>| {
        let text = text.expect("JSON").expect("a text");
        body.as_bytes().as_ptr_range().contains(&text.as_ptr())
    };
    see_verified(&catalog::STRIPE, body, |mut verified| {
        assert!(stands_in_body(verified.event_id()) && stands_in_body(verified.event_type()));
        verified.read_id_and_type();
        assert!(!stands_in_body(verified.event_id()) && !stands_in_body(verified.event_type()));
    });
}

fn assert_reads_alike(scheme: &Scheme, body: &str) {
    see_verified(scheme, body, |verified| {
        let mut at_once = verified.clone();
        at_once.read_id_and_type();
        for at_once in [at_once.clone(), at_once.into_owned()] {
            assert_eq!(at_once.event_id(), verified.event_id(), "{body}");
            assert_eq!(at_once.event_type(), verified.event_type(), "{body}");
            assert_eq!(at_once.idempotency_key(), verified.idempotency_key(), "{body}");
        }
    });
}

/// Signs an event and shows its proof.
fn see_verified(scheme: &Scheme, body: &str, see: impl FnOnce(Verified<'_, &[u8]>)) {
    let signed = signer(scheme).sign(&Message::new("", body.as_bytes()), NOW).expect("a signature");
    let verifier = verifier(scheme);
    see(verifier.verify(&RequestView::post(&signed.headers), body.as_bytes(), NOW).expect("authentic"));
}

/// Where it is wanted, JSON is read as most parsers do: of two like keys the last. What is no JSON stays none.
#[test]
fn json_is_read_leniently_where_that_is_wanted() {
    let scheme = &catalog::GITHUB;
    for (body, strict, lenient) in [
        (r#"{"a":1}"#, Ok(1), Ok(1)),
        (r#"{"a":1,"a":2}"#, Err("holds one key twice"), Ok(2)),
        ("payload=%7B%7D", Err("looks like a form"), Err("looks like a form")),
        ("{", Err("line 1 column 1"), Err("line 1 column 1")),
    ] {
        for (is_strict, expected) in [(true, strict), (false, lenient)] {
            let verifier = Verifier::builder(scheme.clone()).keys(keys(scheme)).strict_json(is_strict);
            let verifier = verifier.build().expect("a verifier");
            let message = Message { event_type: Some("push"), ..Message::new("1", body.as_bytes()) };
            let headers = signer(scheme).sign(&message, NOW).expect("signed").headers;
            let request = RequestView::post(&headers);
            let verified = verifier.verify(&request, body.as_bytes(), NOW).expect("authentic");
            let read = verified.json::<BTreeMap<String, u8>>();
            match (read, expected) {
                (Ok(read), Ok(value)) => assert_eq!(read["a"], value, "{body}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{body}: {error}"),
                (read, expected) => panic!("{body}, strict {is_strict}: {read:?} and not {expected:?}"),
            }
        }
    }
}
