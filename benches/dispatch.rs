//! Deliveries: how many a second, at what cost, beside a bare client that posts the same signed bodies.
//!
//! Everything is recorded as it is in earnest: SQLite flushes each commit, each attempt is a row. The sink is a
//! process of its own on the same machine, and its time is not counted. PostgreSQL is measured where
//! `COUNTERSIGN_TEST_POSTGRES` names a server: `scripts/services run scripts/bench --bench dispatch`.

#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a benchmark that can't go on must end")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use countersign::{Keyring, Message, Signer, catalog};
use countersign_dispatch::{Dispatcher, Outbox, Request, Response, SendError};
use countersign_sql::{PgStore, SqliteStore};
use countersign_store::outbox::{Endpoint, EndpointKey, NewMessage, OutboxStore};
use countersign_transport::{Policy, Transport};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// How many are delivered in a round.
const DELIVERIES: usize = 20_000;
const AT_ONCE: usize = 256;
const BATCH: usize = 100;
/// How many each task enqueues one by one.
const ONE_BY_ONE: usize = 300;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match env::var_os(SINK) {
        Some(_) => runtime.block_on(sink()),
        None => runtime.block_on(measure()),
    }
}

async fn measure() {
    let sink = Sink::start();
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "outbox",
        "endpoints",
        "enqueued a second",
        "delivered a second",
        "CPU a delivery",
        "bare client",
        "ratio",
        "resident",
    ]);
    for endpoints in [1, 1_000] {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("outbox.db")).await.unwrap();
        let figures = deliver(&[store], &sink, endpoints).await;
        table.add_row(figures.row("SQLite", endpoints, bare(&sink).await));
    }
    match env::var("COUNTERSIGN_TEST_POSTGRES") {
        Ok(url) => {
            for endpoints in [1, 1_000] {
                let workers = [postgres(&url).await, postgres(&url).await];
                let figures = deliver(&workers, &sink, endpoints).await;
                table.add_row(figures.row("PostgreSQL, two workers", endpoints, bare(&sink).await));
            }
        }
        Err(_) => println!("PostgreSQL is left out: COUNTERSIGN_TEST_POSTGRES names no server"),
    }
    println!("{table}");
    println!(
        "{DELIVERIES} deliveries of 512 bytes a round, {AT_ONCE} at once; enqueued in batches of {BATCH}"
    );
    println!("CPU: of this process alone, user and system, microseconds");
    for callers in [1, 64] {
        println!(
            "enqueued one by one on SQLite by {callers} tasks: {:.0} a second",
            one_by_one(callers).await
        );
    }
    waiting(&sink).await;
}

/// What a round has found.
struct Figures {
    enqueued: f64,
    delivered: f64,
    cpu: f64,
}

impl Figures {
    fn row(&self, outbox: &str, endpoints: usize, bare: f64) -> [String; 8] {
        [
            outbox.to_owned(),
            endpoints.to_string(),
            format!("{:.0}", self.enqueued),
            format!("{:.0}", self.delivered),
            format!("{:.1}", self.cpu * 1e6),
            format!("{:.1}", bare * 1e6),
            format!("{:.2}", self.cpu / bare),
            format!("{:.0} MiB", resident()),
        ]
    }
}

/// Enqueues a round's messages in the first outbox, and has all of them deliver.
async fn deliver<S: OutboxStore + Clone>(stores: &[S], sink: &Sink, endpoints: usize) -> Figures {
    let store = &stores[0];
    add_endpoints(store, sink, endpoints).await;
    let enqueued = enqueue(store, DELIVERIES, endpoints).await;
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let (mut dispatchers, sent) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for store in stores {
        let outbox = Outbox::new(store.clone());
        let transport = Counted { transport: transport(), sent: sent.clone() };
        let settled = all_settled(outbox.clone(), sent.clone());
        dispatchers
            .spawn(Dispatcher::new(outbox, transport).concurrency(AT_ONCE / stores.len()).run(settled));
    }
    dispatchers.join_all().await;
    let count = DELIVERIES as f64;
    Figures { enqueued, delivered: count / began.elapsed().as_secs_f64(), cpu: (cpu_seconds() - cpu) / count }
}

async fn add_endpoints(store: &impl OutboxStore, sink: &Sink, count: usize) {
    for number in 0..count {
        let mut endpoint =
            Endpoint::new(id(number), format!("{}/{number}", sink.origin), "standard-webhooks");
        endpoint.events = vec![id(number)];
        endpoint.limits.in_flight = if count == 1 { 1_000 } else { 10 };
        let (label, secret) = ("1".to_owned(), SECRET.to_owned());
        endpoint.keys.push(EndpointKey::new(label, secret));
        store.put_endpoint(&endpoint).await.unwrap();
    }
}

fn id(number: usize) -> String {
    format!("endpoint{number}")
}

/// Enqueues messages, one for an endpoint in turn, and says how many a second.
async fn enqueue(store: &impl OutboxStore, count: usize, endpoints: usize) -> f64 {
    let (began, body) = (Instant::now(), Bytes::from(body()));
    for batch in 0..count / BATCH {
        let message = |number: usize| NewMessage::new(id((batch * BATCH + number) % endpoints), body.clone());
        let messages: Vec<_> = (0..BATCH).map(message).collect();
        store.enqueue(&messages).await.unwrap();
    }
    count as f64 / began.elapsed().as_secs_f64()
}

