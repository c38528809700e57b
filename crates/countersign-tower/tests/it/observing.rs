//! What is logged and shown, and what never is.

use std::{cell::RefCell, io, sync::Once, time::Duration};

use bytes::Bytes;
use countersign::{Keyring, Message, Verifier, catalog, keyring::Key};
use countersign_store::{
    Accepted, DeadLetter, InboxStore, Leased, MemoryStore, Received, Settle, Settlement, StoreError,
};
use countersign_tower::{Rejection, WebhookBody};
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tracing::Level;

use crate::support::{NOW, layer_of, request, send, sign};

/// A secret, a body and what both make, none of which may ever be shown.
const CANARY_SECRET: &str = "canary-secret-0123456789";
const CANARY_BODY: &str = r#"{"id":"evt_1","type":"t","data":{"canary-body":1}}"#;

/// What this thread has logged. There is one subscriber for the whole process: where each test sets its
/// own, `tracing` may remember that nobody listens from the moment between two of them.
#[derive(Clone, Copy, Debug)]
struct Log;

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

static SUBSCRIBER: Once = Once::new();

impl Log {
    fn start() -> Log {
        SUBSCRIBER.call_once(|| {
            let subscriber = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false);
            tracing::subscriber::set_global_default(subscriber.with_writer(|| Log).finish()).unwrap();
        });
        LOGGED.take();
        Log
    }

    fn text(self) -> String {
        LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap())
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn keys() -> Keyring {
    let key = Key::new("2026-11", CANARY_SECRET);
    Keyring::builder(&catalog::STRIPE).key(key).tenant("acme").build().unwrap()
}

fn signed(now: i64) -> Vec<(String, String)> {
    sign(&catalog::STRIPE, keys(), &Message::new("evt_1", CANARY_BODY.as_bytes()), now)
}

fn layer() -> countersign_tower::WebhookLayer {
    layer_of(Verifier::builder(catalog::STRIPE).keys(keys()).build().unwrap())
}

#[tokio::test]
async fn the_log_says_who_and_why() {
    let log = Log::start();
    send(&layer(), request(&signed(NOW - 7), CANARY_BODY)).await;
    let verified = log.text();
    for field in
        ["scheme=\"stripe\"", "tenant=\"acme\"", "outcome=\"accepted\"", "key=\"2026-11\"", "age_s=7"]
    {
        assert!(verified.contains(field), "{field} in {verified}");
    }
    send(&layer(), request(&signed(NOW - 400), CANARY_BODY)).await;
    let refused = &log.text()[verified.len()..];
    for field in ["WARN", "outcome=\"timestamp_too_old\"", "age_s=400", "400 s old (limit 300 s)"] {
        assert!(refused.contains(field), "{field} in {refused}");
    }
}

