//! What becomes of events.

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use countersign_inbox::{HandlerError, InboxEvent, InboxWorker};
use countersign_store::InboxStore;
use tokio::time::Instant;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn every_event_is_handled_once() {
    let (inbox, rows) = inbox();
    accept(&inbox, 100).await;
    let seen = Seen::default();
    let noting = seen.clone();
    let worker = start(InboxWorker::new(inbox.clone(), move |event: InboxEvent| {
        noting.note(&event);
        async move {
            #[derive(serde::Deserialize)]
            struct Invoice {
                amount: u64,
            }
            let invoice: Invoice = event.data()?;
            assert_eq!(
                (invoice.amount, event.event_type(), event.source()),
                (42, Some("invoice.paid"), "billing")
            );
            assert_eq!((event.header("X-Shop"), event.header("x-other")), (Some("acme"), None));
            assert_eq!(event.target(), Some("/in?order=42"));
            Ok(())
        }
    }));
    until(|| rows.done() == 100).await;
    worker.stop().await;
    assert_eq!(seen.counts(), [1; 100]);
    assert_eq!(inbox.depth().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_this_process_is_not_waited_for() {
    let (inbox, rows) = inbox();
    let slow = InboxWorker::new(inbox.clone(), |_: InboxEvent| async { Ok(()) });
    let worker = start(slow.poll_interval(Duration::from_secs(3600)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    accept(&inbox, 1).await;
    until(|| rows.done() == 1).await;
    assert!(started.elapsed() < Duration::from_secs(1));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_later_and_later() {
    let (inbox, rows) = inbox();
    accept(&inbox, 1).await;
    let seen = Seen::default();
    let noting = seen.clone();
    let worker = start(InboxWorker::new(inbox, move |event: InboxEvent| {
        let times = noting.note(&event);
        assert_eq!(event.attempt(), times);
        async move { if times < 4 { Err(io::Error::other("the ledger is closed"))? } else { Ok(()) } }
    }));
    let started = Instant::now();
    until(|| rows.done() == 1).await;
    // 1, 2 and 4 seconds, each at least half of that.
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(3500) && waited <= Duration::from_secs(9), "{waited:?}");
    assert_eq!(seen.counts(), [4]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_say_when_or_that_there_is_no_use() {
    let (inbox, rows) = inbox();
    accept(&inbox, 2).await;
    let seen = Seen::default();
    let noting = seen.clone();
    let worker = start(InboxWorker::new(inbox.clone(), move |event: InboxEvent| {
        let times = noting.note(&event);
        async move {
            match (event.key(), times) {
                ("evt_0", _) => Err(HandlerError::dead("nobody knows this customer")),
                (_, 1) => Err(HandlerError::retry_after(Duration::from_secs(600), "the ledger says so")),
                _ => Ok(()),
            }
        }
    }));
    tokio::time::sleep(Duration::from_secs(599)).await;
    assert_eq!((seen.times("evt_0"), seen.times("evt_1"), rows.done()), (1, 1, 0));
    until(|| rows.done() == 1).await;
    let dead = inbox.dead(0, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "nobody knows this customer"));
    worker.stop().await;
}

/// No number is rounded on its way, and no reason shows what stands in the body.
#[tokio::test(start_paused = true)]
async fn data_that_the_handler_cant_read_is_dead_at_once_and_the_letter_says_where_and_why() {
    const MALFORMED: &str = "malformed_body: the body is authentic, but isn't the JSON that was asked for: ";
    const TWICE: &str = "duplicate_key: the body is authentic, but an object in it holds one key twice: ";
    let (inbox, rows) = inbox();
    for (key, body) in [
        ("as agreed", r#"{"data":{"amount":18446744073709551617}}"#),
        ("text", r#"{"data":{"amount":"canary"}}"#),
        ("no data", r#"{"canary":1}"#),
        ("twice", r#"{"data":{"amount":1,"amount":2}}"#),
    ] {
        let mut received = event(key);
        received.body = body.into();
        inbox.accept(&received).await.unwrap();
    }
    let worker = start(InboxWorker::new(inbox.clone(), |event: InboxEvent| async move {
        let data: BTreeMap<String, u128> = event.data()?;
        assert_eq!(data["amount"], 18_446_744_073_709_551_617);
        Ok(())
    }));
    until(|| rows.done() == 1).await;
    let dead = inbox.dead(0, 10).await.unwrap();
    let dead = dead.iter().map(|letter| (letter.attempts, letter.reason.clone())).collect::<Vec<_>>();
    let expected = [
        format!("{MALFORMED}invalid number in /data, line 1 column 19"),
        format!("{MALFORMED}nothing stands at /data"),
        format!("{TWICE}the second at line 1 column 28"),
    ];
    assert_eq!(dead, expected.map(|reason| (1, reason)));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_handler_that_takes_too_long_are_failures() {
    let (inbox, rows) = inbox();
    accept(&inbox, 2).await;
    let seen = Seen::default();
    let noting = seen.clone();
    let worker = InboxWorker::new(inbox, move |event: InboxEvent| {
        let times = noting.note(&event);
        async move {
            match (event.key(), times) {
                ("evt_0", 1) => panic!("a handler that panics, as this test wants"),
                ("evt_1", 1) => std::future::pending().await,
                _ => Ok(()),
            }
        }
    });
    let worker = start(worker.handler_timeout(Duration::from_secs(5)));
    until(|| rows.done() == 2).await;
    assert_eq!(seen.counts(), [2, 2]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_each_time_ends_as_a_dead_letter_and_can_be_put_back() {
    let (inbox, rows) = inbox();
    accept(&inbox, 1).await;
    let failures = std::sync::Arc::new(AtomicUsize::new(3));
    let left = failures.clone();
    let worker = InboxWorker::new(inbox.clone(), move |_: InboxEvent| {
        let fails = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        async move { if fails { Err(HandlerError::retry("the ledger is closed")) } else { Ok(()) } }
    });
    let worker = start(worker.max_attempts(3));
    until(|| failures.load(Ordering::SeqCst) == 0).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let dead = inbox.dead(0, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].attempts, rows.done()), (1, 3, 0));
    assert!(inbox.requeue(dead[0].id).await.unwrap());
    until(|| rows.done() == 1).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_ends_its_worker_each_time_ends_as_a_dead_letter() {
    let (inbox, rows) = inbox();
    accept(&inbox, 1).await;
    // Three workers that died with the event in hand.
    for _ in 0..3 {
        assert_eq!(inbox.lease(1, Duration::from_secs(1)).await.unwrap().len(), 1);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let never = |_: InboxEvent| async { panic!("it isn't to be tried again") };
    let worker = start(InboxWorker::new(inbox.clone(), never).max_attempts(3));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let dead = inbox.dead(0, 10).await.unwrap();
    assert_eq!((dead.len(), rows.attempts(1)), (1, 4));
    assert!(dead[0].reason.contains("ended without a result"), "{}", dead[0].reason);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_handlers_run_at_once_than_are_allowed() {
    let (inbox, rows) = inbox();
    accept(&inbox, 40).await;
    let (now, most) = (std::sync::Arc::new(AtomicUsize::new(0)), std::sync::Arc::new(AtomicUsize::new(0)));
    let (running, highest) = (now.clone(), most.clone());
    let worker = InboxWorker::new(inbox, move |_: InboxEvent| {
        let (running, highest) = (running.clone(), highest.clone());
        async move {
            highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let started = Instant::now();
    let worker = start(worker.concurrency(4));
    until(|| rows.done() == 40).await;
    assert_eq!(most.load(Ordering::SeqCst), 4);
    // Ten rounds of a second, and no poll interval in between.
    assert!(started.elapsed() < Duration::from_secs(11), "{:?}", started.elapsed());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn settings_without_end_are_no_panic() {
    let (inbox, rows) = inbox();
    accept(&inbox, 10).await;
    let worker = InboxWorker::new(inbox.clone(), |_: InboxEvent| async { Ok(()) });
    let worker = worker.handler_timeout(Duration::MAX).poll_interval(Duration::MAX).retention(Duration::MAX);
    let worker = start(worker.grace(Duration::MAX));
    until(|| rows.done() == 10).await;
    worker.stop().await;
}

/// Who forgets at once what was handled, handles a copy of the request again.
#[tokio::test]
async fn events_are_remembered_for_an_hour_at_least() {
    let shown = |retention| {
        let worker = InboxWorker::new(inbox().0, |_: InboxEvent| async { Ok(()) });
        format!("{:?}", worker.retention(retention))
    };
    assert!(shown(Duration::ZERO).contains("retention: 3600s"));
    assert!(shown(Duration::from_secs(7200)).contains("retention: 7200s"));
}

#[test]
fn an_error_in_a_box_becomes_a_reason_with_its_causes() {
    let reason = |error: HandlerError| format!("{error:?}");
    let refused = io::Error::other("connection refused");
    let cause = io::Error::other(refused);
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(cause);
    assert_eq!(reason(HandlerError::boxed(boxed)), "HandlerError(Retry: connection refused)");
    assert_eq!(reason(HandlerError::boxed("no ledger")), "HandlerError(Retry: no ledger)");
}