/// Has tasks enqueue messages one by one at the same time, each with its commit, and says how many a second.
async fn one_by_one(callers: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("outbox.db")).await.unwrap();
    store.put_endpoint(&Endpoint::new(id(0), "https://example.com", "standard-webhooks")).await.unwrap();
    let (began, body) = (Instant::now(), Bytes::from(body()));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (store, message) = (store.clone(), NewMessage::new(id(0), body.clone()));
        tasks.spawn(async move {
            for _ in 0..ONE_BY_ONE {
                store.enqueue(std::slice::from_ref(&message)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    (callers * ONE_BY_ONE) as f64 / began.elapsed().as_secs_f64()
}

fn body() -> String {
    format!(r#"{{"type":"invoice.paid","data":"{:0>470}"}}"#, 42)
}

/// Waits until a round is sent and settled. The store isn't asked before, which would cost it a part of its time.
async fn all_settled<S: OutboxStore>(outbox: Outbox<S>, sent: Arc<AtomicUsize>) {
    while sent.load(Ordering::Relaxed) < DELIVERIES || !matches!(outbox.store().next_due().await, Ok(None)) {
        sleep(Duration::from_millis(10)).await;
    }
}

/// A transport that counts what is answered.
struct Counted {
    transport: Transport,
    sent: Arc<AtomicUsize>,
}

impl countersign_dispatch::Transport for Counted {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let answered = countersign_dispatch::Transport::send(&self.transport, request).await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        answered
    }
}

fn transport() -> Transport {
    let policy =
        Policy::new().allow_http().allow_ports(1..=u16::MAX).allow_network("127.0.0.0/8".parse().unwrap());
    Transport::builder().policy(policy).max_idle_per_host(AT_ONCE).build().unwrap()
}

/// Posts the same bodies with hyper's client, signed before, and says how long a request keeps this process
/// busy, in seconds.
async fn bare(sink: &Sink) -> f64 {
    let scheme = catalog::STANDARD_WEBHOOKS;
    let signer = Signer::new(&scheme, Keyring::new(&scheme, [SECRET]).unwrap()).unwrap();
    let signed = signer.sign(&Message::new("msg_1", body().as_bytes()), 1_700_000_000).unwrap().headers;
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let (signed, body, url) = (Arc::new(signed), Bytes::from(body()), format!("{}/0", sink.origin));
    let cpu = cpu_seconds();
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, signed, body, url) = (client.clone(), signed.clone(), body.clone(), url.clone());
        clients.spawn(async move {
            for _ in 0..DELIVERIES / AT_ONCE {
                let request = signed
                    .iter()
                    .fold(http::Request::post(&url), |request, (name, value)| request.header(name, value));
                let answer = client.request(request.body(Full::new(body.clone())).unwrap()).await.unwrap();
                answer.into_body().collect().await.unwrap();
            }
        });
    }
    clients.join_all().await;
    (cpu_seconds() - cpu) / (DELIVERIES / AT_ONCE * AT_ONCE) as f64
}

/// Memory with 100,000 deliveries waiting, and one dispatcher at work on them.
async fn waiting(sink: &Sink) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("outbox.db")).await.unwrap();
    add_endpoints(&store, sink, 1).await;
    enqueue(&store, 100_000, 1).await;
    let run = Dispatcher::new(Outbox::new(store), transport()).run(sleep(Duration::from_secs(3)));
    tokio::spawn(run).await.unwrap();
    println!(
        "resident with 100,000 deliveries waiting on SQLite, while they are delivered: {:.0} MiB",
        resident()
    );
}

async fn postgres(url: &str) -> PgStore {
    let options = PgPoolOptions::new().max_connections(8);
    let pool: PgPool = options.connect(url).await.unwrap();
    let tables = "countersign_attempts, countersign_deliveries, countersign_messages, countersign_endpoints";
    let store = PgStore::new(pool.clone());
    store.migrate().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("TRUNCATE {tables}"))).execute(&pool).await.unwrap();
    store
}

/// How long this process has been running, in user and system, in seconds.
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

// The sink.

/// Set in the process that is the sink.
const SINK: &str = "COUNTERSIGN_BENCH_SINK";

struct Sink {
    process: Child,
    origin: String,
}

impl Sink {
    fn start() -> Sink {
        let mut command = Command::new(env::current_exe().unwrap());
        let mut process = command.env(SINK, "1").stdout(Stdio::piped()).spawn().unwrap();
        let mut origin = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut origin).unwrap();
        Sink { process, origin: origin.trim_end().to_owned() }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Answers 200 to whatever comes, over kept connections.
async fn sink() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(answer(BufStream::new(stream)));
    }
}

async fn answer(mut stream: BufStream<TcpStream>) -> std::io::Result<()> {
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap();
                }
                Some(_) => {}
                None if line.trim_end().is_empty() => break,
                None => {}
            }
        }
        body.resize(length, 0);
        stream.read_exact(&mut body).await?;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
        stream.flush().await?;
    }
}
