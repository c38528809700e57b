//! Dispatchers that stop, or share an outbox.

use std::{sync::atomic::Ordering, time::Duration};

use countersign_dispatch::Dispatcher;
use countersign_store::outbox::{DeliveryFilter, DeliveryState, NewMessage, OutboxStore, Page};
use tokio::time::{Instant, sleep, timeout};

use crate::{faulty::Faulty, support::*};

#[tokio::test(start_paused = true)]
async fn f12_what_is_under_way_is_waited_for_and_nothing_is_sent_twice() {
    let script = Script::new([Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| dispatcher).await;
    for _ in 0..100 {
        running.enqueue("invoice.paid").await;
    }
    let outbox = running.outbox.clone();
    running.stop().await;
    let (stop, task) = dispatch(Dispatcher::new(outbox.clone(), script.clone()).clock_micros(clock()));
    while outbox.store().next_due().await.unwrap().is_some() {
        sleep(Duration::from_millis(100)).await;
    }
    stop.send(()).unwrap();
    task.await.unwrap();
    assert_eq!(script.sent().len(), 100);
}

/// Whoever stops the process may kill it before the last attempt has ended.
#[tokio::test(start_paused = true)]
async fn what_has_ended_is_settled_while_others_are_waited_for() {
    let script = Script::new([Act::Late(200, Duration::from_secs(2))]).at("//slow.", [Act::Hang]);
    let running = start(&[endpoint("slow"), endpoint("quick")], &script, |d| d.grace(DAY)).await;
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(1)).await;
    let (outbox, stopping) = (running.outbox.clone(), tokio::spawn(running.stop()));
    sleep(Duration::from_secs(2)).await;
    let all = outbox.store().deliveries(&DeliveryFilter::default(), &Page::default()).await.unwrap();
    let settled = all.iter().filter(|delivery| delivery.state == DeliveryState::Delivered).count();
    assert_eq!((all.len(), settled, stopping.is_finished()), (2, 1, false));
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_is_broken_off_after_the_grace_and_made_again() {
    let script = Script::new([Act::Hang, Act::Answer(200)]);
    let running = start(&[endpoint("ep")], &script, |d| {
        d.grace(Duration::from_secs(2)).attempt_timeout(Duration::from_secs(60))
    })
    .await;
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(1)).await;
    let (outbox, started) = (running.outbox.clone(), Instant::now());
    running.stop().await;
    assert_eq!(started.elapsed().as_secs(), 2);
    assert_eq!(outbox.store().attempts(1, &Page::default()).await.unwrap().len(), 0);
    // The clock of the store begins with the test, and its lease ends by itself.
    sleep(Duration::from_secs(120)).await;
    assert_eq!(outbox.store().claim(1, Duration::from_secs(1)).await.unwrap()[0].attempt, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dispatcher_stops_while_its_store_does_not_answer() {
    let (store, script) = (Faulty::default(), Script::new([Act::Answer(200)]));
    let hangs = store.hangs.clone();
    let running = start_over(store, &[], &script, |d| d.grace(Duration::from_secs(1))).await;
    hangs.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(60)).await;
    assert!(timeout(Duration::from_secs(15), running.stop()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_grace_without_end_waits_for_every_attempt() {
    let script = Script::new([Act::Late(200, Duration::from_secs(20))]);
    let running = start(&[endpoint("ep")], &script, |dispatcher| dispatcher.grace(Duration::MAX)).await;
    running.enqueue("invoice.paid").await;
    sleep(Duration::from_secs(1)).await;
    let outbox = running.outbox.clone();
    running.stop().await;
    let all = outbox.store().deliveries(&DeliveryFilter::default(), &Page::default()).await.unwrap();
    assert_eq!(all[0].state, DeliveryState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn adv_90_dispatchers_that_share_an_outbox_make_each_delivery_once() {
    let script = Script::new([Act::Answer(200)]);
    let endpoints: Vec<_> = (0..10).map(|number| endpoint(&format!("ep{number}"))).collect();
    let running = start(&endpoints, &script, |dispatcher| dispatcher.concurrency(7)).await;
    let others: Vec<_> = (0..7)
        .map(|_| {
            let dispatcher = Dispatcher::new(running.outbox.clone(), script.clone()).concurrency(7);
            dispatch(dispatcher.poll_interval(Duration::from_millis(10)))
        })
        .collect();
    let messages: Vec<_> = (0..100).map(|_| NewMessage::new("invoice.paid", BODY)).collect();
    running.outbox.enqueue(&messages).await.unwrap();
    running.settled_looking_every(Duration::from_millis(100)).await;
    assert_eq!(running.states().await, [DeliveryState::Delivered; 1000]);
    assert_eq!(script.sent().len(), 1000);
    for (stop, task) in others {
        stop.send(()).unwrap();
        task.await.unwrap();
    }
    running.stop().await;
}
