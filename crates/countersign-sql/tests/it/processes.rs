//! Several processes on one SQLite file, and one that is killed.
//!
//! Each test starts its own executable again, which then takes the child's part.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use countersign_sql::SqliteStore;
use countersign_store::{Accepted, Claim, IdempotencyStore, InboxStore};

use crate::support::{HOUR, MINUTE, claimed, event};

/// The file, if this process is a child.
fn child() -> Option<PathBuf> {
    env::var_os(FILE).map(PathBuf::from)
}

/// Starts this executable again, with nothing but the test of this name.
fn start(test: &str, file: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child tells its parent, line by line.
fn told(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.filter_map(|line| line.unwrap().strip_prefix(TELLS).map(str::to_owned))
}

/// On a line of its own: the harness has begun one.
fn tell(text: &str) {
    println!("\n{TELLS}{text}");
}

#[tokio::test]
async fn two_processes_on_a_new_file_never_hold_one_key() {
    const KEYS: usize = 300;
    if let Some(file) = child() {
        let store = SqliteStore::open(file).await.unwrap();
        for n in 0..KEYS {
            let key = format!("key_{n}");
            if let Claim::Claimed(_) = store.claim(&key, HOUR).await.unwrap() {
                tell(&key);
            }
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhooks.db");
    let name = "processes::two_processes_on_a_new_file_never_hold_one_key";
    let mut children = [start(name, &file), start(name, &file)];
    let mut owners = BTreeMap::new();
    for (number, child) in children.iter_mut().enumerate() {
        for key in told(child) {
            assert_eq!(owners.insert(key, number), None, "two processes have claimed a key");
        }
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(owners.len(), KEYS);
}

#[tokio::test]
async fn adv_62_a_claim_whose_process_was_killed_returns_when_its_lease_ends() {
    if let Some(file) = child() {
        let store = SqliteStore::open(file).await.unwrap();
        claimed(&store, "key", MINUTE).await;
        tell("claimed");
        return std::future::pending().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhooks.db");
    let name = "processes::adv_62_a_claim_whose_process_was_killed_returns_when_its_lease_ends";
    let mut child = start(name, &file);
    assert_eq!(told(&mut child).next().as_deref(), Some("claimed"));
    child.kill().unwrap();
    child.wait().unwrap();

    let store = SqliteStore::open(file).await.unwrap();
    assert!(matches!(store.claim("key", MINUTE).await.unwrap(), Claim::InFlight { .. }));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let later = (since + MINUTE).as_micros() as i64;
    claimed(&store.clock_micros(move || later), "key", MINUTE).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_its_process_was_killed() {
    if let Some(file) = child() {
        let store = SqliteStore::open(file).await.unwrap();
        for n in 0.. {
            let (one, two) = (event(&format!("evt_{n}_a")), event(&format!("evt_{n}_b")));
            let (one, two) = tokio::join!(store.accept(&one), store.accept(&two));
            assert_eq!((one.unwrap(), two.unwrap()), (Accepted::New, Accepted::New));
            tell(&n.to_string());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhooks.db");
    let name = "processes::what_was_acknowledged_is_there_after_its_process_was_killed";
    let mut child = start(name, &file);
    let mut lines = told(&mut child);
    let mut acknowledged: Vec<_> = lines.by_ref().take(50).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(lines);

    let store = SqliteStore::open(file).await.unwrap();
    for n in acknowledged {
        for half in ["a", "b"] {
            let event = event(&format!("evt_{n}_{half}"));
            assert_eq!(store.accept(&event).await.unwrap(), Accepted::Duplicate);
        }
    }
}

const FILE: &str = "COUNTERSIGN_TEST_CHILD";
const TELLS: &str = "child: ";
