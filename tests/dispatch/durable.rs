//! F2: what is acknowledged was flushed to the disk.

use std::{
    fs, io,
    path::PathBuf,
    process::{Command, Stdio},
};

use countersign_sql::SqliteStore;
use countersign_store::outbox::OutboxStore;
use tokio::task::JoinSet;

use crate::{
    process::{self, Process, tell},
    sender::message,
    support::{endpoint, skipped},
};

const COMMITS: usize = 50;
const ROUNDS: usize = 5;
const CALLERS: usize = 64;

#[tokio::test]
async fn adv_85_every_acknowledged_message_was_flushed_by_itself() {
    if let Some(file) = process::part::<PathBuf>() {
        return acknowledge(file).await;
    }
    let test = "durable::adv_85_every_acknowledged_message_was_flushed_by_itself";
    let Some(flushes) = flushes_of(test, COMMITS).await else { return };
    println!("F2: {} commits acknowledged, {} flushes", flushes.len(), flushes.iter().sum::<usize>());
    assert!(flushes.iter().all(|flushes| *flushes > 0), "acknowledged before it was flushed: {flushes:?}");
}

/// Enqueues messages one by one, and tells of each.
async fn acknowledge(file: PathBuf) {
    let store = SqliteStore::open(file).await.unwrap();
    store.put_endpoint(&endpoint("ep", "https://example.com/hooks")).await.unwrap();
    for number in 0..COMMITS {
        let id = format!("msg_{number}");
        store.enqueue(&[message(&id)]).await.unwrap();
        tell(&id);
    }
}

#[tokio::test]
async fn adv_85_callers_at_once_are_acknowledged_after_a_flush_that_they_share() {
    if let Some(file) = process::part::<PathBuf>() {
        return acknowledge_at_once(file).await;
    }
    let test = "durable::adv_85_callers_at_once_are_acknowledged_after_a_flush_that_they_share";
    let Some(flushes) = flushes_of(test, ROUNDS * CALLERS).await else { return };
    for round in flushes.chunks(CALLERS) {
        let shared: usize = round.iter().sum();
        println!("F2: {CALLERS} callers at once, {shared} flushes");
        assert!(round[0] > 0, "acknowledged before it was flushed: {round:?}");
        assert!(shared <= CALLERS / 4, "each has flushed by itself: {round:?}");
    }
}

/// Enqueues messages of many callers at once, and tells of each.
async fn acknowledge_at_once(file: PathBuf) {
    let store = SqliteStore::open(file).await.unwrap();
    store.put_endpoint(&endpoint("ep", "https://example.com/hooks")).await.unwrap();
    for round in 0..ROUNDS {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (store, id) = (store.clone(), format!("msg_{round}_{caller}"));
            callers.spawn(async move {
                store.enqueue(&[message(&id)]).await.unwrap();
                id
            });
        }
        while let Some(id) = callers.join_next().await {
            tell(&id.unwrap());
        }
    }
}

/// Runs a test's other process under strace, which acknowledges so many messages, and counts the flushes before each;
/// `None` where nothing can be traced.
async fn flushes_of(test: &str, messages: usize) -> Option<Vec<usize>> {
    let Ok(may_trace) = try_strace() else {
        skipped("strace");
        return None;
    };
    if !may_trace {
        eprintln!("SKIPPED: this container forbids tracing, so flushes were NOT counted");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, trace) = (folder.path().join("webhooks.db"), folder.path().join("trace"));
    let (status, told) = Process::start_traced(test, &file, &trace).ended().await;
    assert!(status.success());
    assert_eq!(told.len(), messages);
    let flushes = flushes_before_each(&fs::read_to_string(trace).unwrap());
    assert_eq!(flushes.len(), messages);
    Some(flushes)
}

/// How many flushes had ended between each acknowledgement and the one before.
fn flushes_before_each(trace: &str) -> Vec<usize> {
    let (mut all, mut flushes) = (Vec::new(), 0);
    for line in trace.lines() {
        if line.contains("sync") && line.ends_with("= 0") {
            flushes += 1;
        } else if line.contains("write(1,") && line.contains("msg_") {
            all.push(flushes);
            flushes = 0;
        }
    }
    all
}

/// Whether it may trace, where it is there.
fn try_strace() -> io::Result<bool> {
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(strace.status()?.success())
}
