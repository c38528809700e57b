//! `countersign serve --sample`.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    run::{Folder, countersign},
    running::{Running, Server},
};

/// A sample, which keeps what it has in `folder`.
fn start(folder: &Folder, temporary: &Folder) -> Server {
    let run = countersign("serve --sample --listen 127.0.0.1:0").within(folder);
    Server::of(Running::start(run.env("TMPDIR", temporary.path("").to_str().expect("text"))))
}

/// Asks until it is so.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn files(folder: &Folder) -> usize {
    fs::read_dir(folder.path("")).expect("a folder").count()
}

#[test]
fn it_shows_what_receivers_do_and_leaves_nothing_behind() {
    let (folder, temporary) = (Folder::new(), Folder::new());
    let server = start(&folder, &temporary);
    let has = |endpoint: &str, more: &str, fits: &dyn Fn(&Value) -> bool| {
        let page = server.json(&format!("delivery list --limit 200 --endpoint ep_{endpoint} {more}"));
        page["items"].as_array().expect("rows").iter().any(fits)
    };
    let delivered = |endpoint: &str| has(endpoint, "--status delivered", &|_| true);
    let answered = |endpoint: &str, status: u16| has(endpoint, "", &|row| row["last_status"] == status);
    for endpoint in ["portal", "accounts", "provisioning", "invoices"] {
        wait_for(endpoint, || delivered(endpoint));
    }
    wait_for("the one with another secret", || answered("audit", 401));
    wait_for("the one that is overloaded", || answered("warehouse", 503));
    wait_for("the one that has failed recovers", || {
        has("crm", "--status delivered", &|row| row["attempts"].as_u64() > Some(1))
    });
    assert_eq!(server.json("endpoint show ep_retired")["disabled_because"], "gone");
    assert!(!delivered("audit") && !delivered("warehouse"));

    let messages = || server.json("message list --limit 1")["items"][0]["id"].clone();
    let before = messages();
    wait_for("another message comes", || messages() != before);
    assert_eq!((files(&folder), files(&temporary)), (0, 1));
    assert_eq!(server.running.stop().code, 0);
    assert_eq!((files(&folder), files(&temporary)), (0, 0));
}

#[test]
fn it_passes_over_the_configuration_and_is_for_this_machine_alone() {
    let folder = Folder::new().with("countersign.toml", "database = 'mine.db'\n");
    let server = start(&folder, &Folder::new());
    server.json("endpoint show ep_portal");
    assert_eq!(server.running.stop().code, 0);
    assert_eq!(files(&folder), 1);
    assert!(countersign("serve --sample --database mine.db").go().err(2).contains("cannot be used with"));
    assert!(countersign("serve --sample --listen 0.0.0.0:0").go().err(2).contains("this machine alone"));
}
