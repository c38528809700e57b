//! `countersign key`.

use std::env;

use serde_json::Value;

use crate::{
    run::{Done, Folder, Run, countersign},
    running::{Running, Server},
};

/// Makes a key by a command, and gives it with its id.
fn create(done: Done) -> (String, String) {
    let id = done
        .stderr
        .split_whitespace()
        .map(|word| word.trim_matches(','))
        .find(|word| word.starts_with("key_"));
    let (id, key) = (id.expect("an id").to_owned(), done.out(0));
    assert!(key.starts_with("csk_") && key.trim_end().len() == 47 && key.lines().count() == 1, "{key}");
    (id, key.trim_end().to_owned())
}

/// A command with another key than the one that the server has made at its first start.
fn with(server: &Server, key: &str, line: &str) -> Run {
    server.ask(line).env("COUNTERSIGN_API_KEY", key)
}

fn add(name: &str) -> String {
    format!("endpoint add https://example.com/{name} --json")
}

#[test]
fn a_key_is_made_used_listed_and_removed_while_the_server_runs() {
    let folder = Folder::new();
    let server = Server::start(&folder, "1");
    let line = "key create --label billing --scope app --tenant acme --expires-at 2999-01-01T00:00:00Z";
    let (id, key) = create(server.ask(line).go());
    let made = with(&server, &key, &add("a")).go().json_lines();
    assert_eq!(made[0]["tenant"], "acme");

    let table = server.ask("key list").go().out(0);
    let words = [&*id, "billing", "app", "acme", "2999-01-01T00:00:00.000000Z", "EXPIRES AT"];
    assert!(words.iter().all(|word| table.contains(word)) && !table.contains(&key[4..]), "{table}");
    assert_eq!(server.json("key list")["items"][0]["label"], "billing");
    for line in ["key list", "key create --label mine --scope admin", &format!("key remove {id}")] {
        assert!(with(&server, &key, line).go().err(1).contains("(403)"), "{line}");
    }
    assert!(server.ask(line).go().err(1).contains("another key has this label"));
    assert!(server.ask("key create --label x --scope app").go().err(2).contains("--tenant"));
    let late = server.ask("key create --label x --scope read --expires-at 2020-01-01T00:00:00Z").go();
    assert!(late.err(1).contains("expires_at: is not in the future"));

    assert_eq!(server.ask(&format!("key remove {id}")).go().out(0), "");
    assert!(with(&server, &key, "endpoint list").go().err(1).contains("(401)"));
    assert!(server.ask(&format!("key remove {id}")).go().err(1).contains("(404)"));
    let done = server.running.stop();
    assert!(done.stderr.contains(r#"caller="billing" action="endpoint.created""#), "{done:?}");
    assert!(done.stderr.contains(&format!(r#"action="key.removed" subject="{id}""#)), "{done:?}");
    assert!(!(done.stdout + &done.stderr).contains(&key[4..]));
}

#[test]
fn adv_97_a_key_is_made_in_a_database_that_then_holds_its_digest_alone() {
    let folder = Folder::new();
    assert_eq!(Server::start(&folder, "1").running.stop().code, 0);
    let direct = |line: &str| countersign(line).args(&["--database", "webhooks.db"]).within(&folder).go();
    let (id, key) = create(direct("key create --label ops --scope admin"));
    let bytes = std::fs::read(folder.path("webhooks.db")).expect("a file");
    assert!(!bytes.windows(43).any(|window| window == &key.as_bytes()[4..]));

    let running = Running::start(countersign("serve --listen 127.0.0.1:0").within(&folder));
    let server = Server { running, key };
    assert_eq!(server.json("key list")["items"][0]["id"], id.as_str());
    assert_eq!(direct(&format!("key remove {id}")).code, 0);
    assert!(server.ask("key list").go().err(1).contains("(401)"));
}

#[test]
fn two_servers_on_one_postgresql_agree_at_once() {
    let Ok(url) = env::var("COUNTERSIGN_TEST_POSTGRES") else {
        assert!(env::var_os("CI").is_none(), "COUNTERSIGN_TEST_POSTGRES names no server");
        eprintln!("SKIPPED: COUNTERSIGN_TEST_POSTGRES names no server, so PostgreSQL was NOT tested");
        return;
    };
    let folders = [Folder::new(), Folder::new()];
    let start = |folder| {
        let serve = countersign("serve --role api --listen 127.0.0.1:0").within(folder);
        Server::of(Running::start(serve.env("COUNTERSIGN_DATABASE", &url)))
    };
    let [one, other] = folders.each_ref().map(start);
    let label = format!("made by one, removed by the other {}", std::process::id());
    let create_line = one.ask("key create --scope read --label").args(&[&label]);
    let (id, key) = create(create_line.go());
    for server in [&one, &other] {
        assert_eq!(with(server, &key, "endpoint list").go().code, 0);
        let listed = server.ask("key list --all").go().json_lines();
        assert!(listed.iter().any(|listed: &Value| listed["label"] == label.as_str()), "{listed:?}");
    }
    other.ask(&format!("key remove {id}")).go().out(0);
    for server in [&one, &other] {
        assert!(with(server, &key, "endpoint list").go().err(1).contains("(401)"));
    }
}
