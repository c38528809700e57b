//! Receivers that answer wrongly, too slowly, or not at all, and hosts that can't be found.

use std::{
    collections::HashMap,
    future::pending,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use countersign_dispatch::Outbox;
use countersign_sql::SqliteStore;
use countersign_store::outbox::{DisabledBecause, EndpointState, NewMessage, OutboxStore};
use countersign_transport::{Resolve, Resolving};

use super::{
    server::{Act, Authority, Reads, Server},
    table::Line,
};
use crate::{
    running::{Running, deliveries, dispatcher, until_settled},
    support::{endpoint, transport},
};

/// A fault that is tried again: one endpoint has it always, another once.
struct Fault {
    name: &'static str,
    cause: Cause,
    reason: &'static str,
    /// The least time until it is tried again.
    pause: Duration,
}

enum Cause {
    /// The receiver does this.
    Act(Act),
    /// The host's name leads here.
    Name(Look),
    /// The receiver does this, with TLS.
    Tls(fn(&Authority, &str) -> Act),
}

/// What comes of looking a name up.
#[derive(Clone, Copy, Debug)]
enum Look {
    Address(IpAddr),
    Fails(&'static str),
    Never,
}

const HERE: Look = Look::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
/// An address of this machine where nobody listens.
const NOBODY: Look = Look::Address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 99)));

/// How long an attempt may take.
const LIMIT: Duration = Duration::from_secs(3);
const NONE: Duration = Duration::ZERO;
const SILENCE: &str = "timeout: the host didn't answer in time";
const INVALID: &str = "invalid_response: the answer isn't valid HTTP/1.1";
const NO_NAME: &str = "resolve: the host's name can't be resolved";

