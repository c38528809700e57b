//! F12: a sender that is told to stop; and shutdowns that ask the store themselves.

use std::time::{Duration, Instant};

use countersign_dispatch::{Dispatcher, Outbox};
use countersign_inbox::{HandlerError, Inbox, InboxEvent, InboxWorker};
use countersign_sql::SqliteStore;
use countersign_store::{InboxStore, Received, outbox::OutboxStore};
use tokio::time::{sleep, timeout};

use crate::{
    outcome::Outcome,
    process::{self, Process},
    receiver::Receiver,
    sender::{Sender, Work, message},
    support::{Chance, all_settled, endpoint, times, transport},
};

/// Far below the grace of 30 seconds, and far above what a stop takes.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn f12_a_sender_that_is_told_to_stop_loses_nothing_and_sends_nothing_twice() {
    if let Some(sender) = process::part::<Sender>() {
        return sender.run().await;
    }
    let stops = times("STOPS", 20);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhooks.db");
    let receiver = Receiver::start(Duration::from_millis(20)).await;
    let test = "stopped::f12_a_sender_that_is_told_to_stop_loses_nothing_and_sends_nothing_twice";
    let (mut acknowledged, mut longest) = (Vec::new(), Duration::ZERO);
    let mut chance = Chance(0x5eed);
    let mut sender =
        Sender { file: file.clone(), url: receiver.url(), number: 0, work: Work::Load, crash: None };
    for number in 0..stops {
        sender.number = number;
        let mut process = Process::start(test, &sender);
        assert_eq!(process.tells().await.as_deref(), Some("ready"));
        sleep(chance.millis(50, 300)).await;
        let told = Instant::now();
        process.terminate().await;
        let (status, ids) = process.ended().await;
        longest = longest.max(told.elapsed());
        assert!(status.success(), "{status}");
        acknowledged.extend(ids);
    }
    sender.work = Work::Drain;
    assert!(Process::start(test, &sender).ended().await.0.success());

    let outcome = Outcome::read(&file, receiver.arrived()).await;
    println!(
        "F12: {stops} stops, {} messages acknowledged, {} lost, {} duplicates, the longest stop took {longest:.1?}",
        acknowledged.len(),
        outcome.lost().len(),
        outcome.duplicates()
    );
    outcome.check(&acknowledged);
    assert_eq!(outcome.duplicates(), 0);
    assert!(longest < SOON, "{longest:?}");
    assert!(acknowledged.len() >= stops, "too little was sent to say anything");
}

#[tokio::test]
async fn a_dispatcher_whose_shutdown_asks_the_store_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::new(SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap());
    let receiver = Receiver::start(Duration::ZERO).await;
    outbox.store().put_endpoint(&endpoint("ep", receiver.url())).await.unwrap();
    outbox.enqueue(&[message("msg_1")]).await.unwrap();
    let dispatcher = Dispatcher::new(outbox.clone(), transport().build().unwrap());
    timeout(SOON, dispatcher.run(all_settled(outbox.store()))).await.unwrap();
    assert_eq!(receiver.arrived().len(), 1);
}

#[tokio::test]
async fn a_worker_whose_shutdown_asks_the_store_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap();
    store.accept(&Received::new("evt_1", "stripe", "{}")).await.unwrap();
    let worker = InboxWorker::new(Inbox::new(store.clone()), handled);
    let nothing_is_left = async {
        while InboxStore::depth(&store).await.unwrap() > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, worker.run(nothing_is_left)).await.unwrap();
    assert_eq!(InboxStore::depth(&store).await.unwrap(), 0);
}

async fn handled(_: InboxEvent) -> Result<(), HandlerError> {
    Ok(())
}
