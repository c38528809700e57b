//! What is measured: the metrics of the crate's page, all of them and no others.

use std::{collections::BTreeMap, future::Future, time::Duration};

use countersign_dispatch::Schedule;
use countersign_store::outbox::{NewMessage, OutboxStore};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tokio::{runtime::Builder, time::sleep};

use crate::support::*;

/// The metrics of a test on one thread, in its own time where it is `paused`: names and labels with counts,
/// numbers of samples, or levels.
pub(crate) fn measured(paused: bool, test: impl Future<Output = ()>) -> BTreeMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        Builder::new_current_thread().enable_all().start_paused(paused).build().unwrap().block_on(test);
    });
    let all = snapshotter.snapshot().into_vec().into_iter();
    let all = all.map(|(key, _, _, value)| {
        let labels = key.key().labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let name = format!("{}{}", key.key().name(), labels.collect::<String>());
        (name, number(&value))
    });
    all.collect()
}

fn number(value: &DebugValue) -> f64 {
    match value {
        DebugValue::Counter(count) => f64::from(u32::try_from(*count).unwrap()),
        DebugValue::Histogram(samples) => f64::from(u32::try_from(samples.len()).unwrap()),
        DebugValue::Gauge(level) => level.into_inner(),
    }
}

#[test]
fn messages_attempts_and_what_waits_are_measured() {
    let metrics = measured(true, async {
        let script = Script::new([Act::Answer(500)]).at("well", [Act::Answer(200)]);
        let mut waits = endpoint("waits");
        waits.limits.in_flight = 0;
        let running = start(&[endpoint("bad"), endpoint("well"), waits], &script, |dispatcher| {
            dispatcher.schedule(Schedule::new([Duration::from_secs(1)]))
        })
        .await;
        let mut message = NewMessage::new("invoice.paid", BODY);
        message.idempotency_key = Some("once".to_owned());
        for _ in 0..3 {
            running.outbox.enqueue(std::slice::from_ref(&message)).await.unwrap();
        }
        // By then the house was kept once, after the first minute, with one delivery left.
        sleep(Duration::from_secs(90)).await;
        assert_eq!(running.outbox.store().depth().await.unwrap().pending, 1);
        running.stop().await;
    });
    let oldest = metrics["countersign_outbox_oldest_due_seconds"];
    assert!((59.0..=63.0).contains(&oldest), "{oldest}");
    let others = metrics.into_iter().filter(|(name, _)| !name.contains("oldest"));
    let expected = [
        ("countersign_attempt_seconds", 3.0),
        ("countersign_attempts_total outcome=dead", 1.0),
        ("countersign_attempts_total outcome=delivered", 1.0),
        ("countersign_attempts_total outcome=retry", 1.0),
        ("countersign_messages_total duplicate=false", 1.0),
        ("countersign_messages_total duplicate=true", 2.0),
        ("countersign_outbox_depth", 1.0),
    ];
    assert_eq!(others.collect::<Vec<_>>(), expected.map(|(name, value)| (name.to_owned(), value)));
}