fn faults() -> Vec<Fault> {
    let act = |name, act, reason| Fault { name, cause: Cause::Act(act), reason, pause: NONE };
    let name = |name, look, reason| Fault { name, cause: Cause::Name(look), reason, pause: NONE };
    let tls = |name, act, reason| Fault { name, cause: Cause::Tls(act), reason, pause: NONE };
    let answers = |answer: &str| Act::Answers(answer.to_owned());
    vec![
        act("500", Act::status(500, ""), "answered 500"),
        act("503", Act::status(503, ""), "answered 503"),
        Fault {
            pause: Duration::from_secs(2),
            ..act("429 with Retry-After: 2", Act::status(429, "retry-after: 2\r\n"), "answered 429")
        },
        act("accept, then silence", Act::Silent, SILENCE),
        act("a head of a byte a second", Act::Drips("", "HTTP/1.1 200 OK\r\n"), SILENCE),
        act("reset after the request's headers", Act::Resets(Reads::Head, ""), "reset: "),
        act("reset amid the request's body", Act::Resets(Reads::SomeOfTheBody, ""), "reset: "),
        act("reset amid the answer's head", Act::Resets(Reads::Whole, "HTTP/1.1 200 O"), "reset: "),
        act("close without an answer", answers(""), "reset: the connection was closed without an answer"),
        act("an answer that isn't HTTP", answers("SSH-2.0-OpenSSH_9.6\r\n"), INVALID),
        act(
            "two lengths",
            answers("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
            INVALID,
        ),
        name("NXDOMAIN", Look::Fails("no such name"), NO_NAME),
        name("SERVFAIL", Look::Fails("server failure"), NO_NAME),
        name(
            "a name server that is silent",
            Look::Never,
            "timeout: the host's name was not resolved in time",
        ),
        name("refused port", NOBODY, "connect: no connection could be made: connection refused"),
        tls("TLS: expired", |ours, host| ours.secured(host, true), "tls: the host's certificate has expired"),
        tls(
            "TLS: another name",
            |ours, _| ours.secured("other.example", false),
            "tls: the host's certificate is for another name",
        ),
    ]
}

/// An answer that counts at once, though something is wrong with its body.
fn successes() -> Vec<(&'static str, Act)> {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
    vec![
        ("200 with an endless body", Act::Floods),
        ("200, then a body of a byte a second", Act::Drips(HEAD, "x")),
        ("200, then a reset after the head", Act::Resets(Reads::Whole, HEAD)),
        (
            "200, then a reset amid the body",
            Act::Resets(Reads::Whole, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
        ),
    ]
}

/// One endpoint of the matrix.
struct Row {
    name: String,
    host: String,
    server: Server,
    https: bool,
    expects: Expects,
    pause: Duration,
}

enum Expects {
    Dead(&'static str),
    DeliveredAfter(&'static str),
    Delivered,
    Gone,
    /// The redirect to this receiver isn't followed.
    NotFollowed(Server),
}

/// All rows at once, on one dispatcher: that each is in time shows as well that none holds up another.
pub(super) async fn run() -> Vec<Line> {
    let authority = Authority::new();
    let names = Names::default();
    let rows = rows(&authority, &names).await;

    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::new(SqliteStore::open(folder.path().join("webhooks.db")).await.unwrap());
    for row in &rows {
        let scheme = if row.https { "https" } else { "http" };
        let url = format!("{scheme}://{}:{}/hooks", row.host, row.server.address.port());
        outbox.store().put_endpoint(&endpoint(&row.host, url)).await.unwrap();
    }
    let transport = transport()
        .resolver(names)
        .add_root_pem(authority.pem())
        .connect_timeout(LIMIT - Duration::from_secs(1))
        .timeout(LIMIT)
        .max_idle_per_host(0);
    let running = Running::start(dispatcher(&outbox, transport.build().unwrap()));
    let began = Instant::now();
    outbox.enqueue(&[NewMessage::new("invoice.paid", "x".repeat(100_000))]).await.unwrap();
    until_settled(outbox.store()).await;
    let all = began.elapsed();
    running.stop().await;

    assert!(all < Duration::from_secs(30), "the whole took {all:?}");
    lines(&rows, outbox.store()).await
}

async fn rows(authority: &Authority, names: &Names) -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, fault) in faults().into_iter().enumerate() {
        for passes in [false, true] {
            rows.push(row(number, &fault, passes, authority, names).await);
        }
    }
    for (number, (name, act)) in successes().into_iter().enumerate() {
        rows.push(plain(name, format!("success-{number}.example"), act, Expects::Delivered, names).await);
    }
    let gone = Act::status(410, "");
    rows.push(plain("410", "gone.example".to_owned(), gone, Expects::Gone, names).await);
    let other = Server::start(vec![Act::status(200, "")]).await;
    let redirect = Act::status(307, &format!("location: {}\r\n", other.url()));
    let (name, host) = ("307 to another receiver", "redirect.example".to_owned());
    rows.push(plain(name, host, redirect, Expects::NotFollowed(other), names).await);
    rows
}

async fn row(number: usize, fault: &Fault, passes: bool, authority: &Authority, names: &Names) -> Row {
    let host = format!("{}-{number}.example", if passes { "passes" } else { "stays" });
    let https = matches!(fault.cause, Cause::Tls(_));
    let well = if https { authority.secured(&host, false) } else { Act::status(200, "") };
    let (mut acts, mut looks) = match &fault.cause {
        Cause::Act(act) => (vec![act.clone()], vec![HERE]),
        Cause::Tls(act) => (vec![act(authority, &host)], vec![HERE]),
        Cause::Name(look) => (vec![well.clone()], vec![*look]),
    };
    if passes {
        acts.push(well);
        looks.push(HERE);
    }
    names.add(&host, looks);
    let server = Server::start(acts).await;
    let (name, expects) = match passes {
        true => (format!("{}, once", fault.name), Expects::DeliveredAfter(fault.reason)),
        false => (fault.name.to_owned(), Expects::Dead(fault.reason)),
    };
    Row { name, host, server, https, expects, pause: fault.pause }
}

async fn plain(name: &str, host: String, act: Act, expects: Expects, names: &Names) -> Row {
    names.add(&host, vec![HERE]);
    Row {
        name: name.to_owned(),
        host,
        server: Server::start(vec![act]).await,
        https: false,
        expects,
        pause: NONE,
    }
}

async fn lines(rows: &[Row], store: &SqliteStore) -> Vec<Line> {
    let deliveries = deliveries(store).await;
    let mut lines = Vec::new();
    for row in rows {
        let delivery = deliveries.iter().find(|delivery| delivery.endpoint_id == row.host).unwrap();
        let line = Line::read(&row.name, store, delivery).await.within(LIMIT).pausing(row.pause);
        lines.push(match &row.expects {
            Expects::Dead(reason) => line.dead_after(&[*reason; 2]),
            Expects::DeliveredAfter(reason) => line.delivered_after(&[reason]),
            Expects::Delivered => line.delivered_after(&[]),
            Expects::Gone => {
                let state = store.endpoint(&row.host).await.unwrap().unwrap().state;
                let disabled = state == EndpointState::Disabled(DisabledBecause::Gone);
                line.dead_after(&["answered 410"]).expect(disabled, "the endpoint is not disabled")
            }
            Expects::NotFollowed(other) => {
                line.dead_after(&["answered 307"; 2]).expect(other.connections() == 0, "it was followed")
            }
        });
    }
    lines
}

/// Resolver that answers as the rows say: the looks of a host in turn, the last for ever.
#[derive(Clone, Debug, Default)]
struct Names(Arc<Mutex<HashMap<String, Vec<Look>>>>);

impl Names {
    fn add(&self, host: &str, looks: Vec<Look>) {
        self.0.lock().unwrap().insert(host.to_owned(), looks);
    }
}

impl Resolve for Names {
    fn resolve(&self, host: &str) -> Resolving {
        let mut names = self.0.lock().unwrap();
        let looks = names.get_mut(host).expect("a row's host");
        let look = if looks.len() > 1 { looks.remove(0) } else { looks[0] };
        Box::pin(async move {
            match look {
                Look::Address(address) => Ok(vec![address]),
                Look::Fails(reason) => Err(io::Error::other(reason)),
                Look::Never => pending().await,
            }
        })
    }
}
