//! Every system's events, from the project's vectors and from bodies that are not as documented.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};
use std::path::Path;

use serde_json::{Value, json};

use super::{TypedEvent, billrun, iptvbp, ispbills, panel, snapbill};
use crate::{ErrorKind, Keyring, Message, RequestView, Scheme, Signer, Verified, Verifier, catalog};

type Owned = Verified<'static, Vec<u8>>;

/// What a request of this body is, once it is signed and verified by the scheme.
fn verified(scheme: &Scheme, body: &str) -> Owned {
    let unsigned = scheme.is_unsigned();
    let headers = if unsigned { Vec::new() } else { sign(scheme, body) };
    let keys = if unsigned { Keyring::accept_unsigned(scheme) } else { keys(scheme) };
    let verifier = Verifier::builder(scheme.clone()).keys(keys.expect("keys")).build().expect("a verifier");
    let request = RequestView::post(&headers);
    let mut check = verifier.begin_with(&request, Vec::new(), NOW).expect("good headers");
    check.update(body.as_bytes().to_vec());
    check.finish().expect("authentic").into_owned()
}

fn sign(scheme: &Scheme, body: &str) -> Vec<(String, String)> {
    let signer = Signer::new(scheme, keys(scheme).expect("keys")).expect("a signer");
    signer.sign(&Message::new("evt_1", body.as_bytes()), NOW).expect("a signature").headers
}

fn keys(scheme: &Scheme) -> Result<Keyring, crate::KeyError> {
    Keyring::new(scheme, ["a-secret-of-some-length"])
}

/// The request of the first vector.
fn first(scheme: &Scheme) -> Owned {
    verified(scheme, &vectors(scheme)[0])
}

/// The bodies of the vectors of a scheme that are authentic.
fn vectors(scheme: &Scheme) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let text = std::fs::read_to_string(folder.join(format!("{}.json", scheme.name))).expect("vectors");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("cases");
    let valid = cases.iter().filter(|case| case["expect"] == "valid");
    valid.filter_map(|case| case["body"].as_str().map(str::to_owned)).collect()
}

#[test]
fn an_event_of_iptvbp_is_its_envelope_in_full() {
    let event = iptvbp::Event::from_verified(&first(&catalog::IPTVBP)).expect("an event");
    assert_eq!(event.id.as_deref(), Some("evt_5f2a91c07d"));
    assert_eq!(event.event_type, iptvbp::EventType::PaymentReceived);
    assert_eq!(event.timestamp().map(|time| time.as_unix_seconds()), Some(1_773_480_413));
    assert_eq!(event.data, json!({"payment_id": 1842, "amount": "19.99", "currency": "EUR"}));
}

