//! Events that wait to be mailed, and the task that sends them.

use std::{fmt, sync::Arc, time::Duration};

use countersign_store::outbox::{DeliveryFilter, DeliveryState, OutboxStore};
use tokio::{
    select,
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tracing::{Instrument, debug, error, error_span};

use super::{
    Mailer, count,
    letter::{Facts, Letter},
    quiet::Quiet,
};
use crate::{OperationalEvent, Outbox};

/// Postbox of a [`Mailer`]: takes events, and mails them one after the other.
///
/// Where it is dropped in place of being stopped, what waits is still sent, as long as the runtime runs.
pub struct Postbox {
    queue: mpsc::Sender<OperationalEvent>,
    quiet: Arc<Quiet>,
    stop: Arc<Notify>,
    worker: JoinHandle<()>,
    grace: Duration,
}

impl Postbox {
    pub(super) fn open<S: OutboxStore>(mailer: Mailer, outbox: Outbox<S>) -> Self {
        let (queue, waiting) = mpsc::channel(mailer.room);
        let (quiet, grace) = (Arc::new(Quiet::new(mailer.quiet)), mailer.grace);
        let stop = Arc::new(Notify::new());
        let worker = tokio::spawn(work(mailer, outbox, waiting, stop.clone()));
        Postbox { queue, quiet, stop, worker, grace }
    }

    /// What the dispatcher tells its events to, by [`on_event`](crate::Dispatcher::on_event). It doesn't
    /// wait: an event for which there is no room is logged, counted, and not mailed.
    pub fn handler(&self) -> impl Fn(&OperationalEvent) + Send + Sync + use<> + 'static {
        let (queue, quiet) = (self.queue.clone(), self.quiet.clone());
        move |event| post(&queue, &quiet, event)
    }

    /// Takes no more events, and waits until those that are there are mailed, for the grace at most.
    pub async fn stop(mut self) {
        self.stop.notify_one();
        if timeout(self.grace, &mut self.worker).await.is_ok() {
            return;
        }
        self.worker.abort();
        let left = 1 + self.queue.max_capacity() - self.queue.capacity();
        (0..left).for_each(|_| count("dropped"));
        error!(target: "countersign", events = left, "mails were not sent: there was no more time");
    }
}

impl fmt::Debug for Postbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postbox").field("room", &self.queue.capacity()).finish_non_exhaustive()
    }
}

fn post(queue: &mpsc::Sender<OperationalEvent>, quiet: &Quiet, event: &OperationalEvent) {
    let (kind, endpoint) = (event.event_type(), &*event.endpoint().id);
    let Ok(room) = queue.try_reserve() else {
        count("dropped");
        return error!(target: "countersign", kind, endpoint, "an event is not mailed: there is no room");
    };
    if !quiet.is_new(event) {
        count("held");
        return debug!(target: "countersign", kind, endpoint, "an event is not mailed: another was lately");
    }
    room.send(event.clone());
}

async fn work<S: OutboxStore>(
    mailer: Mailer,
    outbox: Outbox<S>,
    mut waiting: mpsc::Receiver<OperationalEvent>,
    stop: Arc<Notify>,
) {
    loop {
        let event = select! {
            biased;
            () = stop.notified() => {
                waiting.close();
                continue;
            }
            event = waiting.recv() => event,
        };
        let Some(event) = event else { return };
        let (kind, endpoint) = (event.event_type(), &*event.endpoint().id);
        let span = error_span!(target: "countersign", "webhook.mail", event_type = kind, endpoint);
        let send = async { mailer.send(Letter::of(&event, facts(&mailer, &outbox, endpoint).await)).await };
        send.instrument(span).await;
    }
}

/// What a letter tells of the event's endpoint. Where the store doesn't answer in time, it goes without.
async fn facts<S: OutboxStore>(mailer: &Mailer, outbox: &Outbox<S>, endpoint: &str) -> Facts {
    let counted = async {
        Facts {
            waiting: number(outbox, endpoint, DeliveryState::Pending).await,
            given_up: number(outbox, endpoint, DeliveryState::Dead).await,
        }
    };
    timeout(mailer.timeout, counted).await.unwrap_or_default()
}

async fn number<S: OutboxStore>(outbox: &Outbox<S>, endpoint: &str, state: DeliveryState) -> Option<u64> {
    let mut filter = DeliveryFilter::default();
    (filter.endpoint_id, filter.state) = (Some(endpoint.to_owned()), Some(state));
    outbox.store().count(&filter).await.ok()
}
