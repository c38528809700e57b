//! What is read of an event.

use countersign::{Message, RequestView, catalog};

use crate::{NOW, signer, verifier};

/// Linear's ids are four values of the body, its types two.
#[test]
fn an_id_with_a_value_that_is_missing_leaves_type_and_time_as_they_are() {
    let scheme = &catalog::LINEAR;
    for (body, id) in [
        (r#"{"type":"Issue","action":"create","data":{},"#, None),
        (r#"{"type":"Issue","action":"create","data":{"id":"i1"},"#, Some("Issue:create:i1:2023")),
    ] {
        let body = format!(r#"{body}"createdAt":"2023","webhookTimestamp":{NOW}000}}"#);
        let signed = signer(scheme).sign(&Message::new("", body.as_bytes()), NOW).expect("a signature");
        let verifier = verifier(scheme);
        let verified =
            verifier.verify(&RequestView::post(&signed.headers), body.as_bytes(), NOW).expect("authentic");
        let envelope = verified.envelope().expect("an event");
        assert_eq!(
            (envelope.id(), envelope.kind(), envelope.time()),
            (id, Some("Issue.create"), Some("2023"))
        );
        assert_eq!(envelope.id(), verified.event_id().expect("JSON").as_deref());
        assert_eq!(envelope.kind(), verified.event_type().expect("JSON").as_deref());
    }
}
