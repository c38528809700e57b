//! What happens is announced to endpoints of the operator's own.

use std::{sync::atomic::Ordering, time::Duration};

use countersign_dispatch::Schedule;
use countersign_store::outbox::{DeliveryState, Endpoint, MemoryOutbox, MessageFilter, OutboxStore, Page};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{faulty::Faulty, support::*};

const HOUR: Duration = Duration::from_secs(3600);

/// An endpoint of the operator's own.
fn operators(id: &str, events: &[&str]) -> Endpoint {
    let mut endpoint = endpoint(id);
    endpoint.tenant = Some("operator".to_owned());
    endpoint.events = events.iter().map(|&event| event.to_owned()).collect();
    endpoint
}

/// What was sent to endpoints whose URL holds this.
fn told(script: &Script, part: &str) -> Vec<Value> {
    let sent = script.sent().into_iter().filter(|request| request.url.contains(part));
    sent.map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

/// How many messages of each type there are.
async fn messages<S: OutboxStore>(running: &Running<S>, kind: &str) -> usize {
    let mut filter = MessageFilter::default();
    filter.event_type = Some(kind.to_owned());
    running.outbox.store().messages(&filter, &Page { after: None, limit: 1000 }).await.unwrap().len()
}

fn once() -> Schedule {
    Schedule::new([])
}

#[tokio::test(start_paused = true)]
async fn the_operators_endpoints_are_told_what_they_want_by_ids_alone() {
    let mut bad = endpoint("bad");
    bad.url = "https://bad.example:8443/canary?token=canary".to_owned();
    bad.headers = vec![("authorization".to_owned(), "canary".to_owned())];
    let script = Script::new([Act::Answer(200)]).at("bad", [Act::Answer(410)]);
    let endpoints = [bad, endpoint("well"), operators("health", &["endpoint.*"]), operators("all", &["*"])];
    let running =
        start(&endpoints, &script, |dispatcher| dispatcher.announce_to(Some("operator".into()))).await;
    let message = running.enqueue("invoice.paid").await;
    running.settled().await;
    let disabled = json!({
        "type": "endpoint.disabled",
        "timestamp": "2025-11-24T16:00:00Z",
        "data": {
            "endpoint_id": "bad",
            "tenant": null,
            "url": "https://bad.example:8443",
            "failing_since": null,
            "because": "gone",
        },
    });
    let exhausted = json!({
        "type": "delivery.exhausted",
        "timestamp": "2025-11-24T16:00:00Z",
        "data": {
            "endpoint_id": "bad",
            "tenant": null,
            "url": "https://bad.example:8443",
            "failing_since": null,
            "delivery_id": 1,
            "message_id": message,
            "event_type": "invoice.paid",
            "attempts": 1,
        },
    });
    assert_eq!(told(&script, "health"), std::slice::from_ref(&disabled));
    assert_eq!(told(&script, "all"), [disabled, exhausted]);
    assert_eq!(script.sent_to("well"), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_warning_is_announced_once_and_then_that_the_endpoint_was_disabled() {
    let mut stubborn = endpoint("stubborn");
    stubborn.until_delivered = true;
    let script = Script::new([Act::Answer(200)]).at("stubborn", [Act::Answer(500)]);
    let running = start(&[stubborn, operators("ops", &["endpoint.*"])], &script, |dispatcher| {
        dispatcher.announce_to(Some("operator".to_owned())).poll_interval(Duration::from_secs(60))
    })
    .await;
    running.enqueue("invoice.paid").await;
    sleep(8 * DAY).await;
    let told = told(&script, "ops");
    let [warned, disabled] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (&warned["type"], &disabled["type"]),
        (&json!("endpoint.warned"), &json!("endpoint.disabled"))
    );
    assert_eq!(warned["data"]["failing_since"], "2025-11-24T16:00:00Z");
    let left = warned["data"]["disabled_in_seconds"].as_u64().unwrap();
    assert!((172_620..=172_800).contains(&left), "{left}");
    assert_eq!(disabled["data"]["because"], "failing");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn endpoints_of_the_operator_that_fail_do_not_multiply_what_is_announced() {
    let script = Script::new([Act::Answer(500)]);
    let endpoints = [endpoint("bad"), operators("ops1", &["*"]), operators("ops2", &["*"])];
    let running = start(&endpoints, &script, |dispatcher| {
        let dispatcher = dispatcher.announce_to(Some("operator".to_owned())).schedule(once());
        dispatcher.failure_clock(HOUR, 2 * HOUR)
    })
    .await;
    for _ in 0..3 {
        running.enqueue("invoice.paid").await;
    }
    sleep(12 * HOUR).await;
    // Three of the customer's. What was given up of the announcements themselves is not announced.
    assert_eq!(messages(&running, "delivery.exhausted").await, 3);
    // Each endpoint was warned of and disabled once; nothing comes after that.
    assert_eq!(messages(&running, "endpoint.warned").await, 3);
    assert_eq!(messages(&running, "endpoint.disabled").await, 3);
    let sent = script.sent().len();
    sleep(12 * HOUR).await;
    assert_eq!(script.sent().len(), sent);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_tell_each_other_of_being_gone_come_to_an_end() {
    let script = Script::new([Act::Answer(410)]);
    let endpoints: Vec<_> = (0..5).map(|number| operators(&format!("ops{number}"), &["*"])).collect();
    let running = start(&[vec![endpoint("bad")], endpoints].concat(), &script, |dispatcher| {
        dispatcher.announce_to(Some("operator".to_owned()))
    })
    .await;
    running.enqueue("invoice.paid").await;
    sleep(DAY).await;
    assert_eq!(messages(&running, "delivery.exhausted").await, 1);
    let disabled = messages(&running, "endpoint.disabled").await;
    assert!((6..=12).contains(&disabled), "{disabled}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_announced_holds_up_no_delivery() {
    let clock = clock();
    let store = Faulty { inner: MemoryOutbox::new().clock_micros(clock.clone()), ..Faulty::default() };
    let script = Script::new([Act::Answer(200)]).at("bad", [Act::Answer(500)]);
    let endpoints = [endpoint("bad"), endpoint("well"), operators("ops", &["*"])];
    let running = start_over(store.clone(), &endpoints, &script, |dispatcher| {
        dispatcher.clock_micros(clock).announce_to(Some("operator".to_owned())).schedule(once())
    })
    .await;
    for away in [true, false] {
        running.enqueue("invoice.paid").await;
        store.no_enqueue.store(away, Ordering::SeqCst);
        sleep(Duration::from_secs(5)).await;
        store.no_enqueue.store(false, Ordering::SeqCst);
    }
    running.settled().await;
    assert_eq!((script.sent_to("well"), script.sent_to("bad"), script.sent_to("ops")), (2, 2, 1));
    let dead = running.states().await.into_iter().filter(|state| *state == DeliveryState::Dead).count();
    assert_eq!(dead, 2);
    running.stop().await;
}