#[test]
fn the_types_of_the_vectors_are_read() {
    let kinds = |scheme: &Scheme, kind_of: fn(&Owned) -> Option<String>| {
        let kind_of = |body: &String| kind_of(&verified(scheme, body)).unwrap_or("none".into());
        let mut kinds: Vec<_> = vectors(scheme).iter().map(kind_of).collect();
        kinds.dedup();
        kinds.join(" ")
    };
    let iptvbp =
        kinds(&catalog::IPTVBP, |v| Some(format!("{:?}", iptvbp::Event::from_verified(v).ok()?.event_type)));
    assert_eq!(iptvbp, r#"PaymentReceived CustomerCreated Other("test.ping") none TrialExpired"#);
    let panel =
        kinds(&catalog::PANEL, |v| Some(format!("{:?}", panel::Event::from_verified(v).ok()?.event_type)));
    assert_eq!(panel, "TransactionSuccess TicketReopened Test");
    let ispbills = kinds(&catalog::ISPBILLS, |v| {
        let kind = ispbills::Event::from_verified(v).ok()?.event_type;
        Some(format!("{:?}/{kind}", kind.category()))
    });
    assert_eq!(ispbills, "Invoice/invoice.created Customer/customer.updated none");
    let snapbill =
        kinds(&catalog::SNAPBILL, |v| Some(snapbill::Event::from_verified(v).ok()?.event_type.to_string()));
    assert_eq!(snapbill, "/invoice/update/state");
}

#[test]
fn an_event_of_snapbill_holds_the_resource_that_its_path_names() {
    let event = snapbill::Event::from_verified(&first(&catalog::SNAPBILL)).expect("an event");
    assert_eq!(event.id.as_deref(), Some("6f1c2b52-7d0e-4e0b-9a39-0d6f4c1c3c11"));
    assert_eq!(event.event_type, snapbill::EventType::InvoiceUpdateState);
    assert_eq!(event.data.id, 7301);
    assert_eq!(event.data.details, json!({"state": "paid"}));
    assert_eq!(event.resource(), Some(&json!({"id": 42, "state": "paid"})));
    assert_eq!(event.data.rest.len(), 1);
    for path in ["", "/", "invoice", "//x", "/client/create"] {
        let kind = snapbill::EventType::from(path);
        assert_eq!(kind.resource(), (path == "/client/create").then_some("client"));
    }
}

#[test]
fn an_event_of_billrun_is_what_its_url_says() {
    let kind = billrun::EventType::new("bills", "afterChargeSuccess");
    let event = billrun::Event::with_event_type(kind, &first(&catalog::BILLRUN)).expect("an event");
    assert_eq!(event.event_type.module, billrun::Module::Bills);
    assert_eq!(event.event_type.action, billrun::Action::AfterChargeSuccess);
    assert_eq!(event.data["data"], json!({"aid": 1001, "amount": 42}));
    let empty = billrun::Event::with_event_type(event.event_type, &verified(&catalog::BILLRUN, ""));
    assert_eq!(empty.map_err(|error| error.kind()), Err(ErrorKind::MalformedBody));
}

#[test]
fn a_module_of_billrun_has_its_actions() {
    let documented = |text| billrun::EventType::parse(text).expect("a type").is_documented();
    for known in ["accounts.trackchanges", "lines.trackchanges", "bills.afterDenial", "events.notify"] {
        assert!(documented(known), "{known}");
        assert_eq!(billrun::EventType::parse(known).expect("a type").to_string(), known);
    }
    for other in ["accounts.afterDenial", "bills.trackchanges", "collection.letter_sent", "x.create", "."] {
        assert!(!documented(other), "{other}");
        assert_eq!(billrun::EventType::parse(other).expect("a type").to_string(), other);
    }
    assert_eq!(billrun::EventType::parse("bills"), None);
    let pairs: usize = billrun::Module::DOCUMENTED.iter().map(|module| module.actions().len()).sum();
    assert_eq!(pairs, 14 + 8 + 2 + 2);
}

#[test]
fn every_documented_text_names_its_variant_and_any_other_stays_as_it_is() {
    macro_rules! check {
        ($($kind:ty),+) => {$(
            for known in <$kind>::DOCUMENTED {
                assert_eq!(&<$kind>::from(known.as_str()), known);
                assert_eq!(known.to_string(), known.as_str());
                assert_ne!(known, &<$kind>::Other(known.to_string()));
            }
            for other in ["", "invoice.exploded", "Invoice.Paid", " invoice.paid", "日本"] {
                let kind = <$kind>::from(other.to_owned());
                assert_eq!(kind, <$kind>::Other(other.to_owned()));
                assert_eq!(kind.as_str(), other);
            }
        )+};
    }
    check!(iptvbp::EventType, panel::EventType, snapbill::EventType);
    check!(ispbills::Category, billrun::Module, billrun::Action);
}

#[test]
fn an_unknown_type_and_a_new_field_are_no_failure() {
    let body = r#"{"id":"e","type":"invoice.exploded","timestamp":"soon","data":{"new":1},"new":[1]}"#;
    let event = iptvbp::Event::from_verified(&verified(&catalog::IPTVBP, body)).expect("an event");
    assert_eq!(event.event_type, iptvbp::EventType::Other("invoice.exploded".into()));
    assert_eq!((event.timestamp(), event.data), (None, json!({"new": 1})));

    let body = r#"{"uuid":"u","new":1,"body":{"path":"/client/create","new":2}}"#;
    let event = snapbill::Event::from_verified(&verified(&catalog::SNAPBILL, body)).expect("an event");
    assert_eq!(event.event_type, snapbill::EventType::Other("/client/create".into()));
    assert_eq!((event.data.rest.get("new"), event.resource()), (Some(&json!(2)), None));
}

#[test]
fn the_data_can_be_a_type_of_the_application() {
    type Payment = std::collections::BTreeMap<String, Value>;
    let verified = first(&catalog::IPTVBP);
    let event = TypedEvent::<iptvbp::EventType, Payment>::from_verified(&verified).expect("an event");
    assert_eq!(event.data["currency"], "EUR");
    let error = TypedEvent::<iptvbp::EventType, String>::from_verified(&verified).expect_err("not text");
    assert_eq!(error.kind(), ErrorKind::MalformedBody);
}

/// Each field absent, and with each shape in its place, in every system's body: none panics, and the
/// type that is read is the one that was sent.
#[test]
fn adv_37_any_shape_in_place_of_any_field_is_an_error_or_an_event() {
    for scheme in
        [&catalog::IPTVBP, &catalog::PANEL, &catalog::ISPBILLS, &catalog::BILLRUN, &catalog::SNAPBILL]
    {
        let sample: Value = serde_json::from_str(&vectors(scheme)[0]).expect("JSON");
        let pointers = pointers(&sample, "");
        assert!(pointers.len() > 2, "{}", scheme.name);
        for pointer in pointers {
            for shape in SHAPES.map(|shape| shape.parse::<Value>().expect("JSON")) {
                let mut body = sample.clone();
                *body.pointer_mut(&pointer).expect("a field") = shape.clone();
                judge(scheme, &body, &pointer);
            }
            let mut body = sample.clone();
            remove(&mut body, &pointer);
            judge(scheme, &body, &pointer);
        }
    }
}

/// The places of everything in a JSON value, itself among them.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inside = value.as_object().into_iter().flatten();
    let below = inside.flat_map(|(key, value)| pointers(value, &format!("{at}/{key}")));
    core::iter::once(at.to_owned()).chain(below).collect()
}

