//! What is old is forgotten as fast as it comes.

use std::{future::pending, time::Duration};

use countersign_dispatch::{Dispatcher, Outbox};
use countersign_sql::SqliteStore;
use countersign_store::outbox::{MessageFilter, NewMessage, OutboxStore, Page};
use tokio::time::{sleep, timeout};

use crate::support::{transport, unix_micros};

const OLD: usize = 3_500;
const FORTY_DAYS: i64 = 40 * 86_400 * 1_000_000;

/// More than a call forgets, within a fraction of the minute in which the dispatcher keeps house once.
#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_forgets_as_many_messages_as_are_old() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("outbox.db")).await.unwrap();
    let past = store.clone().clock_micros(|| unix_micros() - FORTY_DAYS);
    past.enqueue(&vec![NewMessage::new("invoice.paid", "{}"); OLD]).await.unwrap();
    let kept = store.enqueue(&[NewMessage::new("invoice.paid", "{}")]).await.unwrap().remove(0).id;
    let dispatcher = Dispatcher::new(Outbox::new(store.clone()), transport().build().unwrap());
    let running = tokio::spawn(dispatcher.run(pending()));
    let page = Page { after: None, limit: 2 };
    let only_one_is_left = async {
        while store.messages(&MessageFilter::default(), &page).await.unwrap().len() > 1 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), only_one_is_left).await.unwrap();
    assert!(store.message(&kept).await.unwrap().is_some());
    running.abort();
}
