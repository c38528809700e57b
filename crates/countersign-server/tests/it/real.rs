//! Over real sockets: the API, a dispatcher, and a receiver that verifies.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, extract::State, http::StatusCode, routing::post};
use countersign::{Keyring, Verifier, catalog};
use countersign_axum::{VerifiedBody, WebhookLayer};
use countersign_dispatch::{Dispatcher, Sealer};
use countersign_transport::Transport;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::sleep};

use crate::support::{Api, api_with, local, request};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const SEALING_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What a receiver has seen: each event's id and type; and what it answers.
#[derive(Clone)]
struct Receiver {
    seen: Arc<Mutex<Vec<(String, String)>>>,
    answers: StatusCode,
}

async fn receive(State(receiver): State<Receiver>, verified: VerifiedBody) -> StatusCode {
    let id = verified.idempotency_key().id().to_owned();
    let kind = verified.event_type().unwrap().unwrap().into_owned();
    receiver.seen.lock().unwrap().push((id, kind));
    receiver.answers
}

/// Starts a receiver, and gives its URL.
async fn receiver(answers: StatusCode) -> (String, Receiver) {
    let receiver = Receiver { seen: Arc::default(), answers };
    let scheme = catalog::STANDARD_WEBHOOKS;
    let keys = Keyring::new(&scheme, [SECRET]).unwrap();
    let layer = WebhookLayer::new(Verifier::builder(scheme).keys(keys).build().unwrap());
    let app = Router::new().route("/hook", post(receive).layer(layer)).with_state(receiver.clone());
    (format!("{}/hook", serve(app).await), receiver)
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    origin
}

fn transport() -> Transport {
    Transport::builder().policy(local()).build().unwrap()
}

/// A server that may call the loopback, and seals its secrets.
fn local_api() -> Api {
    let sealer = Sealer::new([SEALING_KEY]).unwrap();
    api_with(|server| server.policy(local()).sealer(sealer))
}

fn dispatch(api: &Api) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let sealer = Sealer::new([SEALING_KEY]).unwrap();
    let dispatcher = Dispatcher::new(api.outbox.clone(), transport()).sealer(sealer);
    let (stop, stopped) = oneshot::channel();
    // What is asked for is sent because the dispatcher is woken.
    let run = dispatcher.poll_interval(Duration::from_secs(3600)).run(async move {
        stopped.await.ok();
    });
    (stop, tokio::spawn(run))
}