fn remove(body: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    body.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(key);
}

/// Reads the body as every system's event; where one is read, its type is the one in the body.
fn judge(scheme: &Scheme, body: &Value, changed: &str) {
    let sent = body.pointer(place_of_type(scheme)).cloned().unwrap_or_default();
    let sent = sent.as_str().map_or_else(|| sent.to_string(), str::to_owned);
    let verified = verified(scheme, &body.to_string());
    let kinds = [
        iptvbp::Event::from_verified(&verified).map(|event| event.event_type.to_string()),
        panel::Event::from_verified(&verified).map(|event| event.event_type.to_string()),
        ispbills::Event::from_verified(&verified).map(|event| event.event_type.to_string()),
        snapbill::Event::from_verified(&verified).map(|event| event.event_type.to_string()),
    ];
    for kind in kinds {
        match kind {
            Ok(kind) => assert_eq!(kind, sent, "{} with {changed} changed", scheme.name),
            Err(error) => assert_eq!(error.kind(), ErrorKind::MalformedBody, "{}", scheme.name),
        }
    }
    let kind = billrun::EventType::new("bills", "afterDenial");
    let has_data = body.pointer(&scheme.event.data).is_some();
    assert_eq!(billrun::Event::with_event_type(kind, &verified).is_ok(), has_data, "{}", scheme.name);
}

fn place_of_type(scheme: &Scheme) -> &str {
    match scheme.event.event_type.first() {
        Some(crate::scheme::Place::Json(pointer)) => pointer,
        _ => "/no/type",
    }
}

const SHAPES: [&str; 7] = ["null", "[]", "{}", "0", "-1.5e300", "\"\"", "true"];
const NOW: i64 = 1_764_000_000;
