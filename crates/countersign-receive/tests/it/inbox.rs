//! Events are stored, and answered at once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use countersign::{Keyring, Message, RequestView, Signer, catalog};
use countersign_receive::{InboxSettings, Incoming, Receiver, Verified};
use countersign_store::{Accepted, DeadLetter, InboxStore, Leased, Received, Settle, Settlement, StoreError};

use crate::support::*;

#[derive(serde::Deserialize)]
struct Invoice {
    id: String,
}

/// Keeps what it accepts; the worker's half isn't asked here.
#[derive(Default)]
struct Kept(Mutex<Vec<Received>>);

impl InboxStore for Kept {
    async fn accept(&self, received: &Received) -> Result<Accepted, StoreError> {
        let mut kept = self.0.lock().unwrap();
        if kept.iter().any(|other| other.key == received.key) {
            return Ok(Accepted::Duplicate);
        }
        kept.push(received.clone());
        Ok(Accepted::New)
    }

    async fn lease(&self, _: u32, _: Duration) -> Result<Vec<Leased>, StoreError> {
        Ok(Vec::new())
    }

    async fn settle(&self, _: &[Settle]) -> Result<Vec<Settlement>, StoreError> {
        Ok(Vec::new())
    }

    async fn requeue(&self, _: i64) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn dead(&self, _: i64, _: u32) -> Result<Vec<DeadLetter>, StoreError> {
        Ok(Vec::new())
    }

    async fn depth(&self) -> Result<u64, StoreError> {
        Ok(self.0.lock().unwrap().len() as u64)
    }

    async fn prune(&self, _: Duration) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test]
async fn an_event_is_stored_once_and_answered_each_time() {
    let kept = Arc::new(Kept::default());
    let order = |verified: &countersign_receive::Verified| {
        let event = verified.event::<Invoice>().ok()?;
        Some(event.data.id)
    };
    let receiver = receiver().endpoint("billing").inbox(InboxSettings::new(kept.clone()).order_by(order));
    for _ in 0..2 {
        let reply = answered(deliver(&receiver, "msg_1").await);
        assert_eq!((reply.status, reply.rejection.is_none()), (200, true));
    }
    let kept = kept.0.lock().unwrap();
    let [received] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(received.key, "billing:standard-webhooks/msg_1");
    assert_eq!(received.source, "billing");
    assert_eq!(received.event_id.as_deref(), Some("msg_1"));
    assert_eq!(received.event_type.as_deref(), Some("invoice.paid"));
    assert_eq!(received.order.as_deref(), Some("in_1"));
    assert_eq!(received.data_at, "/data");
    assert_eq!(received.body, BODY);
}

#[tokio::test]
async fn the_headers_that_are_asked_for_are_stored_with_the_event() {
    let kept = Arc::new(Kept::default());
    let receiver = receiver().inbox(InboxSettings::new(kept.clone()).keep_headers(["X-Shop", "x-missing"]));
    let more = [("X-SHOP", "acme.example"), ("x-other", "1"), ("x-shop", "two")];
    let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = [signed("msg_1", BODY), more.to_vec()].concat();
    assert_eq!(answered(deliver_with(&receiver, &headers, BODY).await).status, 200);
    let kept = kept.0.lock().unwrap();
    let expected = [("x-shop", "acme.example"), ("x-shop", "two")];
    assert_eq!(kept[0].headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn path_and_query_are_stored_with_the_event_where_they_are_asked_for() {
    let kept = Arc::new(Kept::default());
    let settings = InboxSettings::new(kept.clone()).keep_headers([":path", "x-shop"]);
    for (id, settings) in [("msg_1", settings.clone()), ("msg_2", settings.keep_target())] {
        let receiver = receiver().inbox(settings);
        let headers = signed(id, BODY);
        let request = RequestView { target: "/in/7?order=42", ..RequestView::post(&headers) };
        let incoming =
            Incoming { parts: &(), request, declared_length: BODY.len() as u64, claimed: None::<&Verified> };
        let body = Whole(Some(Bytes::from_static(BODY)));
        assert_eq!(answered(receiver.receive(&incoming, body).await).status, 200);
    }
    let kept = kept.0.lock().unwrap();
    assert_eq!(kept[0].headers, []);
    assert_eq!(kept[1].headers, [(Received::TARGET.to_owned(), "/in/7?order=42".to_owned())]);
}

#[tokio::test]
async fn what_is_not_authentic_is_not_stored() {
    let kept = Arc::new(Kept::default());
    let receiver = receiver().inbox(kept.clone());
    assert_eq!(answered(deliver_with(&receiver, &signed("msg_1", b"{}"), BODY).await).status, 401);
    assert_eq!(kept.depth().await.unwrap(), 0);
}

/// PostgreSQL can keep no NUL. A sender that signs one would be told to try again for ever.
#[tokio::test]
async fn a_nul_in_an_id_or_a_type_keeps_no_event_out() {
    let kept = Arc::new(Kept::default());
    let order = |verified: &countersign_receive::Verified| Some(verified.event_type().ok()??.into_owned());
    let receiver = Receiver::<()>::new(verifier_of(&catalog::STRIPE, "whsec_nul_nul_nul_nul_nul"));
    let receiver = receiver.clock(|| NOW).inbox(InboxSettings::new(kept.clone()).order_by(order));
    let body = br#"{"id":"evt\u0000_1","type":"invoice\u0000.paid"}"#;
    let keys = Keyring::new(&catalog::STRIPE, ["whsec_nul_nul_nul_nul_nul"]).unwrap();
    let signer = Signer::new(&catalog::STRIPE, keys).unwrap();
    let headers = signer.sign(&Message::new("", body), NOW).unwrap().headers;
    assert_eq!(answered(deliver_with(&receiver, &headers, body).await).status, 200);
    let kept = kept.0.lock().unwrap();
    let [received] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(received.event_id.as_deref(), Some("evt\u{fffd}_1"));
    assert_eq!(received.event_type.as_deref(), Some("invoice\u{fffd}.paid"));
    assert_eq!(received.order, received.event_type);
    assert_eq!(received.body.as_ref(), body);
}
