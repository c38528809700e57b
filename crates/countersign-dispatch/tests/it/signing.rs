//! What is sent is signed, and verified by the same scheme.

use std::time::Duration;

use countersign::{Keyring, RequestView, Verifier, catalog};
use countersign_dispatch::{DEFAULT_OVERLAP, Request, Schedule, Sealer, rotate};
use countersign_store::outbox::{DeliveryState, Endpoint, EndpointState, NewMessage, OutboxStore};

use crate::support::*;

fn verifies(secret: &str, request: &Request, now: i64) -> Result<String, countersign::Error> {
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, [secret]).unwrap();
    let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build().unwrap();
    let verified = verifier.verify(&RequestView::post(&request.headers), &request.body, now)?;
    Ok(verified.event_id()?.unwrap().into_owned())
}

fn header<'r>(request: &'r Request, name: &str) -> &'r str {
    request.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value).unwrap()
}

#[tokio::test(start_paused = true)]
async fn adv_82_each_attempt_is_signed_anew_over_what_is_sent_under_one_id() {
    let script = Script::new([Act::Fail, Act::Fail, Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        dispatcher.schedule(Schedule::new([Duration::from_secs(3600); 2]))
    })
    .await;
    let id = running.enqueue("invoice.paid").await;
    running.settled().await;
    let sent = script.sent();
    let times: Vec<i64> =
        sent.iter().map(|request| header(request, "webhook-timestamp").parse().unwrap()).collect();
    for (request, time) in sent.iter().zip(&times) {
        assert_eq!(verifies(SECRET, request, *time).as_deref(), Ok(&*id));
        assert_eq!(
            (request.body.as_ref(), header(request, "content-type")),
            (BODY.as_bytes(), "application/json")
        );
    }
    assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_a_secret_is_changed_both_sign_and_then_the_new_one_alone() {
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| dispatcher).await;
    let mut changed = running.endpoint("ep").await;
    changed.keys = rotate(&changed.keys, key("new", OTHER), 1_764_000_000, DEFAULT_OVERLAP);
    running.outbox.store().put_endpoint(&changed).await.unwrap();
    running.enqueue("invoice.paid").await;
    running.settled().await;
    tokio::time::sleep(2 * DAY).await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    let sent = script.sent();
    let time = |request: &Request| header(request, "webhook-timestamp").parse().unwrap();
    assert!(
        verifies(SECRET, &sent[0], time(&sent[0])).is_ok()
            && verifies(OTHER, &sent[0], time(&sent[0])).is_ok()
    );
    assert!(
        verifies(SECRET, &sent[1], time(&sent[1])).is_err()
            && verifies(OTHER, &sent[1], time(&sent[1])).is_ok()
    );
    running.stop().await;
}

/// As where a dispatcher was started without the key: it sends nothing, and what is its own fault counts against
/// no endpoint and no delivery.
#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_opened_here_is_no_failure_of_the_endpoint() {
    let sealer = Sealer::new(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]).unwrap();
    let sealed = endpoint_with_key("ep", &sealer.seal("ep", "current", SECRET).unwrap());
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[sealed], &script, |dispatcher| dispatcher).await;
    running.enqueue("invoice.paid").await;
    tokio::time::sleep(9 * DAY).await;
    let endpoint = running.endpoint("ep").await;
    assert_eq!((endpoint.state, endpoint.health.failures), (EndpointState::Enabled, 0));
    assert_eq!((script.sent().len(), running.states().await), (0, vec![DeliveryState::Pending]));
    assert_eq!(running.attempts(1).await.len(), 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_sealed_secret_signs_and_one_of_another_endpoint_does_not() {
    let sealer = Sealer::new(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]).unwrap();
    let sealed = sealer.seal("ep", "current", SECRET).unwrap();
    let with = |id: &str| endpoint_with_key(id, &sealed);
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[with("ep"), with("thief")], &script, |dispatcher| {
        dispatcher.sealer(sealer.clone()).schedule(Schedule::new([]))
    })
    .await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Delivered, DeliveryState::Dead]);
    let sent = script.sent();
    assert!(verifies(SECRET, &sent[0], 1_764_000_000).is_ok());
    let refused = running.attempts(2).await.remove(0).error.unwrap();
    assert!(refused.contains("another endpoint"), "{refused}");
    running.stop().await;
}

fn endpoint_with_key(id: &str, secret: &str) -> Endpoint {
    let mut endpoint = endpoint(id);
    endpoint.keys[0].secret = secret.to_owned();
    endpoint
}

#[tokio::test(start_paused = true)]
async fn settings_that_cannot_sign_fail_with_their_reason_and_no_secret() {
    let mut unknown = endpoint("unknown");
    unknown.scheme = "standrad-webhooks".to_owned();
    let mut keyless = endpoint("keyless");
    keyless.keys.clear();
    let script = Script::new([Act::Answer(200)]);
    let running =
        start(&[unknown, keyless, endpoint_with_key("weak", "whsec_canary!")], &script, |dispatcher| {
            dispatcher.schedule(Schedule::new([]))
        })
        .await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!((running.states().await, script.sent().len()), (vec![DeliveryState::Dead; 3], 0));
    for (delivery, part) in [(1, "key"), (2, "standrad-webhooks"), (3, "current")] {
        let reason = running.attempts(delivery).await.remove(0).error.unwrap();
        assert!(reason.contains(part) && !reason.contains("canary"), "{reason}");
    }
    running.stop().await;
}

