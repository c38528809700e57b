//! Each event is handled once.

use std::{
    convert::Infallible,
    future::ready,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign::{ErrorKind, Key, Keyring, Message, Signer, Verifier, catalog};
use countersign_receive::{Idempotency, Next, Receiver};
use countersign_store::{Claim, IdempotencyStore, MemoryStore};
use tokio::{
    runtime::Handle,
    task::{spawn, yield_now},
};

use crate::support::*;

fn once() -> (Receiver<()>, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    (receiver().idempotency(store.clone()).unwrap(), store)
}

#[tokio::test]
async fn an_event_that_is_done_is_given_the_recorded_status() {
    let (receiver, _) = once();
    handled(deliver(&receiver, "msg_1").await).1.finish(204).await;
    let reply = answered(deliver(&receiver, "msg_1").await);
    assert_eq!((reply.status, reply.body.as_str(), reply.rejection.is_none()), (204, "", true));
    assert_eq!(header(&reply, "idempotency-replayed"), Some("true"));
    handled(deliver(&receiver, "msg_2").await).1.finish(200).await;
}

#[tokio::test]
async fn a_copy_that_comes_while_the_event_is_handled_is_told_to_come_again() {
    let (receiver, _) = once();
    let (_, handling) = handled(deliver(&receiver, "msg_1").await);
    let reply = answered(deliver(&receiver, "msg_1").await);
    assert_eq!((reply.status, reply.rejection.clone().unwrap().kind()), (409, ErrorKind::InFlight));
    let seconds: u64 = header(&reply, "retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    handling.finish(200).await;
    assert_eq!(answered(deliver(&receiver, "msg_1").await).status, 200);
}

#[tokio::test]
async fn an_event_that_failed_comes_again_at_once() {
    let (receiver, store) = once();
    for status in [199, 300, 400, 500, 503] {
        handled(deliver(&receiver, "msg_1").await).1.finish(status).await;
    }
    assert_eq!(store.len(), 0);
}

#[tokio::test]
async fn adv_62_a_handler_that_is_dropped_or_panics_gives_the_event_back() {
    let (receiver, store) = once();
    let (_, dropped) = handled(deliver(&receiver, "msg_1").await);
    drop(dropped);
    yield_now().await;
    let (_, handling) = handled(deliver(&receiver, "msg_1").await);
    let panicked = spawn(async move {
        let _handling = AssertUnwindSafe(handling);
        panic!("a handler that panics, as this test wants");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    yield_now().await;
    assert_eq!(store.len(), 0);
    handled(deliver(&receiver, "msg_1").await).1.finish(200).await;
}

#[tokio::test]
async fn adv_44_a_forged_request_leaves_no_record() {
    let (receiver, store) = once();
    let mut forged = signed("msg_1", BODY);
    forged.iter_mut().find(|(name, _)| name == "webhook-signature").unwrap().1 =
        "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    assert_eq!(answered(deliver_with(&receiver, &forged, BODY).await).status, 401);
    assert_eq!(store.len(), 0);
    handled(deliver(&receiver, "msg_1").await).1.finish(200).await;
}

#[tokio::test]
async fn adv_42_an_id_outside_the_signature_makes_no_new_event() {
    let secret = "a-secret-of-a-repository";
    let receiver = Receiver::<()>::new(verifier_of(&catalog::GITHUB, secret));
    let week = Duration::from_secs(7 * 86_400);
    let receiver = receiver.idempotency(Idempotency::new(MemoryStore::new()).ttl(week)).unwrap();
    let signer = Signer::new(&catalog::GITHUB, Keyring::new(&catalog::GITHUB, [secret]).unwrap()).unwrap();
    let mut headers = signer.sign(&Message::new("1", BODY), NOW).unwrap().headers;
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-github-delivery"));
    let with_id =
        |id: &str| [headers.clone(), vec![("x-github-delivery".to_owned(), id.to_owned())]].concat();
    handled(deliver_with(&receiver, &with_id("first"), BODY).await).1.finish(200).await;
    let reply = answered(deliver_with(&receiver, &with_id("second"), BODY).await);
    assert_eq!(header(&reply, "idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn adv_45_endpoints_and_tenants_share_no_event() {
    let store = Arc::new(MemoryStore::new());
    let at = |endpoint: &str| receiver().endpoint(endpoint).idempotency(store.clone()).unwrap();
    let tenant = |name: &str| {
        let key = Key::new("current", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let keys = Keyring::builder(&catalog::STANDARD_WEBHOOKS).key(key).tenant(name).build().unwrap();
        let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build().unwrap();
        Receiver::<()>::new(verifier).clock(|| NOW).idempotency(store.clone()).unwrap()
    };
    for receiver in [at("eu"), at("us"), tenant("a"), tenant("b")] {
        handled(deliver(&receiver, "msg_1").await).1.finish(200).await;
        assert_eq!(answered(deliver(&receiver, "msg_1").await).status, 200);
    }
    assert_eq!(store.len(), 4);
}

/// A handler that claims in its own transaction asks for the key, too.
#[tokio::test]
async fn the_key_that_a_handler_sees_is_the_one_that_was_claimed() {
    let store = Arc::new(MemoryStore::new());
    let receiver = receiver().endpoint("eu").idempotency(store.clone()).unwrap();
    let (verified, _handling) = handled(deliver(&receiver, "msg_1").await);
    assert_eq!(verified.endpoint(), Some("eu"));
    let key = verified.idempotency_key();
    assert_eq!(key.as_str(), "eu:standard-webhooks/msg_1");
    let claim = store.claim(key.as_str(), Duration::from_secs(60)).await.unwrap();
    assert!(matches!(claim, Claim::InFlight { .. }), "{claim:?}");
}

/// Keys by request are those of several tenants: without a name, one's event would pass for a copy of another's.
#[tokio::test]
async fn adv_45_where_events_are_remembered_keys_by_request_must_name_their_tenant() {
    let key = || Key::new("current", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let nameless = Arc::new(Keyring::builder(scheme).key(key()).build().unwrap());
    let named = Arc::new(Keyring::builder(scheme).key(key()).tenant("acme").build().unwrap());
    let by_request = |keys: &Arc<Keyring>| {
        let keys = keys.clone();
        receiver().resolve_keys(move |()| ready(Ok::<_, Infallible>(Some(keys.clone()))))
    };
    let remembering_named = by_request(&named).idempotency(MemoryStore::new()).unwrap();
    for receiver in [by_request(&nameless), remembering_named] {
        handled(deliver(&receiver, "msg_1").await).1.finish(200).await;
    }
    let remembering = by_request(&nameless).idempotency(MemoryStore::new()).unwrap();
    let refused = answered(deliver(&remembering, "msg_1").await);
    let reason = refused.rejection.expect("a reason").to_string();
    assert_eq!(refused.status, 500);
    assert!(reason.contains("no tenant") && reason.contains("Keyring::builder"), "{reason}");
}

/// Stripe names no limit ahead: what is signed by a clock that is a month ahead is accepted until that month is over.
#[tokio::test]
async fn adv_43_an_event_from_ahead_is_remembered_until_its_time_has_passed() {
    const DAY: u64 = 86_400;
    let (scheme, secret) = (&catalog::STRIPE, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let passed = Arc::new(AtomicU64::new(0));
    let (by_store, by_receiver) = (passed.clone(), passed.clone());
    let store = MemoryStore::new().clock(move || Duration::from_secs(by_store.load(Ordering::SeqCst)));
    let receiver = Receiver::<()>::new(verifier_of(scheme, secret))
        .clock(move || NOW + by_receiver.load(Ordering::SeqCst).cast_signed())
        .idempotency(store)
        .unwrap();
    let signer = Signer::new(scheme, Keyring::new(scheme, [secret]).unwrap()).unwrap();
    let ahead = NOW + (30 * DAY).cast_signed();
    let headers = signer.sign(&Message::new("evt_1", BODY), ahead).unwrap().headers;
    handled(deliver_with(&receiver, &headers, BODY).await).1.finish(200).await;
    for seconds in [4 * DAY, 29 * DAY, 30 * DAY + 300] {
        passed.store(seconds, Ordering::SeqCst);
        let reply = answered(deliver_with(&receiver, &headers, BODY).await);
        assert_eq!((reply.status, header(&reply, "idempotency-replayed")), (200, Some("true")));
    }
    passed.store(30 * DAY + 301, Ordering::SeqCst);
    let reply = answered(deliver_with(&receiver, &headers, BODY).await);
    assert_eq!(reply.rejection.unwrap().kind(), ErrorKind::TimestampTooOld);
}

#[tokio::test(start_paused = true)]
async fn adv_63_where_the_store_is_down_nothing_is_handled_unless_the_application_says_so() {
    for down in [Down::Refusing, Down::Hanging] {
        let closed = receiver().idempotency(down).unwrap();
        let reply = answered(deliver(&closed, "msg_1").await);
        assert_eq!((reply.status, header(&reply, "retry-after")), (503, Some("30")));
        assert_eq!(reply.rejection.unwrap().kind(), ErrorKind::Unavailable);
        let open = receiver().idempotency(Idempotency::new(down).fail_open()).unwrap();
        handled(deliver(&open, "msg_1").await).1.finish(200).await;
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_while_the_answer_is_recorded_still_records_it() {
    let (receiver, _) = once();
    let (_, handling) = handled(deliver(&receiver, "msg_1").await);
    // Never polled, as where the client goes away at this very moment: this one counts as failed.
    drop(handling.finish(200));
    yield_now().await;
    let (_, handling) = handled(deliver(&receiver, "msg_1").await);
    handling.finish(200).await;
    assert_eq!(answered(deliver(&receiver, "msg_1").await).status, 200);
}

/// An event that was handled would else be handled once more, when its lease has ended.
#[tokio::test(start_paused = true)]
async fn how_an_event_ended_is_recorded_once_a_store_that_was_away_is_back() {
    let store = Flaky::default();
    let receiver = receiver().idempotency(store.clone()).unwrap();
    for (id, status, comes_again) in [("done", 200, false), ("failed", 500, true)] {
        store.away_for.store(u32::MAX, Ordering::SeqCst);
        handled(deliver(&receiver, id).await).1.finish(status).await;
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert_eq!(answered(deliver(&receiver, id).await).status, 409, "{id}");
        store.away_for.store(0, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let again = deliver(&receiver, id).await;
        assert_eq!(matches!(again, Next::Handle(..)), comes_again, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_let_go_where_its_store_stays_away_for_as_long_as_its_lease() {
    let store = Flaky::default();
    store.away_for.store(u32::MAX, Ordering::SeqCst);
    let receiver = receiver().idempotency(store.clone()).unwrap();
    handled(deliver(&receiver, "msg_1").await).1.finish(200).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
    tokio::time::sleep(Idempotency::DEFAULT_LEASE).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

/// As SQLite does where another process holds its lock, and any server whose answer is late.
#[tokio::test(start_paused = true)]
async fn a_claim_that_is_granted_when_nobody_waits_for_it_is_given_back() {
    let slow = Slow::default();
    let settings = Idempotency::new(slow.clone()).timeout(Slow::WHILE / 2);
    let impatient = receiver().idempotency(settings).unwrap();
    let reply = answered(deliver(&impatient, "msg_1").await);
    assert_eq!((reply.status, reply.rejection.unwrap().kind()), (503, ErrorKind::Unavailable));

    let patient = receiver().idempotency(Idempotency::new(slow.clone()).timeout(Slow::WHILE * 2)).unwrap();
    let gone_away = tokio::time::timeout(Slow::WHILE / 2, deliver(&patient, "msg_1"));
    assert!(gone_away.await.is_err(), "the request is dropped while it waits");

    tokio::time::sleep(Slow::WHILE).await;
    assert_eq!(slow.0.len(), 0, "both claims have been granted and given back");
    handled(deliver(&patient, "msg_1").await).1.finish(200).await;
    assert_eq!(answered(deliver(&patient, "msg_1").await).status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_leaves_nothing_behind_once_the_lease_has_passed() {
    let lease = Duration::from_secs(60);
    let receiver = receiver().idempotency(Idempotency::new(Down::Hanging).lease(lease)).unwrap();
    let waiting = || Handle::current().metrics().num_alive_tasks();
    for id in ["msg_1", "msg_2", "msg_3"] {
        assert_eq!(answered(deliver(&receiver, id).await).status, 503);
    }
    assert_eq!(waiting(), 3, "the store may answer yet");
    tokio::time::sleep(lease + Duration::from_secs(1)).await;
    assert_eq!(waiting(), 0);
}

/// The layer twice around one handler: the inner one meets the claim of the outer one each time the event comes.
#[tokio::test]
async fn a_layer_within_itself_is_told_of_and_keeps_no_claim() {
    let (receiver, store) = once();
    for _ in 0..2 {
        let (proof, outer) = handled(deliver(&receiver, "msg_1").await);
        let reply = answered(deliver_within(&proof, &receiver, "msg_1").await);
        let why = reply.rejection.unwrap();
        assert_eq!((reply.status, why.kind()), (500, ErrorKind::Misconfigured));
        assert!(why.to_string().contains("twice"), "{why}");
        outer.finish(500).await;
    }
    assert_eq!(store.len(), 0);
}

#[tokio::test]
async fn layers_within_each_other_that_share_no_store_or_no_key_each_claim_the_event() {
    let (outer, store) = once();
    let inner = [outer.clone().endpoint("inner"), once().0];
    for (inner, id) in inner.iter().zip(["msg_1", "msg_2"]) {
        let (proof, handling) = handled(deliver(&outer, id).await);
        handled(deliver_within(&proof, inner, id).await).1.finish(200).await;
        handling.finish(200).await;
        assert_eq!(answered(deliver(&outer, id).await).status, 200);
        assert_eq!(answered(deliver(inner, id).await).status, 200);
    }
    assert_eq!(store.len(), 3);
}

#[tokio::test]
async fn a_copy_within_another_event_is_told_to_come_again() {
    let (receiver, _) = once();
    let (_, copied) = handled(deliver(&receiver, "msg_1").await);
    let (proof, other) = handled(deliver(&receiver, "msg_2").await);
    assert_eq!(answered(deliver_within(&proof, &receiver, "msg_1").await).status, 409);
    copied.finish(200).await;
    other.finish(200).await;
}
