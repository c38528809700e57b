//! Over real sockets: our client, a real axum receiver with our layer, and the same scheme.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use countersign::{Keyring, Message, Scheme, Signer, Verifier, catalog};
use countersign_axum::{VerifiedBody, WebhookLayer};
use countersign_dispatch::{Dispatcher, Outbox, Request, Schedule};
use countersign_receive::Idempotency;
use countersign_store::{
    MemoryStore,
    outbox::{DeliveryFilter, DeliveryState, Endpoint, MemoryOutbox, NewMessage, OutboxStore, Page},
};
use countersign_transport::{Policy, Transport};
use tokio::{net::TcpListener, time::sleep};

use crate::support::{BODY, OTHER, SECRET, dispatch, key};

type Seen = Arc<Mutex<Vec<String>>>;

/// Refuses the first of each event, handles the second.
async fn handler(State(seen): State<Seen>, verified: VerifiedBody) -> StatusCode {
    let key = verified.idempotency_key().as_str().to_owned();
    let mut seen = seen.lock().unwrap();
    seen.push(key.clone());
    match seen.iter().filter(|other| **other == key).count() {
        1 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    }
}

#[tokio::test]
async fn what_is_enqueued_arrives_verified_and_is_handled_once_it_is_handled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let schemes =
        [catalog::STANDARD_WEBHOOKS, catalog::STRIPE, catalog::GITHUB, catalog::IPTVBP, catalog::SQUARE];
    let app = schemes.iter().fold(Router::new(), |app, scheme| route(app, &origin, scheme));
    let app = app.with_state(seen.clone());
    tokio::spawn(async { axum::serve(listener, app).await });

    let outbox = Outbox::new(MemoryOutbox::new());
    for scheme in &schemes {
        let mut endpoint =
            Endpoint::new(scheme.name.as_ref(), format!("{origin}/{}", scheme.name), scheme.name.as_ref());
        endpoint.keys.push(key("current", SECRET));
        outbox.store().put_endpoint(&endpoint).await.unwrap();
    }
    let dispatcher =
        Dispatcher::new(outbox.clone(), transport()).schedule(Schedule::new([Duration::from_millis(50); 5]));
    let (stop, task) = dispatch(dispatcher.poll_interval(Duration::from_millis(20)));
    let body = format!(r#"{{"id":"evt_1","event_id":"evt_1",{}"#, &BODY[1..]);
    outbox.enqueue(&[NewMessage::new("invoice.paid", body)]).await.unwrap();

    let all = Page { after: None, limit: 100 };
    for _ in 0..1000 {
        let deliveries = outbox.store().deliveries(&DeliveryFilter::default(), &all).await.unwrap();
        if deliveries.iter().all(|delivery| delivery.state == DeliveryState::Delivered) {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    stop.send(()).unwrap();
    task.await.unwrap();
    for delivery in outbox.store().deliveries(&DeliveryFilter::default(), &all).await.unwrap() {
        let attempts = outbox.store().attempts(delivery.id, &Page::default()).await.unwrap();
        let statuses: Vec<_> = attempts.iter().rev().map(|attempt| attempt.status).collect();
        assert_eq!(statuses, [Some(503), Some(200)], "{}", delivery.endpoint_id);
    }
    assert_eq!(seen.lock().unwrap().len(), 2 * schemes.len());
}

/// Some write one header with both signatures, some a header for each key, one the same header twice.
#[tokio::test]
async fn while_two_keys_sign_both_signatures_arrive_whatever_the_scheme() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let arrived = Arc::<Mutex<HeaderMap>>::default();
    let seen = arrived.clone();
    let app = Router::new().fallback(async move |headers: HeaderMap| *seen.lock().unwrap() = headers);
    tokio::spawn(async { axum::serve(listener, app).await });

    let transport = transport();
    // Some allow no secret that is shorter than this.
    let secrets = [SECRET, OTHER].map(|secret| format!("{secret}{}", &secret["whsec_".len()..]));
    for scheme in catalog::ALL.iter().filter(|scheme| scheme.holds_several_signatures()) {
        let signer = Signer::new(scheme, Keyring::new(scheme, &secrets).unwrap()).unwrap();
        let message = Message { url: &url, ..Message::new("evt_1", BODY.as_bytes()) };
        let headers = signer.sign(&message, 1_700_000_000).unwrap().headers;
        let request = Request { url: url.clone(), headers, custom: Vec::new(), body: BODY.into() };
        let answer = countersign_dispatch::Transport::send(&transport, request.clone()).await;
        assert_eq!(answer.map(|answer| answer.status), Ok(200), "{}", scheme.name);
        let arrived = arrived.lock().unwrap();
        for (name, _) in &request.headers {
            let is_it = |(other, _): &&(String, String)| other == name;
            let sent = request.headers.iter().filter(is_it).map(|(_, value)| value.as_str());
            let values = arrived.get_all(name).iter().map(|value| value.to_str().unwrap());
            assert!(sent.eq(values), "{}: {name}", scheme.name);
        }
    }
}

/// A transport to this machine.
fn transport() -> Transport {
    let policy =
        Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse().unwrap());
    Transport::builder().policy(policy).build().unwrap()
}

fn route(app: Router<Seen>, origin: &str, scheme: &Scheme) -> Router<Seen> {
    let keys = Keyring::new(scheme, [SECRET]).unwrap();
    let path = format!("/{}", scheme.name);
    let verifier =
        Verifier::builder(scheme.clone()).keys(keys).public_url(format!("{origin}{path}")).build().unwrap();
    let week = Duration::from_secs(7 * 86_400);
    let once = Idempotency::new(MemoryStore::new()).ttl(week);
    app.route(&path, post(handler).layer(WebhookLayer::new(verifier).idempotency(once).unwrap()))
}