/// An application that puts its endpoints itself is asked by nobody before. One key signs, and no header is there twice yet.
#[tokio::test(start_paused = true)]
async fn a_header_of_the_owner_that_the_scheme_may_write_is_not_sent() {
    let with = |id: &str, scheme: &str, name: &str| {
        let mut endpoint = endpoint(id);
        (endpoint.scheme, endpoint.headers) = (scheme.to_owned(), vec![(name.to_owned(), "x".to_owned())]);
        endpoint
    };
    let endpoints = [
        with("a", "docusign", "X-DocuSign-Signature-2"),
        with("b", "box", "box_signature_secondary"),
        with("c", "github", "X-GitHub-Event"),
        with("d", "standard-webhooks", "Traceparent"),
    ];
    let script = Script::new([Act::Answer(200)]);
    let running = start(&endpoints, &script, |d| d.schedule(Schedule::new([]))).await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!((running.states().await, script.sent().len()), (vec![DeliveryState::Dead; 4], 0));
    for delivery in 1..=4 {
        let reason = running.attempts(delivery).await.remove(0).error.unwrap();
        assert!(reason.contains("is set by the sender: remove it"), "{reason}");
    }
    assert_eq!(running.endpoint("a").await.health.failures, 1);
    running.stop().await;
}

/// The fault is the sender's own: nothing is known about the endpoint, which is neither left alone nor disabled for it.
#[tokio::test(start_paused = true)]
async fn a_message_that_no_header_can_hold_is_no_failure_of_the_endpoint() {
    let of = |id: &str, scheme: &str, kind: &str| {
        let mut endpoint = endpoint(id);
        (endpoint.scheme, endpoint.events) = (scheme.to_owned(), vec![kind.to_owned()]);
        endpoint
    };
    let endpoints = [
        of("typed", "github", "rechnung.bezahlt-für"),
        of("spaced", "github", "spaced"),
        of("signed", "standard-webhooks", "signed"),
        of("content", "standard-webhooks", "content"),
    ];
    let script = Script::new([Act::Answer(200)]);
    let running = start(&endpoints, &script, |d| d.schedule(Schedule::new([]))).await;
    let mut messages =
        ["rechnung.bezahlt-für", "spaced", "signed", "content"].map(|kind| NewMessage::new(kind, BODY));
    messages[1].id = Some("order 42 ".to_owned());
    messages[2].id = Some("order.42".to_owned());
    messages[3].content_type = "application/json\r\nx-evil: 1".to_owned();
    running.outbox.enqueue(&messages).await.unwrap();
    running.settled().await;
    assert_eq!((running.states().await, script.sent().len()), (vec![DeliveryState::Dead; 4], 0));
    for (delivery, part) in
        [(1, "the event type"), (2, "x-github-delivery"), (3, "the event id"), (4, "content-type")]
    {
        let reason = running.attempts(delivery).await.remove(0).error.unwrap();
        assert!(reason.to_ascii_lowercase().contains(part), "{reason}");
    }
    for Endpoint { id, .. } in endpoints {
        assert_eq!(running.endpoint(&id).await.health.failures, 0, "{id}");
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_form_is_not_signed_as_one() {
    let mut twilio = endpoint("ep");
    twilio.scheme = "twilio".to_owned();
    twilio.keys[0].secret = "0123456789abcdef0123456789abcdef".to_owned();
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[twilio], &script, |d| d.schedule(Schedule::new([]))).await;
    let mut form = NewMessage::new("call.ended", "CallSid=CA1&Digits=1");
    form.content_type = "Application/x-www-form-urlencoded; charset=UTF-8".to_owned();
    running.outbox.enqueue(&[NewMessage::new("call.ended", BODY), form]).await.unwrap();
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Dead, DeliveryState::Delivered]);
    let reason = running.attempts(1).await.remove(0).error.unwrap();
    assert!(reason.contains("needs the content type application/x-www-form-urlencoded"), "{reason}");
    assert_eq!(running.endpoint("ep").await.health.failures, 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_shows_no_token_and_no_header_of_the_owner() {
    let mut token = endpoint("ep");
    token.scheme = "bearer-token".to_owned();
    token.keys[0].secret = "canary-token-of-the-endpoint".to_owned();
    token.headers = vec![("x-api-key".to_owned(), "canary-header".to_owned())];
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[token], &script, |dispatcher| dispatcher).await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    let sent = script.sent().remove(0);
    assert!(sent.headers.iter().any(|(_, value)| value.contains("canary-token")));
    assert_eq!(sent.custom, [("x-api-key".to_owned(), "canary-header".to_owned())]);
    let attempt = running.attempts(1).await.remove(0);
    assert!(!format!("{:?} {attempt:?} {sent:?}", attempt.request_headers).contains("canary"));
    assert!(attempt.request_headers.iter().any(|(name, value)| name == "x-api-key" && value == "…"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_sent_to_the_endpoints_that_want_it_and_to_no_other() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut traced = endpoint("traced");
    traced.sends_trace = true;
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[traced, endpoint("other")], &script, |dispatcher| dispatcher).await;
    for trace in [Some(TRACE), None] {
        let mut message = NewMessage::new("invoice.paid", BODY);
        message.traceparent = trace.map(str::to_owned);
        running.outbox.enqueue(&[message]).await.unwrap();
    }
    running.settled().await;
    let (to_traced, to_others): (Vec<_>, Vec<_>) =
        script.sent().into_iter().partition(|request| request.url.contains("traced"));
    let traces = |sent: &[Request]| {
        let headers = sent.iter().flat_map(|request| request.headers.clone());
        headers.filter(|(name, _)| name == "traceparent").map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!((to_traced.len(), traces(&to_traced)), (2, vec![TRACE.to_owned()]));
    assert_eq!((to_others.len(), traces(&to_others)), (2, vec![]));
    running.stop().await;
}
