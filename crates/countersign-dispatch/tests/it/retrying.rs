//! What becomes of a delivery.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use countersign_dispatch::{OperationalEvent, Schedule};
use countersign_store::outbox::{
    Attempt, DeliveryFilter, DeliveryState, DisabledBecause, EndpointState, MemoryOutbox, OutboxStore,
    Retention, SettleDelivery, Trigger,
};
use tokio::time::sleep;

use crate::{faulty::Faulty, support::*};

#[tokio::test(start_paused = true)]
async fn a_message_is_delivered_to_every_endpoint_that_wants_it_and_recorded() {
    let mut invoices = endpoint("invoices");
    invoices.events = vec!["invoice.*".to_owned()];
    let mut users = endpoint("users");
    users.events = vec!["user.*".to_owned()];
    let script = Script::new([Act::Answer(204)]);
    let running = start(&[endpoint("all"), invoices, users], &script, |dispatcher| dispatcher).await;
    let id = running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Delivered; 2]);
    assert_eq!((script.sent_to("all"), script.sent_to("invoices"), script.sent_to("users")), (1, 1, 0));
    let delivery = running.deliveries().await.remove(0);
    let attempts = running.attempts(delivery.id).await;
    let [attempt] = &attempts[..] else { panic!("{attempts:?}") };
    assert_eq!((delivery.message_id, attempt.status, attempt.number), (id, Some(204), 1));
    assert_eq!((attempt.response_body.as_ref(), attempt.error.as_deref()), (b"answer".as_slice(), None));
    assert!(attempt.request_headers.iter().any(|(name, _)| name == "webhook-signature"));
    assert!(running.endpoint("all").await.health.succeeded_at.is_some());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_by_the_schedule() {
    let script = Script::new([Act::Answer(500), Act::Fail, Act::Answer(301), Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| dispatcher).await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Delivered]);
    let attempts = running.attempts(1).await;
    let told: Vec<_> = attempts.iter().map(|attempt| attempt.error.as_deref()).collect();
    assert_eq!(told, [Some("answered 500"), Some("connect: no connection"), Some("answered 301"), None]);
    let times = script.times();
    assert!(times[1] - times[0] <= Duration::from_secs(7), "{:?}", times[1] - times[0]);
    assert!(times[3] - times[0] <= Duration::from_secs(1800 + 300 + 5 + 5));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_this_machine_can_not_send_counts_for_nobody_and_goes_out_shortly() {
    let mut acts = vec![Act::Short; 50];
    acts.push(Act::Answer(204));
    let script = Script::new(acts);
    let running = start(&[endpoint("ep")], &script, |dispatcher| dispatcher).await;
    running.enqueue("invoice.paid").await;
    running.settled_looking_every(Duration::from_secs(1)).await;
    assert_eq!((script.sent().len(), running.states().await), (51, vec![DeliveryState::Delivered]));
    let attempts = running.attempts(1).await;
    assert_eq!(attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [Some(204)]);
    for (before, after) in script.times().iter().zip(&script.times()[1..]) {
        let wait = after.duration_since(*before);
        assert!((Duration::from_secs(5)..Duration::from_secs(12)).contains(&wait), "{wait:?}");
    }
    let health = running.endpoint("ep").await.health;
    assert_eq!((health.failures, health.failing_since, health.open_until), (0, None, None));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn adv_88_an_endpoint_that_always_fails_gets_exactly_the_attempts_of_the_schedule() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let script = Script::new([Act::Answer(500)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        let dispatcher = dispatcher.on_event(move |event| tell.lock().unwrap().push(event.clone()));
        dispatcher.failure_clock(30 * DAY, 60 * DAY)
    })
    .await;
    let message = running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!(script.sent().len(), 10);
    assert_eq!(running.states().await, [DeliveryState::Dead]);
    let told = told.lock().unwrap().clone();
    let [OperationalEvent::DeliveryExhausted { delivery, message: given_up, endpoint, attempts }] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((*delivery, &*given_up.id, &*endpoint.id, *attempts), (1, &*message, "ep", 10));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn adv_88_a_payload_that_ends_every_attempt_is_given_up_and_hurts_nobody_else() {
    let script = Script::new([Act::Panic]).at("well", [Act::Answer(200)]);
    let running = start(&[endpoint("bad"), endpoint("well")], &script, |dispatcher| {
        dispatcher.schedule(Schedule::new([Duration::from_secs(1); 2]))
    })
    .await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Dead, DeliveryState::Delivered]);
    assert_eq!(running.attempts(1).await.len(), 3);
    assert!(running.endpoint("bad").await.health.failing_since.is_none());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_whose_worker_died_each_time_is_given_up_without_another_attempt() {
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        dispatcher.schedule(Schedule::new([Duration::from_secs(1)])).poll_interval(DAY)
    })
    .await;
    let store = running.outbox.store();
    store.enqueue(&[countersign_store::outbox::NewMessage::new("invoice.paid", BODY)]).await.unwrap();
    for _ in 0..2 {
        // Workers that died with the delivery in hand.
        assert_eq!(store.claim(1, Duration::from_secs(1)).await.unwrap().len(), 1);
        sleep(Duration::from_secs(2)).await;
    }
    running.outbox.wake();
    running.settled().await;
    assert_eq!((running.states().await, script.sent().len()), (vec![DeliveryState::Dead], 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_the_least_that_is_waited() {
    let script = Script::new([Act::RetryAfter(429, Duration::from_secs(7200)), Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| dispatcher).await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    let times = script.times();
    assert!(times[1] - times[0] >= Duration::from_secs(7200));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn adv_89_an_endpoint_that_is_gone_or_disabled_gets_nothing_and_loses_nothing() {
    let script = Script::new([Act::Answer(410), Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| dispatcher).await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!(running.endpoint("ep").await.state, EndpointState::Disabled(DisabledBecause::Gone));
    running.enqueue("invoice.paid").await;
    sleep(DAY).await;
    assert_eq!(script.sent().len(), 1);
    assert_eq!(running.states().await, [DeliveryState::Dead, DeliveryState::Pending]);
    running.outbox.store().set_state("ep", EndpointState::Enabled).await.unwrap();
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Dead, DeliveryState::Delivered]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_goes_through_the_schedule_anew_under_the_same_id() {
    let script = Script::new([Act::Answer(500), Act::Answer(500), Act::Answer(500), Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        dispatcher.schedule(Schedule::new([Duration::from_secs(1)]))
    })
    .await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Dead]);
    assert_eq!(running.outbox.store().redeliver(&DeliveryFilter::default(), 10).await.unwrap().count, 1);
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Delivered]);
    let attempts = running.attempts(1).await;
    let triggers: Vec<_> = attempts.iter().map(|attempt| (attempt.number, attempt.trigger)).collect();
    let expected =
        [(1, Trigger::Schedule), (2, Trigger::Schedule), (3, Trigger::Redelivery), (4, Trigger::Schedule)];
    assert_eq!(triggers, expected);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_tried_until_it_answers_where_that_is_wanted() {
    let mut snapbill = endpoint("ep");
    snapbill.until_delivered = true;
    let script = Script::new([vec![Act::Answer(500); 40], vec![Act::Answer(200)]].concat());
    let running = start(&[snapbill], &script, |dispatcher| {
        dispatcher.schedule(Schedule::new([Duration::from_secs(60)])).failure_clock(365 * DAY, 366 * DAY)
    })
    .await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!((script.sent().len(), running.states().await), (41, vec![DeliveryState::Delivered]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn to_an_endpoint_that_is_tried_until_it_answers_gone_is_a_failure_like_any_other() {
    let mut snapbill = endpoint("ep");
    snapbill.until_delivered = true;
    let script = Script::new([Act::Answer(410), Act::Answer(200)]);
    let running = start(&[snapbill], &script, |dispatcher| dispatcher).await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    let statuses: Vec<_> = running.attempts(1).await.iter().map(|attempt| attempt.status).collect();
    assert_eq!(
        (statuses, running.states().await),
        (vec![Some(410), Some(200)], vec![DeliveryState::Delivered])
    );
    assert_eq!(running.endpoint("ep").await.state, EndpointState::Enabled);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_settled_is_kept_and_nothing_else_is_begun_meanwhile() {
    let clock = clock();
    let store = Faulty { inner: MemoryOutbox::new().clock_micros(clock.clone()), ..Faulty::default() };
    let script = Script::new([Act::Answer(200)]);
    let running =
        start_over(store.clone(), &[endpoint("ep")], &script, |dispatcher| dispatcher.clock_micros(clock))
            .await;
    store.no_settle.store(true, Ordering::SeqCst);
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(5)).await;
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(running.states().await, [DeliveryState::Leased, DeliveryState::Pending]);
    assert_eq!(script.sent().len(), 1);
    store.no_settle.store(false, Ordering::SeqCst);
    running.settled().await;
    assert_eq!((running.states().await, script.sent().len()), (vec![DeliveryState::Delivered; 2], 2));
    running.stop().await;
}

/// What a receiver says can't keep its own delivery from its end, nor anybody else's.
#[tokio::test(start_paused = true)]
async fn an_attempt_whose_record_is_refused_is_recorded_without_what_the_receiver_said() {
    let refused = |ended: &SettleDelivery| is_teapot(ended) && !attempt_of(ended).response_headers.is_empty();
    let (store, script) = (refusing(refused), teapot());
    let running = start_over(store, &[endpoint("pot"), endpoint("good")], &script, |dispatcher| {
        dispatcher.schedule(Schedule::new([Duration::ZERO, Duration::from_secs(1)]))
    })
    .await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    assert_eq!((running.states().await, script.sent().len()), (vec![DeliveryState::Delivered; 2], 3));
    let pot = running.deliveries().await.into_iter().find(|delivery| delivery.endpoint_id == "pot").unwrap();
    let [first, last] = running.attempts(pot.id).await.try_into().unwrap();
    assert_eq!((first.number, first.status, &*first.response_body), (1, Some(418), &b""[..]));
    assert!(first.request_headers.is_empty() && first.payload_digest.is_some(), "{first:?}");
    assert_eq!(first.error.as_deref(), Some("why it failed could not be recorded"));
    assert_eq!((last.number, last.status, &*last.response_body), (2, Some(200), &b"answer"[..]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_can_not_be_settled_at_all_is_made_again_and_keeps_no_other_from_its_end() {
    let (store, script) = (refusing(is_teapot), teapot());
    let running =
        start_over(store, &[endpoint("pot"), endpoint("good")], &script, |dispatcher| dispatcher).await;
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(5)).await;
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!((script.sent_to("good"), script.sent_to("pot")), (2, 2), "others go on");
    let states = running.states().await;
    assert_eq!(states.iter().filter(|state| **state == DeliveryState::Leased).count(), 1, "{states:?}");
    running.settled().await;
    assert_eq!((running.states().await, script.sent_to("pot")), (vec![DeliveryState::Delivered; 4], 3));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_by_a_store_that_goes_away_is_kept_until_it_is_back() {
    let (store, script) = (refusing(is_teapot), teapot());
    store.then_no_settle.store(true, Ordering::SeqCst);
    let running =
        start_over(store.clone(), &[endpoint("pot"), endpoint("good")], &script, |dispatcher| dispatcher)
            .await;
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(5)).await;
    assert!(store.no_settle.load(Ordering::SeqCst), "it is away since it has refused something");
    assert_eq!(script.sent().len(), 2);
    store.then_no_settle.store(false, Ordering::SeqCst);
    store.no_settle.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(5)).await;
    let states = running.states().await;
    assert!(
        states.contains(&DeliveryState::Delivered) && states.contains(&DeliveryState::Leased),
        "{states:?}"
    );
    running.settled().await;
    assert_eq!((script.sent_to("good"), script.sent_to("pot")), (1, 2));
    running.stop().await;
}

fn refusing(refused: fn(&SettleDelivery) -> bool) -> Faulty {
    let inner = MemoryOutbox::new().clock_micros(clock());
    Faulty { inner, refused: Some(refused), ..Faulty::default() }
}

/// An endpoint that is a teapot once, and others that take everything.
fn teapot() -> Script {
    Script::new([Act::Answer(200)]).at("pot", [Act::Answer(418), Act::Answer(200)])
}

fn is_teapot(ended: &SettleDelivery) -> bool {
    attempt_of(ended).status == Some(418)
}

fn attempt_of(ended: &SettleDelivery) -> &Attempt {
    ended.attempt.as_ref().unwrap()
}

#[tokio::test(start_paused = true)]
async fn settings_without_end_are_no_panic() {
    let script = Script::new([Act::Answer(500), Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        let retention = Retention { age: Duration::MAX, ..Retention::default() };
        let dispatcher =
            dispatcher.attempt_timeout(Duration::MAX).poll_interval(Duration::MAX).grace(Duration::MAX);
        let dispatcher = dispatcher.failure_clock(Duration::MAX, Duration::MAX).retention(retention);
        dispatcher.schedule(Schedule::new([Duration::MAX])).chance(|| 1.0)
    })
    .await;
    running.enqueue("invoice.paid").await;
    sleep(DAY).await;
    assert_eq!((running.states().await, script.sent().len()), (vec![DeliveryState::Pending], 1));
    running.stop().await;
}

/// Nor does it keep the others from being told.
#[tokio::test(start_paused = true)]
async fn a_handler_of_events_that_panics_ends_nothing() {
    let script = Script::new([Act::Fail, Act::Fail, Act::Answer(204)]);
    let told = Arc::<Mutex<Vec<i64>>>::default();
    let seen = told.clone();
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        let dispatcher = dispatcher.schedule(Schedule::new([]));
        let dispatcher = dispatcher.on_event(|_| panic!("a handler that panics, as this test wants"));
        dispatcher.on_event(move |event| {
            if let OperationalEvent::DeliveryExhausted { delivery, .. } = event {
                seen.lock().unwrap().push(*delivery);
            }
        })
    })
    .await;
    for _ in 0..3 {
        running.enqueue("invoice.paid").await;
        running.settled().await;
    }
    let states = [DeliveryState::Dead, DeliveryState::Dead, DeliveryState::Delivered];
    assert_eq!((running.states().await, &*told.lock().unwrap()), (states.to_vec(), &vec![1, 2]));
    running.stop().await;
}
