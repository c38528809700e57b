//! What becomes of an event when its handler fails, panics or is dropped.

use std::{
    cell::Cell,
    future::{Future, pending},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
};

use actix_web::{App, HttpResponse, dev::Service, http::StatusCode, test, web};
use countersign_actix::{InboxSettings, VerifiedBody, Webhooks};
use countersign_store::MemoryStore;

use crate::support::*;

fn once() -> (Webhooks, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    (webhooks().idempotency(store.clone()).unwrap(), store)
}

#[actix_web::test]
async fn an_event_is_handled_once_and_its_copies_get_the_recorded_status() {
    let (webhooks, _) = once();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let handler = move |_: VerifiedBody| {
        count.fetch_add(1, Ordering::Relaxed);
        async { HttpResponse::Accepted().finish() }
    };
    let app = App::new().service(web::resource("/").wrap(webhooks).to(handler));
    let app = test::init_service(app).await;
    for replayed in [None, Some("true"), Some("true")] {
        let response = test::call_service(&app, delivery("msg_1", BODY).to_request()).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let header = response.headers().get("idempotency-replayed").map(|value| value.to_str().unwrap());
        assert_eq!(header, replayed);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[actix_web::test]
async fn an_event_whose_handler_failed_comes_again() {
    let (webhooks, store) = once();
    let failed = Cell::new(false);
    let handler = move |_: VerifiedBody| {
        let status = if failed.replace(true) { 200 } else { 500 };
        async move { HttpResponse::new(StatusCode::from_u16(status).unwrap()) }
    };
    let handler = std::rc::Rc::new(handler);
    let handler = move |verified: VerifiedBody| handler(verified);
    let app = App::new().service(web::resource("/").wrap(webhooks).to(handler));
    let app = test::init_service(app).await;
    assert_eq!(answer(&app, delivery("msg_1", BODY)).await.0, 500);
    assert_eq!(store.len(), 0);
    assert_eq!(answer(&app, delivery("msg_1", BODY)).await.0, 200);
    assert_eq!(store.len(), 1);
}

#[actix_web::test]
async fn adv_62_an_event_whose_handler_is_dropped_is_given_back() {
    let (webhooks, store) = once();
    let app =
        App::new().service(web::resource("/").wrap(webhooks).to(|_: VerifiedBody| pending::<HttpResponse>()));
    let app = test::init_service(app).await;
    {
        let mut under_way = Box::pin(app.call(delivery("msg_1", BODY).to_request()));
        let mut context = Context::from_waker(Waker::noop());
        while store.is_empty() {
            assert!(under_way.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(answer(&app, delivery("msg_1", BODY)).await, (409, Some("in_flight")));
    }
    tokio::task::yield_now().await;
    assert_eq!(store.len(), 0);
}

#[actix_web::test]
async fn adv_62_an_event_whose_handler_panics_is_given_back() {
    let (webhooks, store) = once();
    let handler = |_: VerifiedBody| async {
        if true {
            panic!("a handler that panics, as this test wants");
        }
        HttpResponse::Ok().finish()
    };
    let app = App::new().service(web::resource("/").wrap(webhooks).to(handler));
    let app = std::rc::Rc::new(test::init_service(app).await);
    let call = tokio::task::LocalSet::new();
    let panicked = call.run_until(async {
        let app = app.clone();
        tokio::task::spawn_local(async move { app.call(delivery("msg_1", BODY).to_request()).await.is_ok() })
            .await
    });
    assert!(panicked.await.unwrap_err().is_panic());
    tokio::task::yield_now().await;
    assert_eq!(store.len(), 0);
}

#[actix_web::test]
async fn with_an_inbox_the_handler_is_not_called() {
    let webhooks = webhooks().inbox(InboxSettings::new(kept::Kept::default()));
    let app = App::new()
        .service(web::resource("/").wrap(webhooks).to(|| async { HttpResponse::ImATeapot().finish() }));
    let app = test::init_service(app).await;
    for _ in 0..2 {
        assert_eq!(answer(&app, delivery("msg_1", BODY)).await, (200, None));
    }
}

mod kept {
    use std::{sync::Mutex, time::Duration};

    use countersign_store::{
        Accepted, DeadLetter, InboxStore, Leased, Received, Settle, Settlement, StoreError,
    };

    /// Accepts, and does no more.
    #[derive(Default)]
    pub(super) struct Kept(Mutex<Vec<String>>);

    impl InboxStore for Kept {
        async fn accept(&self, received: &Received) -> Result<Accepted, StoreError> {
            let mut keys = self.0.lock().unwrap();
            if keys.contains(&received.key) {
                return Ok(Accepted::Duplicate);
            }
            keys.push(received.key.clone());
            Ok(Accepted::New)
        }

        async fn lease(&self, _: u32, _: Duration) -> Result<Vec<Leased>, StoreError> {
            Ok(Vec::new())
        }

        async fn settle(&self, _: &[Settle]) -> Result<Vec<Settlement>, StoreError> {
            Ok(Vec::new())
        }

        async fn requeue(&self, _: i64) -> Result<bool, StoreError> {
            Ok(false)
        }

        async fn dead(&self, _: i64, _: u32) -> Result<Vec<DeadLetter>, StoreError> {
            Ok(Vec::new())
        }

        async fn depth(&self) -> Result<u64, StoreError> {
            Ok(0)
        }

        async fn prune(&self, _: Duration) -> Result<u64, StoreError> {
            Ok(0)
        }
    }
}
