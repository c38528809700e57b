//! Every decision is told: to the audit and to the metrics.

use std::{
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex},
};

use countersign::{ErrorKind, Key, Keyring, catalog};
use countersign_receive::{Decided, Receiver};
use countersign_store::MemoryStore;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::support::*;

type Told = (Decided, Option<u16>, Option<ErrorKind>, Option<String>);

fn audited() -> (Receiver<()>, Arc<Mutex<Vec<Told>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let record = told.clone();
    let receiver = receiver().idempotency(MemoryStore::new()).unwrap().audit(move |decision| {
        let id = decision.verified.and_then(|verified| Some(verified.event_id().ok()??.into_owned()));
        let kind = decision.error.map(|error| error.kind());
        record.lock().unwrap().push((decision.outcome, decision.status, kind, id));
    });
    (receiver, told)
}

async fn deliver_everything(receiver: &Receiver<()>) {
    handled(deliver(receiver, "msg_1").await).1.finish(200).await;
    answered(deliver(receiver, "msg_1").await);
    let (_, handling) = handled(deliver(receiver, "msg_2").await);
    answered(deliver(receiver, "msg_2").await);
    handling.finish(500).await;
    answered(deliver_with(receiver, &[], BODY).await);
    drop(handled(deliver(receiver, "msg_3").await));
}

#[tokio::test]
async fn the_audit_is_shown_every_decision() {
    let (receiver, told) = audited();
    deliver_everything(&receiver).await;
    let id = |id: &str| Some(id.to_owned());
    let expected: [Told; 6] = [
        (Decided::Accepted, None, None, id("msg_1")),
        (Decided::Duplicate, Some(200), None, id("msg_1")),
        (Decided::Accepted, None, None, id("msg_2")),
        (Decided::Refused, Some(409), Some(ErrorKind::InFlight), id("msg_2")),
        (Decided::Refused, Some(401), Some(ErrorKind::MissingHeader), None),
        (Decided::Accepted, None, None, id("msg_3")),
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn every_request_is_counted_under_labels_that_are_bounded() {
    let scheme = "scheme=standard-webhooks";
    assert_eq!(counted_by(&audited().0), counts_under(scheme));
    assert_eq!(
        counted_by(&audited().0.endpoint("billing")),
        counts_under(&format!("{scheme} endpoint=billing"))
    );
}

fn counts_under(labels: &str) -> [String; 8] {
    [
        format!("countersign_handled_total {labels} outcome=done 1"),
        format!("countersign_handled_total {labels} outcome=dropped 1"),
        format!("countersign_handled_total {labels} outcome=failed 1"),
        format!("countersign_receive_seconds {labels} 6"),
        format!("countersign_received_total {labels} outcome=accepted 3"),
        format!("countersign_received_total {labels} outcome=duplicate 1"),
        format!("countersign_received_total {labels} outcome=in_flight 1"),
        format!("countersign_received_total {labels} outcome=missing_header 1"),
    ]
}

fn counted_by(receiver: &Receiver<()>) -> Vec<String> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(deliver_everything(receiver));
    });
    let mut counted = Vec::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> =
            key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Histogram(samples) => samples.len() as u64,
            DebugValue::Gauge(_) => panic!("no gauge is expected"),
        };
        counted.push(format!("{} {} {value}", key.key().name(), labels.join(" ")));
    }
    counted.sort();
    counted
}

/// Whoever is attacked is to be told, though nobody is authentic.
#[tokio::test]
async fn the_audit_is_told_the_tenant_of_a_request_that_is_refused() {
    let key = Key::new("current", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let keys = Arc::new(Keyring::builder(scheme).key(key).tenant("acme").build().unwrap());
    let tenants = Arc::new(Mutex::new(Vec::new()));
    for known in [Some(keys), None] {
        let tenants = tenants.clone();
        let receiver = receiver().resolve_keys(move |()| ready(Ok::<_, Infallible>(known.clone())));
        let receiver =
            receiver.audit(move |decision| tenants.lock().unwrap().push(decision.tenant.map(str::to_owned)));
        answered(deliver_with(&receiver, &[], BODY).await);
    }
    assert_eq!(*tenants.lock().unwrap(), [Some("acme".to_owned()), None]);
}