/// Asks until the answer is what is wanted, for ten seconds at most.
async fn until(api: &Api, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..500 {
        let answer = api.get(&api.keys.a, path).await.json();
        if is(&answer) {
            return answer;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} is not what was waited for: {}", api.get(&api.keys.a, path).await.text);
}

#[tokio::test]
async fn what_is_asked_for_over_http_is_sealed_signed_delivered_and_delivered_again() {
    let (url, receiver) = receiver(StatusCode::OK).await;
    let api = local_api();
    let (stop, task) = dispatch(&api);
    let origin = serve(api.router.clone()).await;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let call = async |method: &str, path: &str, body: Option<Value>| {
        let response =
            client.request(request(&api.keys.a, method, &format!("{origin}{path}"), body)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(Body::new(body), 1 << 20).await.unwrap();
        (parts.status, serde_json::from_slice::<Value>(&body).unwrap())
    };

    let draft = json!({ "url": url, "secret": SECRET, "events": ["invoice.*"] });
    let (status, endpoint) = call("POST", "/api/v1/endpoints", Some(draft)).await;
    assert_eq!(status, StatusCode::CREATED, "{endpoint}");
    let payload = json!({ "type": "invoice.paid", "data": { "amount": 42 } });
    let message = json!({ "type": "invoice.paid", "payload": payload });
    let (status, message) = call("POST", "/api/v1/messages", Some(message)).await;
    assert_eq!((status, &message["deliveries"]), (StatusCode::CREATED, &json!(1)));
    until(&api, "/api/v1/deliveries/1", |delivery| delivery["status"] == "delivered").await;

    let (status, _) = call("POST", "/api/v1/deliveries/1/redeliver", None).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    until(&api, "/api/v1/deliveries/1", |delivery| {
        delivery["attempts"] == 2 && delivery["status"] == "delivered"
    })
    .await;
    let event = (message["id"].as_str().unwrap().to_owned(), "invoice.paid".to_owned());
    assert_eq!(*receiver.seen.lock().unwrap(), [event.clone(), event]);

    let path = format!("/api/v1/endpoints/{}", endpoint["id"].as_str().unwrap());
    call("POST", &format!("{path}/disable"), None).await;
    let message = json!({ "type": "invoice.paid", "payload": payload });
    call("POST", "/api/v1/messages", Some(message)).await;
    call("POST", &format!("{path}/enable"), None).await;
    until(&api, "/api/v1/deliveries/2", |delivery| delivery["status"] == "delivered").await;

    let (_, attempts) = call("GET", "/api/v1/deliveries/1/attempts", None).await;
    let attempts = attempts["items"].as_array().unwrap();
    assert!(attempts.iter().all(|attempt| attempt["status"] == 200 && attempt["error"].is_null()));
    let (_, stats) = call("GET", "/api/v1/stats/activity", None).await;
    assert_eq!((&stats["items"][0]["succeeded"], &stats["items"][0]["failed"]), (&json!(3), &json!(0)));
    stop.send(()).unwrap();
    task.await.unwrap();
}

async fn endpoint_at(api: &Api, url: &str) -> String {
    let draft = json!({ "url": url, "secret": SECRET, "events": ["invoice.paid"] });
    let made = api.post(&api.keys.a, "/api/v1/endpoints", draft).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    format!("/api/v1/endpoints/{}", made.json()["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_test_goes_to_one_endpoint_whatever_it_wants_and_is_in_its_history() {
    let (url, receiver) = receiver(StatusCode::OK).await;
    let api = local_api();
    let (stop, task) = dispatch(&api);
    let (path, other) = (endpoint_at(&api, &url).await, endpoint_at(&api, &url).await);
    for (body, kind) in [(None, "test.webhook"), (Some(json!({ "type": "invoice.paid" })), "invoice.paid")] {
        let tested = api.call(&api.keys.a, "POST", &format!("{path}/test"), body).await;
        assert_eq!(
            (tested.status, &tested.json()["type"]),
            (StatusCode::ACCEPTED, &json!(kind)),
            "{}",
            tested.text
        );
        let delivery = format!("/api/v1/deliveries/{}", tested.json()["id"]);
        until(&api, &delivery, |delivery| delivery["status"] == "delivered").await;
        let message = tested.json()["message"].as_str().unwrap().to_owned();
        assert_eq!(receiver.seen.lock().unwrap().last(), Some(&(message, kind.to_owned())));
        assert_eq!(api.audited.lock().unwrap().last().unwrap().1, "endpoint.tested");
    }
    let of = async |path: &str| {
        let endpoint = path.rsplit('/').next().unwrap();
        let listed = api.get(&api.keys.a, &format!("/api/v1/deliveries?endpoint={endpoint}")).await;
        listed.json()["items"].as_array().unwrap().len()
    };
    assert_eq!((of(&path).await, of(&other).await), (2, 0));
    stop.send(()).unwrap();
    task.await.unwrap();
}

#[tokio::test]
async fn a_test_that_fails_says_why_and_a_disabled_endpoint_is_given_none() {
    let api = local_api();
    let (stop, task) = dispatch(&api);
    let path = endpoint_at(&api, "http://127.0.0.1:9/hook").await;
    let tested = api.call(&api.keys.a, "POST", &format!("{path}/test"), None).await.json();
    let delivery = format!("/api/v1/deliveries/{}", tested["id"]);
    let failed = until(&api, &delivery, |delivery| delivery["last_error"].is_string()).await;
    assert!(failed["last_error"].as_str().unwrap().starts_with("connect"), "{failed}");
    api.call(&api.keys.a, "POST", &format!("{path}/disable"), None).await;
    let tested = api.call(&api.keys.a, "POST", &format!("{path}/test"), None).await;
    assert_eq!((tested.status, tested.problem().as_str()), (StatusCode::CONFLICT, "conflict"));
    stop.send(()).unwrap();
    task.await.unwrap();
}