#[tokio::test]
async fn an_event_that_comes_again_is_told_of_by_its_key() {
    let layer = layer().idempotency(MemoryStore::new()).unwrap();
    send(&layer, request(&signed(NOW), CANARY_BODY)).await;
    let log = Log::start();
    send(&layer, request(&signed(NOW), CANARY_BODY)).await;
    let told = log.text();
    for part in ["INFO", "webhook received again", "idempotency_key=stripe@acme/evt_1"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

/// An inbox that has given up every event.
struct GaveUp;

impl InboxStore for GaveUp {
    async fn accept(&self, _: &Received) -> Result<Accepted, StoreError> {
        Ok(Accepted::GivenUp)
    }

    async fn lease(&self, _: u32, _: Duration) -> Result<Vec<Leased>, StoreError> {
        unreachable!("a worker's")
    }

    async fn settle(&self, _: &[Settle]) -> Result<Vec<Settlement>, StoreError> {
        unreachable!("a worker's")
    }

    async fn requeue(&self, _: i64) -> Result<bool, StoreError> {
        unreachable!("an operator's")
    }

    async fn dead(&self, _: i64, _: u32) -> Result<Vec<DeadLetter>, StoreError> {
        unreachable!("an operator's")
    }

    async fn depth(&self) -> Result<u64, StoreError> {
        unreachable!("an operator's")
    }

    async fn prune(&self, _: Duration) -> Result<u64, StoreError> {
        unreachable!("a worker's")
    }
}

#[tokio::test]
async fn an_event_that_was_given_up_and_comes_again_is_warned_of() {
    let log = Log::start();
    let (response, _) = send(&layer().inbox(GaveUp), request(&signed(NOW), CANARY_BODY)).await;
    assert_eq!(response.status(), 200);
    let told = log.text();
    for part in ["WARN", "that was given up", "idempotency_key=stripe@acme/evt_1", "outcome=\"duplicate\""] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

/// Sends a request to a handler that logs a line and gives `answer`, and shows what is logged by then.
async fn log_of_handler(body: &str, answer: Result<u16, &'static str>) -> String {
    let log = Log::start();
    let handler = move |_: Request<Full<Bytes>>| async move {
        tracing::info!("booking");
        answer.map(|status| Response::builder().status(status).body(Full::<Bytes>::default()).unwrap())
    };
    let headers = sign(&catalog::STRIPE, keys(), &Message::new("", body.as_bytes()), NOW);
    let handled = layer().layer(service_fn(handler)).oneshot(request(&headers, body.to_owned())).await;
    assert_eq!(handled.is_ok(), answer.is_ok());
    log.text()
}

#[tokio::test]
async fn what_a_handler_logs_says_which_event_it_is_about() {
    let log = log_of_handler(CANARY_BODY, Ok(200)).await;
    let booking = log.lines().find(|line| line.ends_with("booking")).unwrap();
    for field in ["webhook.receive{scheme=\"stripe\"", "event_id=\"evt_1\"", "tenant=\"acme\""] {
        assert_eq!(booking.matches(field).count(), 1, "{field} in {booking}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_is_told_of() {
    for (answer, said) in [
        (Ok(500), "webhook not handled: it may come again status=500"),
        (Err("no ledger"), "webhook not handled: the handler failed, panicked or was dropped"),
    ] {
        let log = log_of_handler(CANARY_BODY, answer).await;
        let told = log.lines().find(|line| line.contains(said)).unwrap_or_else(|| panic!("{log}"));
        assert!(told.contains("WARN") && told.contains("event_id=\"evt_1\""), "{told}");
    }
}

#[tokio::test]
async fn no_line_grows_with_an_id_or_a_type() {
    let body = format!(r#"{{"id":"{}","type":"{}"}}"#, "i".repeat(100_000), "é".repeat(100_000));
    let log = log_of_handler(&body, Ok(500)).await;
    assert!(log.contains(&"i".repeat(255)) && log.contains(&"é".repeat(255)));
    assert!(log.lines().all(|line| line.len() < 2000), "{}", log.len());
}

#[tokio::test]
async fn adv_47_nothing_that_is_secret_is_logged_or_shown() {
    let log = Log::start();
    let good = signed(NOW);
    let tag = good[0].1.split("v1=").nth(1).unwrap().to_owned();
    let layer = layer();
    let mut shown = format!("{layer:?} {layer:#?}");
    for (headers, body) in [
        (good.clone(), CANARY_BODY),
        (good.clone(), "{\"canary-body\":2}"),
        (signed(NOW - 9000), CANARY_BODY),
        (Vec::new(), CANARY_BODY),
    ] {
        let (response, calls) = send(&layer, request(&headers, body)).await;
        shown.push_str(&format!("{:?} {response:?}", response.extensions().get::<Rejection>()));
        if let Some(rejection) = response.extensions().get::<Rejection>() {
            shown.push_str(&format!("{rejection} {} {}", rejection.error(), rejection.kind()));
        }
        if calls.count() > 0 {
            shown.push_str(&format!("{:?} {:#?}", calls.last().verified, calls.last().verified));
        }
    }
    shown.push_str(&format!("{:?}", WebhookBody::<()>::from(Bytes::from(CANARY_BODY))));
    let service = layer.layer(());
    shown.push_str(&format!("{service:?} {service:#?}"));
    shown.push_str(&log.text());
    for canary in [CANARY_SECRET, "canary", tag.as_str(), &tag[..16]] {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
    assert!(shown.contains("webhook verified") && shown.contains("webhook refused"));
}
