//! Requests a second through axum over real sockets: a handler by hand against the layer.
//!
//! The server has one core and the load generator the other. All receivers run in turns, a short
//! round each, and what is compared is the median of the rounds' ratios.
//!
//! `cargo bench -p countersign-benches --bench axum`

use std::{
    error::Error,
    fs, io,
    net::{SocketAddr, TcpListener as StdListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use countersign::{Keyring, Message, Signer, Verifier, catalog};
use countersign_axum::{VerifiedBody, Webhook, WebhookLayer};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::JoinSet,
};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const SIZES: [usize; 2] = [1024, 64 * 1024];
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 25;
const ROUND: Duration = Duration::from_millis(400);

/// What is measured: a path, what stands behind it, and the place of the receiver that it is
/// compared with.
const RECEIVERS: [(&str, &str, usize); 5] = [
    ("/bare", "nothing verified, body read", 1),
    ("/hand", "by hand: Bytes, hmac, hex, subtle", 1),
    ("/layer", "WebhookLayer, VerifiedBody", 1),
    ("/hand-json", "by hand, then serde_json", 3),
    ("/webhook", "WebhookLayer, Webhook<T>", 3),
];

/// What a receiver did in one round.
#[derive(Clone, Copy)]
struct Round {
    /// Requests a second.
    rate: f64,
    /// Seconds that the server's thread was running, a request.
    cpu: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.trim_end());
    let server = start_server()?;
    pin("1");
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["body", "receiver", "requests/s", "CPU a request", "against", "ratio (middle half)"]);
    for size in SIZES {
        let rounds = measure(&runtime, &server, &body(size))?;
        for place in 0..RECEIVERS.len() {
            table.add_row(row(size, &rounds, place));
        }
    }
    for column in [2, 3] {
        table.column_mut(column).expect("six columns").set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    Ok(())
}

/// All rounds of all receivers, in turns; each round begins with another of them.
fn measure(runtime: &Runtime, server: &Server, body: &str) -> Result<Vec<[Round; 5]>, Box<dyn Error>> {
    let requests = RECEIVERS.map(|(path, ..)| request(path, body));
    let mut rounds = Vec::new();
    // The first round warms up and isn't counted.
    for number in 0..=ROUNDS {
        let mut round = [Round { rate: 0.0, cpu: 0.0 }; RECEIVERS.len()];
        for turn in 0..RECEIVERS.len() {
            let place = (number + turn) % RECEIVERS.len();
            round[place] = runtime.block_on(run(server, &requests[place]))?;
        }
        rounds.push(round);
    }
    rounds.remove(0);
    Ok(rounds)
}

fn row(size: usize, rounds: &[[Round; 5]], place: usize) -> [String; 6] {
    let (_, name, baseline) = RECEIVERS[place];
    let rate = median(rounds.iter().map(|round| round[place].rate));
    let cpu = median(rounds.iter().map(|round| round[place].cpu));
    let ratios = sorted(rounds.iter().map(|round| round[place].rate / round[baseline].rate));
    let (low, middle, high) = (ratios[ROUNDS / 4], ratios[ROUNDS / 2], ratios[ROUNDS * 3 / 4]);
    [
        format!("{} KiB", size / 1024),
        name.to_owned(),
        format!("{rate:.0}"),
        format!("{:.2} µs", cpu * 1e6),
        RECEIVERS[baseline].0.to_owned(),
        format!("{middle:.3} ({low:.3} to {high:.3})"),
    ]
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    sorted(values)[ROUNDS / 2]
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

// The load generator.

/// Sends `request` over all connections, each as fast as it is answered.
async fn run(server: &Server, request: &Arc<[u8]>) -> Result<Round, Box<dyn Error>> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let (started, cpu) = (Instant::now(), server.cpu_seconds());
    let mut clients = JoinSet::new();
    for stream in streams {
        clients.spawn(client(stream, request.clone(), started + ROUND));
    }
    let mut answered = 0.0;
    while let Some(count) = clients.join_next().await {
        answered += f64::from(count??);
    }
    let cpu = (server.cpu_seconds() - cpu) / answered;
    Ok(Round { rate: answered / started.elapsed().as_secs_f64(), cpu })
}

