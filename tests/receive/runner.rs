//! Runs the table on a server, and shows every case that failed at once.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinHandle},
    time::{sleep, timeout},
};

use crate::{
    answer::{Answer, Heard},
    case::{Case, Expected, Order, Step},
    cases,
    client::{self, End, Talk},
    log,
    server::{Running, Server},
};

/// Runs every case.
///
/// # Panics
/// Where one failed, with a table of all that did.
pub(crate) async fn run(server: Server) {
    log::start();
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let cases = cases::all().into_iter().filter(|case| server.suits(&case.endpoint));
    let running: Vec<_> =
        cases.map(|case| (case.name.clone(), spawn(server, case, permits.clone()))).collect();
    let (total, mut failed) = (running.len(), Vec::new());
    for (name, case) in running {
        failed.extend(case.await.unwrap_or_else(|error| Some(Failure::panicked(name, &error))));
    }
    assert!(failed.is_empty(), "{} of {total} cases failed on {server:?}\n{}", failed.len(), show(&failed));
    log::adv_47_check();
}

fn spawn(server: Server, case: Case, permits: Arc<Semaphore>) -> JoinHandle<Option<Failure>> {
    tokio::spawn(async move {
        let _permit = permits.acquire().await;
        check(server, case).await
    })
}

/// What was seen of a case.
struct Seen {
    talks: Vec<Talk>,
    handled: Vec<Bytes>,
    records: usize,
}

struct Failure {
    name: String,
    why: &'static str,
    expected: String,
    got: String,
}

impl Failure {
    fn panicked(name: String, error: &JoinError) -> Failure {
        Failure { name, why: "", expected: "no panic".to_owned(), got: error.to_string() }
    }
}

async fn check(server: Server, case: Case) -> Option<Failure> {
    let (expected, why) = case.expected_on(server);
    let got = match timeout(WHOLE_CASE, observe(server, &case, &expected)).await {
        Ok(seen) if is_met(&expected, &seen) => return None,
        Ok(seen) => tell_seen(&seen),
        Err(_) => "no end".to_owned(),
    };
    Some(Failure { name: case.name, why, expected: tell_expected(&expected), got })
}

async fn observe(server: Server, case: &Case, expected: &Expected) -> Seen {
    let running = server.start(&case.endpoint).await;
    let talks = match case.order {
        Order::OneAfterTheOther => one_after_the_other(&running, &case.talks).await,
        Order::WhileTheFirstIsHandled => while_the_first_is_handled(&running, &case.talks).await,
    };
    sleep(A_MOMENT).await;
    running.come_to(expected.records).await;
    Seen { talks, handled: running.handled().await, records: running.records().await }
}

async fn one_after_the_other(running: &Running, all: &[Vec<Step>]) -> Vec<Talk> {
    let mut talks = Vec::new();
    for steps in all {
        talks.push(client::talk(running, steps).await);
    }
    talks
}

async fn while_the_first_is_handled(running: &Running, all: &[Vec<Step>]) -> Vec<Talk> {
    let (first, others) = all.split_first().unwrap();
    let rest = async {
        running.handler.called().await;
        let talks = one_after_the_other(running, others).await;
        running.handler.let_go();
        talks
    };
    let (first, mut talks) = tokio::join!(client::talk(running, first), rest);
    talks.insert(0, first);
    talks
}

fn is_met(expected: &Expected, seen: &Seen) -> bool {
    expected.handled == seen.handled
        && expected.records == seen.records
        && expected.answers.len() == seen.talks.len()
        && expected.answers.iter().zip(&seen.talks).all(|(answers, talk)| are(answers, talk))
}

fn are(expected: &[Answer], talk: &Talk) -> bool {
    talk.end == End::Closed
        && expected.len() == talk.answers.len()
        && expected.iter().zip(&talk.answers).all(|(answer, heard)| answer.is(heard))
}

fn tell_expected(expected: &Expected) -> String {
    let talks = expected.answers.iter().map(|answers| join(answers.iter().map(ToString::to_string)));
    tell(talks, &expected.handled, expected.records)
}

fn tell_seen(seen: &Seen) -> String {
    let talks = seen.talks.iter().map(|talk| {
        let end = (talk.end != End::Closed).then(|| format!("{:?}", talk.end));
        join(talk.answers.iter().map(tell_heard).chain(end))
    });
    tell(talks, &seen.handled, seen.records)
}

fn tell_heard(heard: &Heard) -> String {
    let mut text = heard.status.to_string();
    for name in Answer::TOLD.iter().chain(&["connection"]) {
        if let Some(value) = heard.header(name) {
            let _ = write!(text, " {name}: {value}");
        }
    }
    if !heard.body.is_empty() {
        let _ = write!(text, " {:?}", heard.body);
    }
    text
}

fn tell(talks: impl Iterator<Item = String>, handled: &[Bytes], records: usize) -> String {
    let bodies = handled.iter().map(|body| {
        let start: String = String::from_utf8_lossy(body).chars().take(20).collect();
        format!("{} bytes {start:?}", body.len())
    });
    format!("[{}], handled [{}], {records} remembered", talks.collect::<Vec<_>>().join("] ["), join(bodies))
}

fn join(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

fn show(failed: &[Failure]) -> String {
    failed.iter().fold(String::new(), |mut table, failure| {
        let _ = writeln!(table, "\n{}", failure.name);
        if !failure.why.is_empty() {
            let _ = writeln!(table, "  here      {}", failure.why);
        }
        let _ = writeln!(table, "  expected  {}\n  got       {}", failure.expected, failure.got);
        table
    })
}

/// How many cases run at once: most of them wait.
const AT_ONCE: usize = 8;
/// How long what must not happen is waited for.
const A_MOMENT: Duration = Duration::from_millis(50);
const WHOLE_CASE: Duration = Duration::from_secs(60);
