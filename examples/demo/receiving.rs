//! Receiving: a receiver that verifies, and a client that sends it good requests, changed ones, forged ones
//! and old ones, by eight schemes.

use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Router, body::Bytes, extract::State, http::Request, response::Response, routing::post};
use countersign::{Keyring, Message, Scheme, Signer, Verifier, catalog, scheme::Source};
use countersign_axum::{Rejection, VerifiedBody, WebhookLayer};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tokio::net::TcpListener;

use crate::{Result, report::Report};

/// Plays it, and says what happened.
pub(crate) async fn play() -> Result<Report> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let log = Log::default();
    let app = receiver(&origin, &log)?;
    tokio::spawn(async { axum::serve(listener, app).await });

    let mut demo = Demo::new(origin, log)?;
    for provider in providers() {
        demo.play(&provider).await?;
    }
    demo.play_handshake().await?;
    Ok(demo.report)
}

/// Whose webhooks are sent.
struct Provider {
    scheme: Scheme,
    keys: Keys,
    kind: &'static str,
    body: &'static str,
}

/// The keys of those who take part.
#[derive(Clone, Copy)]
struct Keys {
    receiver: &'static str,
    sender: &'static str,
    forger: &'static str,
}

const TEXT: Keys = Keys {
    receiver: "a secret of the demo",
    sender: "a secret of the demo",
    forger: "what somebody guessed",
};
const BASE64: Keys = Keys {
    receiver: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    sender: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    forger: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
/// The receiver has the public key alone. Both seeds are test vectors of RFC 8032.
const ED25519: Keys = Keys {
    receiver: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    sender: "seed_9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    forger: "seed_4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
};

fn providers() -> [Provider; 8] {
    let of = |scheme, keys, kind, body| Provider { scheme, keys, kind, body };
    [
        of(catalog::IPTVBP, TEXT, "", r#"{"id":"evt_1","type":"payment.received","data":{"paid":42}}"#),
        of(
            catalog::STRIPE,
            TEXT,
            "",
            r#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"paid":42}}}"#,
        ),
        of(catalog::STANDARD_WEBHOOKS, BASE64, "", r#"{"type":"user.created","data":{"number":42}}"#),
        of(catalog::GITHUB, TEXT, "push", r#"{"size":42}"#),
        of(catalog::SLACK, TEXT, "", r#"{"event_id":"Ev1","event":{"type":"app_mention","text":"42"}}"#),
        of(catalog::SHOPIFY, TEXT, "orders/create", r#"{"total":42}"#),
        of(catalog::SQUARE, TEXT, "", r#"{"event_id":"e1","type":"payment.updated","data":{"paid":42}}"#),
        of(catalog::DISCORD, ED25519, "", r#"{"id":"77","type":2,"data":{"sides":42}}"#),
    ]
}

// The receiver.

/// What the receiver logs about the request that it answers.
#[derive(Default)]
struct Entry {
    handler_ran: bool,
    says: String,
}

type Log = Arc<Mutex<Entry>>;

/// A route for each provider, behind a layer of its scheme.
fn receiver(origin: &str, log: &Log) -> Result<Router> {
    let mut app = Router::new();
    for Provider { scheme, keys, .. } in providers() {
        let path = format!("/{}", scheme.name);
        let keys = Keyring::new(&scheme, [keys.receiver])?;
        let verifier = Verifier::builder(scheme).keys(keys).public_url(format!("{origin}{path}")).build()?;
        app = app.route(&path, post(handler).layer(WebhookLayer::new(verifier)));
    }
    let log_refusals = axum::middleware::map_response_with_state(log.clone(), log_refusal);
    Ok(app.with_state(log.clone()).layer(log_refusals))
}

/// Runs for verified events alone. One that acts would act once for each idempotency key.
async fn handler(State(log): State<Log>, verified: VerifiedBody) {
    let kind = verified.event_type().ok().flatten().unwrap_or_default();
    let says = format!("{kind}, key {}", verified.idempotency_key());
    *log.lock().expect("nobody panics with the log in hand") = Entry { handler_ran: true, says };
}

/// Logs what the sender isn't told: why it was refused.
async fn log_refusal(State(log): State<Log>, response: Response) -> Response {
    if let Some(rejection) = response.extensions().get::<Rejection>() {
        log.lock().expect("nobody panics with the log in hand").says = rejection.kind().to_string();
    }
    response
}

// The client.

type Headers = Vec<(String, String)>;

struct Demo {
    client: Client<HttpConnector, Full<Bytes>>,
    origin: String,
    log: Log,
    now: i64,
    report: Report,
}

/// What should become of a request: the status, whether the handler runs, and what is said of it.
type Expected<'a> = (u16, bool, &'a str);

const FORGED: Expected<'_> = (401, false, "no_matching_signature");

impl Demo {
    fn new(origin: String, log: Log) -> Result<Self> {
        let client = Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let columns = ["scheme", "request", "status", "handler", "what the receiver logs or answers"];
        let mut report = Report::new("requests", columns);
        report.note("* The scheme signs no time. What protects is to handle each idempotency key once.");
        Ok(Demo { client, origin, log, now, report })
    }

    /// Sends what a provider sends, and what somebody in its place could.
    async fn play(&mut self, provider: &Provider) -> Result {
        let Provider { scheme, keys, body, .. } = provider;
        let good = self.sign(provider, keys.sender, self.now - 20)?;
        let forged = self.sign(provider, keys.forger, self.now)?;
        let stale = self.sign(provider, keys.sender, self.now - 600)?;
        let again = self.sign(provider, keys.sender, self.now)?;
        let mut bare = good.clone();
        bare.retain(|(name, _)| !matches!(&scheme.signature.source, Source::Header(own) if own == name));
        let changed = body.replace("42", "43");

        let event = self.send(scheme, "good", &good, body, (200, true, "")).await?;
        // Each time the same event must be known by the same key.
        let (same, too_old) = ((200, true, &*event), (401, false, "timestamp_too_old"));
        self.send(scheme, "one byte of the body changed", &good, &changed, FORGED).await?;
        self.send(scheme, "signed with another secret", &forged, body, FORGED).await?;
        match scheme.timestamp {
            Some(_) => self.send(scheme, "10 minutes old", &stale, body, too_old).await?,
            None => self.send(scheme, "10 minutes old, no signed time *", &stale, body, same).await?,
        };
        self.send(scheme, "no signature", &bare, body, (401, false, "missing_header")).await?;
        self.send(scheme, "second delivery of the event", &again, body, same).await?;
        Ok(())
    }

    /// Slack's test of an endpoint, which the layer answers itself.
    async fn play_handshake(&mut self) -> Result {
        let body = r#"{"type":"url_verification","challenge":"3eZbrw1aB"}"#;
        let slack = Provider { scheme: catalog::SLACK, keys: TEXT, kind: "", body };
        let good = self.sign(&slack, TEXT.sender, self.now)?;
        let forged = self.sign(&slack, TEXT.forger, self.now)?;
        let answered = (200, false, "3eZbrw1aB");
        self.send(&slack.scheme, "handshake", &good, body, answered).await?;
        self.send(&slack.scheme, "handshake, another secret", &forged, body, FORGED).await?;
        Ok(())
    }

    /// The headers of the provider's event, signed at `time` by whoever has `secret`.
    fn sign(&self, provider: &Provider, secret: &str, time: i64) -> Result<Headers> {
        let Provider { scheme, kind, body, .. } = provider;
        let url = format!("{}/{}", self.origin, scheme.name);
        let message = Message { event_type: Some(kind), url: &url, ..Message::new("msg_1", body.as_bytes()) };
        Ok(Signer::new(scheme, Keyring::new(scheme, [secret])?)?.sign(&message, time)?.headers)
    }

    /// Sends a request, compares what became of it with `expected`, and gives what the receiver said.
    async fn send(
        &mut self,
        scheme: &Scheme,
        name: &str,
        headers: &Headers,
        body: &str,
        expected: Expected<'_>,
    ) -> Result<String> {
        let request = Request::post(format!("{}/{}", self.origin, scheme.name));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let response = self.client.request(request.body(Full::from(body.to_owned()))?).await?;
        let status = response.status().as_u16();
        let answer = String::from_utf8(response.into_body().collect().await?.to_bytes().into())?;
        let mut entry = std::mem::take(&mut *self.log.lock().expect("nobody panics with the log in hand"));
        entry.says += &answer;
        let right = (status, entry.handler_ran) == (expected.0, expected.1)
            && (expected.2.is_empty() || entry.says == expected.2);
        let ran = if entry.handler_ran { "ran" } else { "-" };
        let says = format!("{:.48}", entry.says);
        self.report.row(right, [&*scheme.name, name, &status.to_string(), ran, &says]);
        Ok(entry.says)
    }
}