/// How many requests were answered until then. Every one must be answered 200, without a body.
async fn client(mut stream: TcpStream, request: Arc<[u8]>, until: Instant) -> io::Result<u32> {
    let mut answer = [0; 1024];
    let mut answered = 0;
    while Instant::now() < until {
        stream.write_all(&request).await?;
        let mut length = 0;
        while !answer[..length].ends_with(b"\r\n\r\n") {
            match stream.read(&mut answer[length..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => length += more,
            }
        }
        if !answer.starts_with(b"HTTP/1.1 200") {
            return Err(io::Error::other(String::from_utf8_lossy(&answer[..length])));
        }
        answered += 1;
    }
    Ok(answered)
}

/// An event of Stripe's form, of many small members as real ones are, of `size` bytes.
fn body(size: usize) -> String {
    let mut body =
        r#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"object":"invoice","lines":["#.to_owned();
    let tail = r#""end"]}}}"#;
    for line in 1.. {
        let item = format!(r#"{{"id":"il_{line:06}","amount":4200,"currency":"eur","paid":true}},"#);
        if body.len() + item.len() + tail.len() > size {
            break;
        }
        body += &item;
    }
    body += &" ".repeat(size - body.len() - tail.len());
    body + tail
}

/// A signed request as it goes over the wire.
fn request(path: &str, body: &str) -> Arc<[u8]> {
    let keys = Keyring::new(&catalog::STRIPE, [SECRET]).expect("a secret");
    let signer = Signer::new(&catalog::STRIPE, keys).expect("a signer");
    let signed = signer.sign(&Message::new("evt_1", body.as_bytes()), unix_seconds()).expect("signed");
    let (name, value) = &signed.headers[0];
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: hooks.example.com\r\nuser-agent: Stripe/1.0\r\naccept: */*\r\n\
         content-type: application/json; charset=utf-8\r\ncontent-length: {length}\r\n{name}: {value}\r\n\r\n"
    );
    (head + body).into_bytes().into()
}

// The server.

struct Server {
    address: SocketAddr,
    /// Where Linux says how long the server's thread has been running.
    statistics: PathBuf,
}

impl Server {
    /// How long its thread has been running; not a number where there is no way to know.
    fn cpu_seconds(&self) -> f64 {
        let text = fs::read_to_string(&self.statistics).unwrap_or_default();
        text.split(' ').next().and_then(|text| text.parse().ok()).map_or(f64::NAN, |nanos: f64| nanos / 1e9)
    }
}

/// Starts the server in a thread of its own, on the first core.
fn start_server() -> Result<Server, Box<dyn Error>> {
    let listener = StdListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let app = app()?;
    let (say, hear) = mpsc::channel();
    thread::spawn(move || {
        say.send(pin("0").join("schedstat")).expect("main listens");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await.expect("it serves until the process ends");
        });
    });
    Ok(Server { address, statistics: hear.recv()? })
}

/// Keeps the current thread on a core; where there is no `taskset`, it goes where the kernel puts it.
/// Gives the thread's folder in `/proc`.
fn pin(core: &str) -> PathBuf {
    let thread = Path::new("/proc").join(fs::read_link("/proc/thread-self").unwrap_or_default());
    let id = thread.file_name().unwrap_or_default();
    let pinned = Command::new("taskset").args(["-p", "-c", core]).arg(id).stdout(Stdio::null()).status();
    if !pinned.is_ok_and(|status| status.success()) {
        eprintln!("taskset failed: server and load generator may share a core");
    }
    thread
}

fn app() -> Result<Router, Box<dyn Error>> {
    let keys = Keyring::new(&catalog::STRIPE, [SECRET])?;
    let layer = WebhookLayer::new(Verifier::builder(catalog::STRIPE).keys(keys).build()?);
    let layered = Router::new()
        .route("/layer", post(async |_: VerifiedBody| StatusCode::OK))
        .route("/webhook", post(async |Webhook(event): Webhook<Object>| found(&event.data)))
        .route_layer(layer);
    let app = Router::new()
        .route("/bare", post(async |_: Bytes| StatusCode::OK))
        .route("/hand", post(by_hand))
        .route("/hand-json", post(by_hand_json))
        .with_state(ByHand(Hmac::new_from_slice(SECRET.as_bytes())?));
    Ok(app.merge(layered))
}

fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("a time")
}

// What a careful person writes by hand.

/// The part of the event's data that a handler may want.
#[derive(Deserialize)]
struct Object {
    object: String,
}

#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Clone)]
struct ByHand(Hmac<Sha256>);

impl ByHand {
    /// Whether Stripe signed `body` not long ago.
    fn accepts(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        self.check(headers, body).unwrap_or(false)
    }

    fn check(&self, headers: &HeaderMap, body: &[u8]) -> Option<bool> {
        let header = headers.get("stripe-signature")?.to_str().ok()?;
        let mut time = None;
        let mut signatures = Vec::new();
        for item in header.split(',') {
            match item.split_once('=')? {
                ("t", value) => time = Some(value),
                ("v1", value) => signatures.push(hex::decode(value).ok()?),
                _ => {}
            }
        }
        let time = time?;
        if (unix_seconds() - time.parse::<i64>().ok()?).abs() > 300 {
            return None;
        }
        let mac = self.0.clone().chain_update(time).chain_update(b".").chain_update(body);
        let expected = mac.finalize().into_bytes();
        Some(signatures.iter().any(|signature| bool::from(expected.as_slice().ct_eq(signature))))
    }
}

async fn by_hand(State(stripe): State<ByHand>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if stripe.accepts(&headers, &body) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

async fn by_hand_json(State(stripe): State<ByHand>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !stripe.accepts(&headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    serde_json::from_slice(&body).map_or(StatusCode::BAD_REQUEST, |event: Event| found(&event.data.object))
}

fn found(object: &Object) -> StatusCode {
    if object.object == "invoice" { StatusCode::OK } else { StatusCode::NOT_FOUND }
}
