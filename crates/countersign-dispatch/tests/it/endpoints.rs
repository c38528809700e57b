//! Endpoints that fail: fairness, circuits, failure clocks, limits.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign_dispatch::{OperationalEvent, Schedule};
use countersign_store::outbox::{
    Delivery, DeliveryState, DisabledBecause, EndpointState, Limits, MemoryOutbox, NewMessage, OutboxStore,
};
use tokio::time::{Instant, sleep};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn adv_79_endpoints_that_hang_hold_up_nobody_else() {
    let script = Script::new([Act::Hang]).at("well", [Act::Answer(200)]);
    let endpoints: Vec<_> =
        (0..5).map(|number| endpoint(&format!("hangs{number}"))).chain([endpoint("well")]).collect();
    let running = start(&endpoints, &script, |dispatcher| dispatcher.concurrency(60)).await;
    for _ in 0..100 {
        running.enqueue("invoice.paid").await;
    }
    let started = Instant::now();
    while script.sent_to("well") < 100 {
        sleep(Duration::from_millis(10)).await;
        assert!(started.elapsed() < Duration::from_secs(5), "{} of 100", script.sent_to("well"));
    }
    // Ten places an endpoint, and no more.
    assert_eq!(script.sent_to("hangs"), 50);
    running.task.abort();
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_the_circuit_and_one_request_at_a_time_tries_it() {
    let script = Script::new([vec![Act::Answer(500); 30], vec![Act::Answer(200)]].concat());
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        dispatcher.schedule(Schedule::new([Duration::from_secs(1); 50]))
    })
    .await;
    for _ in 0..20 {
        running.enqueue("invoice.paid").await;
    }
    running.settled().await;
    assert_eq!(running.states().await, [DeliveryState::Delivered; 20]);
    let times = script.times();
    // The circuit opened once the first ten had failed; then one request each 10, 20, 40 … seconds.
    let waits: Vec<u64> = times[10..30].windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert!(waits.iter().all(|wait| *wait >= 9), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait >= 590), "{waits:?}");
    assert_eq!(running.endpoint("ep").await.health.failures, 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_fails_for_a_week_is_warned_of_once_and_then_disabled() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let script = Script::new([Act::Answer(500)]);
    let mut stubborn = endpoint("ep");
    stubborn.until_delivered = true;
    let running = start(&[stubborn], &script, |dispatcher| {
        let dispatcher = dispatcher.poll_interval(Duration::from_secs(60));
        dispatcher.on_event(move |event| tell.lock().unwrap().push(event.clone()))
    })
    .await;
    running.enqueue("invoice.paid").await;
    sleep(8 * DAY).await;
    let told = told.lock().unwrap().clone();
    let [
        OperationalEvent::EndpointWarned { failing_for, .. },
        OperationalEvent::EndpointDisabled { because, .. },
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert!(*failing_for >= 5 * DAY && *failing_for < 5 * DAY + Duration::from_secs(180), "{failing_for:?}");
    assert_eq!(*because, DisabledBecause::Failing);
    assert_eq!(running.endpoint("ep").await.state, EndpointState::Disabled(DisabledBecause::Failing));
    assert_eq!(running.states().await, [DeliveryState::Pending]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_begin_in_a_second_than_an_endpoint_bears() {
    let script = Script::new([Act::Answer(200)]);
    let mut slow = endpoint("ep");
    slow.limits.per_second = Some(2);
    let running = start(&[slow], &script, |dispatcher| dispatcher).await;
    for _ in 0..20 {
        running.enqueue("invoice.paid").await;
    }
    running.settled().await;
    let times = script.times();
    for window in times.windows(4) {
        assert!(window[3] - window[0] >= Duration::from_millis(1400), "{:?}", window[3] - window[0]);
    }
    assert_eq!(times.len(), 20);
    running.stop().await;
}

/// What is claimed for an endpoint with the usual places has its turn within the time that is waited for it. Were it put
/// back instead, its place would be given to the next, and the whole backlog be claimed and put back in turn.
#[tokio::test(start_paused = true)]
async fn a_backlog_at_one_request_a_second_is_not_claimed_in_vain() {
    let script = Script::new([Act::Answer(200)]);
    let mut limited = endpoint("ep");
    limited.limits.per_second = Some(1);
    let running = start(&[limited], &script, |dispatcher| dispatcher).await;
    running.outbox.enqueue(&vec![NewMessage::new("invoice.paid", BODY); 500]).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert!((60..=62).contains(&script.sent().len()), "{} were sent", script.sent().len());
    let deliveries = running.deliveries().await;
    let was_put_back = |delivery: &&Delivery| delivery.due_at > Some(delivery.created_at);
    let waiting = deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Pending);
    assert_eq!(waiting.clone().filter(was_put_back).count(), 0);
    assert!(waiting.count() > 400);
    running.stop().await;
}

/// However many are claimed at once for so few turns: what is too late for them is sent when its turn comes, no later.
#[tokio::test(start_paused = true)]
async fn what_has_to_wait_for_its_turn_is_sent_as_fast_as_the_endpoint_bears() {
    for (in_flight, per_second, messages) in [(10, 1, 30_u32), (20, 3, 100), (100, 10, 300)] {
        let script = Script::new([Act::Answer(200)]);
        let mut limited = endpoint("ep");
        limited.limits = Limits { in_flight, per_second: Some(per_second) };
        let running = start(&[limited], &script, |dispatcher| dispatcher).await;
        let waiting = vec![NewMessage::new("invoice.paid", BODY); messages as usize];
        let began = Instant::now();
        running.outbox.enqueue(&waiting).await.unwrap();
        running.settled_looking_every(Duration::from_secs(1)).await;
        let (took, least) = (began.elapsed(), Duration::from_secs(u64::from(messages / per_second)));
        assert_eq!(script.sent().len(), messages as usize);
        assert!(
            took < least * 5 / 4 + Duration::from_secs(2),
            "{messages} at {per_second} a second: {took:?}"
        );
        running.stop().await;
    }
}

/// There are as many endpoints with a backlog as have all places, or more than there is room to wait for.
#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_holds_no_place() {
    for slow in [3, 20] {
        let script = Script::new([Act::Answer(200)]);
        let mut endpoints: Vec<_> = (0..slow).map(|number| endpoint(&format!("slow{number}"))).collect();
        endpoints.iter_mut().for_each(|slow| slow.limits.per_second = Some(1));
        let mut free = endpoint("free");
        (free.tenant, free.url) = (Some("other".to_owned()), "https://free.example.com/".to_owned());
        endpoints.push(free);
        let running = start(&endpoints, &script, |dispatcher| dispatcher.concurrency(8)).await;
        running.outbox.enqueue(&vec![NewMessage::new("invoice.paid", BODY); 50]).await.unwrap();
        sleep(Duration::from_secs(5)).await;
        let mut message = NewMessage::new("invoice.paid", BODY);
        message.tenant = Some("other".to_owned());
        running.outbox.enqueue(&vec![message; 300]).await.unwrap();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(script.sent_to("free.example.com"), 300, "beside {slow} endpoints");
        sleep(Duration::from_secs(23)).await;
        let others = script.sent().len() - 300;
        assert!((30 * slow..=32 * slow).contains(&others), "{others} to {slow} endpoints");
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_are_under_way_than_a_dispatcher_has_places() {
    let script = Script::new([Act::Hang, Act::Hang, Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        dispatcher.concurrency(2).attempt_timeout(Duration::from_secs(60))
    })
    .await;
    for _ in 0..5 {
        running.enqueue("invoice.paid").await;
    }
    sleep(Duration::from_secs(30)).await;
    assert_eq!(script.sent().len(), 2);
    running.settled().await;
    assert_eq!((running.states().await, script.sent().len()), (vec![DeliveryState::Delivered; 5], 7));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn adv_86_deliveries_that_failed_together_do_not_come_back_together() {
    let script = Script::new([Act::Answer(200)]);
    let endpoints: Vec<_> = (0..200).map(|number| endpoint(&format!("ep{number}"))).collect();
    let script = endpoints
        .iter()
        .fold(script, |script, ep| script.at(&format!("//{}.", ep.id), [Act::Fail, Act::Answer(200)]));
    let running = start(&endpoints, &script, |dispatcher| {
        dispatcher.schedule(Schedule::new([Duration::from_secs(100)])).concurrency(500)
    })
    .await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    let times = script.times();
    let (first, again) = times.split_at(200);
    let mut seconds = [0; 102];
    again.iter().for_each(|time| seconds[usize::try_from((*time - first[0]).as_secs()).unwrap()] += 1);
    assert!(seconds.iter().all(|count| *count <= 12), "{seconds:?}");
    running.stop().await;
}

/// Nobody is told that the endpoint is disabled, either.
#[tokio::test(start_paused = true)]
async fn what_the_old_url_answers_late_does_not_disable_the_corrected_one() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let corrected = "https://corrected.example/hooks";
    let script = Script::new([Act::Late(410, Duration::from_secs(5))]).at("corrected", [Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| {
        dispatcher.on_event(move |event| tell.lock().unwrap().push(event.clone()))
    })
    .await;
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(1)).await;
    let mut changed = running.endpoint("ep").await;
    changed.url = corrected.to_owned();
    running.outbox.store().put_endpoint_if_unchanged(&changed).await.unwrap();
    running.settled().await;
    running.enqueue("invoice.paid").await;
    running.settled().await;
    let ep = running.endpoint("ep").await;
    assert_eq!((ep.state, &*ep.url), (EndpointState::Enabled, corrected));
    assert_eq!(running.states().await, [DeliveryState::Dead, DeliveryState::Delivered]);
    let told = told.lock().unwrap().clone();
    assert!(matches!(told[..], [OperationalEvent::DeliveryExhausted { .. }]), "{told:?}");
    running.stop().await;
}

/// What is left alone for seconds is so by the store's clock, which a dispatcher's can be ahead of, or behind.
#[tokio::test(start_paused = true)]
async fn an_endpoint_is_left_alone_as_long_whatever_the_dispatchers_clock_says() {
    const HOUR: i64 = 3_600_000_000;
    for off in [-HOUR, HOUR] {
        let script = Script::new([Act::Answer(503), Act::Answer(200)]);
        let clock = clock();
        let store = MemoryOutbox::new().clock_micros(clock.clone());
        let running = start_over(store, &[endpoint("ep")], &script, |dispatcher| {
            dispatcher.clock_micros(move || clock() + off)
        })
        .await;
        running.enqueue("invoice.paid").await;
        running.settled().await;
        let waited = script.times()[1] - script.times()[0];
        assert!((5..10).contains(&waited.as_secs()), "{waited:?}");
        running.stop().await;
    }
}
