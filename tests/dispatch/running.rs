//! Dispatchers of the test's own process, and waiting for what they do.

use std::time::Duration;

use countersign_dispatch::{Dispatcher, Outbox, Schedule};
use countersign_store::outbox::{Delivery, DeliveryFilter, DeliveryState, OutboxStore, Page};
use countersign_transport::Transport;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// A dispatcher that runs, and the way to stop it.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start<S: OutboxStore>(dispatcher: Dispatcher<S>) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let run = dispatcher.run(async move {
            let _ = stopped.await;
        });
        Running { stop, task: tokio::spawn(run) }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Ends it as if its process had died.
    pub(crate) fn die(self) {
        self.task.abort();
    }
}

/// A dispatcher of the tests' haste, which tries once more after a moment.
pub(crate) fn dispatcher<S: OutboxStore>(outbox: &Outbox<S>, transport: Transport) -> Dispatcher<S> {
    Dispatcher::new(outbox.clone(), transport)
        .schedule(Schedule::new([Duration::from_millis(100)]))
        .poll_interval(Duration::from_millis(50))
}

/// Waits until a condition holds, for a minute at most.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), waiting).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// Every delivery of a store, the oldest first.
pub(crate) async fn deliveries(store: &impl OutboxStore) -> Vec<Delivery> {
    let mut all = store.deliveries(&DeliveryFilter::default(), &Page::default()).await.unwrap();
    all.reverse();
    all
}

/// Waits until every delivery has arrived or is given up.
pub(crate) async fn until_settled(store: &impl OutboxStore) {
    until("every delivery is settled", || async {
        deliveries(store).await.iter().all(|delivery| is_settled(delivery.state))
    })
    .await;
}

fn is_settled(state: DeliveryState) -> bool {
    !matches!(state, DeliveryState::Pending | DeliveryState::Leased)
}
