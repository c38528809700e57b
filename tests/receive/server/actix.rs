//! The middleware and the extractors in actix-web's own server.

use std::{
    net::TcpListener,
    sync::{Arc, mpsc},
    thread,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::StatusCode,
    middleware::Condition,
    rt::System,
    web::{self, Data, Payload},
};
use countersign_actix::{VerifiedBody, Webhooks};
use countersign_store::MemoryStore;

use super::Stop;
use crate::{endpoint::Endpoint, handler::Handler};

/// actix has a system of its own, so each server has a thread of its own.
pub(super) fn serve(
    listener: TcpListener,
    endpoint: &Endpoint,
    store: &Arc<MemoryStore>,
    handler: Handler,
) -> Stop {
    let (endpoint, store) = (endpoint.clone(), store.clone());
    let (started, starting) = mpsc::channel();
    thread::spawn(move || {
        System::new().block_on(async move {
            let app = move || {
                let webhooks = Webhooks::from(endpoint.receiver(store.clone(), HttpRequest::path));
                let around = endpoint.around(store.clone(), HttpRequest::path).map(Webhooks::from);
                let (is_around, around) = (around.is_some(), around.unwrap_or_else(|| webhooks.clone()));
                App::new()
                    .app_data(Data::new(handler.clone()))
                    .wrap(webhooks)
                    .wrap(Condition::new(is_around, around))
                    .default_service(web::to(handle))
            };
            let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
            started.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let server = starting.recv().unwrap();
    // The command is sent at once; what it returns only waits.
    Stop::new(move || drop(server.stop(false)))
}

/// Takes the payload, because `Bytes` would inflate it.
async fn handle(handler: Data<Handler>, verified: VerifiedBody, body: Payload) -> HttpResponse {
    let body = body.to_bytes().await.unwrap();
    assert_eq!(verified.bytes(), &body);
    HttpResponse::new(StatusCode::from_u16(handler.handle(body).await).unwrap())
}
