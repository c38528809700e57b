//! The commands that ask a server, straight at its database.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tokio::runtime::Runtime;

use crate::{
    run::{Folder, Run, countersign},
    running::{Running, Server, receiver},
};

/// A database, and who may be delivered to.
struct Direct<'a> {
    folder: &'a Folder,
    database: String,
    receiver: Running,
}

impl<'a> Direct<'a> {
    /// The SQLite file that a server has left.
    fn sqlite(folder: &'a Folder) -> Self {
        let receiver = receiver(folder, "--json");
        assert_eq!(Server::start(folder, receiver.port()).running.stop().code, 0);
        Direct { folder, database: "webhooks.db".to_owned(), receiver }
    }

    /// A command, without a key and with the variables that the server has.
    fn ask(&self, line: &str) -> Run {
        let run = countersign(line).args(&["--database", &self.database]).within(self.folder);
        run.env("COUNTERSIGN_ALLOW_HTTP", "true")
            .env("COUNTERSIGN_ALLOW_NETWORKS", "127.0.0.0/8")
            .env("COUNTERSIGN_ALLOW_PORTS", self.receiver.port())
            .env("COUNTERSIGN_SERVER", "http://127.0.0.1:9")
    }

    fn json(&self, line: &str) -> Value {
        self.json_with(line, "")
    }

    fn json_with(&self, line: &str, stdin: &str) -> Value {
        let out = self.ask(line).args(&["--json"]).stdin(stdin).go().out(0);
        serde_json::from_str(&out).expect("JSON")
    }

    /// Asks until there is a delivery that stands so, and gives its id.
    fn delivery(&self, status: &str, more: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.json(&format!("delivery list --status {status} {more}"));
            match page["items"].as_array().expect("rows").first() {
                Some(found) => return found["id"].clone(),
                None => assert!(Instant::now() < until, "{page}"),
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Every command, first while no server runs, then beside one that delivers what waits.
fn play(mut direct: Direct<'_>, tenant: &str, server: impl FnOnce(&Direct<'_>) -> Running) {
    let url = format!("{}/hooks", direct.receiver.url);
    let made = direct.json(&format!("endpoint add {url} --tenant {tenant}"));
    let id = made["id"].as_str().expect("an id");
    assert!(made["secret"].as_str().expect("a secret").starts_with("whsec_"));
    assert_eq!(direct.json(&format!("endpoint show {id}"))["url"], url.as_str());
    assert_eq!(direct.json(&format!("endpoint disable {id}"))["enabled"], false);
    assert_eq!(direct.json(&format!("endpoint enable {id}"))["enabled"], true);
    assert!(direct.ask(&format!("endpoint list --tenant {tenant}")).go().out(0).contains(id));

    let send = format!("message send --type a --tenant {tenant} -");
    let sent = direct.json_with(&send, r#"{"a":1}"#);
    assert_eq!(sent["deliveries"], 1);
    let message = sent["id"].as_str().expect("an id");
    assert_eq!(direct.json(&format!("message show {message}"))["payload"], json!({ "a": 1 }));
    assert!(direct.ask(&format!("message list --tenant {tenant}")).go().out(0).contains(message));
    let of_tenant = format!("--tenant {tenant}");
    direct.delivery("pending", &of_tenant);

    let server = server(&direct);
    assert_eq!(direct.receiver.json()["target"], "/hooks");
    let delivery = direct.delivery("delivered", &of_tenant);
    assert_eq!(direct.json(&format!("delivery show {delivery}"))["attempts"][0]["status"], 200);
    direct.json(&format!("delivery redeliver {delivery}"));
    direct.receiver.json();
    direct.delivery("delivered", &of_tenant);
    let replay = format!("replay --message {message} --status delivered");
    assert_eq!(direct.json(&format!("{replay} --count")), json!({ "count": 1 }));
    assert_eq!(direct.json(&replay), json!({ "redelivered": 1 }));
    direct.receiver.json();
    assert_eq!(server.stop().code, 0);

    direct.ask(&format!("endpoint remove {id} --yes")).go().out(0);
    assert!(direct.ask(&format!("endpoint show {id}")).go().err(1).contains("(404)"));
}

#[test]
fn a_sqlite_file_is_asked_without_a_server_and_beside_one() {
    let folder = Folder::new();
    play(Direct::sqlite(&folder), "acme", |direct| {
        let line = crate::running::serve_line(direct.receiver.port());
        Running::start(countersign(&line).within(direct.folder))
    });
}

#[test]
fn postgresql_is_asked_without_a_server_and_beside_one() {
    let Ok(url) = std::env::var("COUNTERSIGN_TEST_POSTGRES") else {
        assert!(std::env::var_os("CI").is_none(), "COUNTERSIGN_TEST_POSTGRES names no server");
        eprintln!("SKIPPED: COUNTERSIGN_TEST_POSTGRES names no server, so PostgreSQL was NOT tested");
        return;
    };
    let folder = Folder::new();
    let receiver = receiver(&folder, "--json");
    let direct = Direct { folder: &folder, database: url.clone(), receiver };
    let start = |direct: &Direct<'_>| {
        let line = crate::running::serve_line(direct.receiver.port());
        Running::start(countersign(&line).within(direct.folder).env("COUNTERSIGN_DATABASE", &url))
    };
    assert_eq!(start(&direct).stop().code, 0, "a server has made the tables");
    play(direct, &format!("direct-{}", std::process::id()), start);
}

#[test]
fn no_tables_are_made_in_a_postgresql_of_another_program() {
    let Ok(url) = std::env::var("COUNTERSIGN_TEST_POSTGRES") else {
        assert!(std::env::var_os("CI").is_none(), "COUNTERSIGN_TEST_POSTGRES names no server");
        eprintln!("SKIPPED: COUNTERSIGN_TEST_POSTGRES names no server, so PostgreSQL was NOT tested");
        return;
    };
    let joint = if url.contains('?') { '&' } else { '?' };
    let elsewhere = format!("{url}{joint}options=-csearch_path%3Dof_another_program");
    for line in ["endpoint list", "inbox dead"] {
        let said = countersign(line).args(&["--database", &elsewhere]).go().err(2);
        assert!(said.contains("has no table countersign_inbox"), "{line}: {said}");
    }
}

#[test]
fn what_the_api_refuses_is_refused_here_too() {
    let folder = Folder::new();
    let direct = Direct::sqlite(&folder);
    let done = direct.ask("endpoint add http://10.0.0.1/ --event a*b").go();
    assert!(done.stderr.contains("; url: ") && done.stderr.contains("; events"), "{done:?}");
    assert!(done.stderr.contains("`countersign serve --allow-network 10.0.0.1/32` allows it"), "{done:?}");
    assert_eq!((done.code, &*done.stdout), (1, ""));
}

#[test]
fn a_secret_that_is_stored_as_it_is_is_said_to_be() {
    let folder = Folder::new();
    let direct = Direct::sqlite(&folder);
    let add = || direct.ask("endpoint add https://example.com/");
    let said = |run: Run| run.go().err(0).contains("stored as they are: COUNTERSIGN_SEAL_KEY");
    assert!(said(add()));
    assert!(!said(add().env("COUNTERSIGN_SEAL_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")));
    assert!(!said(direct.ask("endpoint list")));
}

#[test]
fn a_file_that_is_no_database_is_named_once() {
    let folder = Folder::new().with("webhooks.db", "no database, whatever its name says");
    let said = countersign("endpoint list --database webhooks.db").within(&folder).go().err(2);
    assert!(said.contains("the database can't be opened: ") && said.contains("not a database"), "{said}");
    assert_eq!(said.matches("webhooks.db").count(), 1, "{said}");
}

#[test]
fn a_file_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    let done = countersign("endpoint list --database webhoks.db").within(&folder).go();
    assert!(done.err(2).contains("there is no database webhoks.db"));
    assert!(!folder.path("webhoks.db").exists());
    let line = "endpoint list --database webhooks.db --server http://127.0.0.1:1";
    assert!(countersign(line).go().err(2).contains("cannot be used with"));
}

#[test]
fn a_database_that_is_away_is_told_of_with_the_reason() {
    let done = countersign("endpoint list --database postgres://app@127.0.0.1:1/hooks").go();
    let error = done.err(2);
    assert!(error.contains("can't be reached: ") && error.matches("refused").count() == 1, "{error}");
}

#[test]
fn why_a_database_has_failed_is_said() {
    let folder = Folder::new();
    let direct = Direct::sqlite(&folder);
    let drop_a_table = async {
        let options = SqliteConnectOptions::new().filename(folder.path("webhooks.db"));
        let mut connection = options.connect().await?;
        sqlx::raw_sql("DROP TABLE countersign_endpoints").execute(&mut connection).await?;
        connection.close().await
    };
    Runtime::new().expect("a runtime").block_on(drop_a_table).expect("a table less");
    let said = direct.ask("endpoint list").go().err(1);
    assert!(said.contains("a table is missing"), "{said}");
}

#[test]
fn a_secret_is_sealed_as_the_server_seals() {
    let folder = Folder::new();
    let direct = Direct::sqlite(&folder);
    let line = format!("endpoint add {}/hooks --json", direct.receiver.url);
    let seal = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let made = direct.ask(&line).env("COUNTERSIGN_SEAL_KEY", seal).go().json_lines();
    let secret = made[0]["secret"].as_str().expect("a secret");
    let written: Vec<u8> = ["webhooks.db", "webhooks.db-wal"]
        .iter()
        .flat_map(|name| std::fs::read(folder.path(name)).unwrap_or_default())
        .collect();
    let holds = |text: &str| written.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("sealed:v1:") && !holds(&secret[6..]));
}

#[test]
fn no_secret_is_stored_as_it_is_beside_one_that_is_sealed() {
    let folder = Folder::new();
    let direct = Direct::sqlite(&folder);
    let seal = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let add = "endpoint add https://example.com/ --json";
    let made = direct.ask(add).env("COUNTERSIGN_SEAL_KEY", seal).go().json_lines();
    let rotate = format!("endpoint rotate {} --json", made[0]["id"].as_str().expect("an id"));
    for line in [add, &*rotate] {
        let done = direct.ask(line).go();
        assert!(done.stderr.contains("Set COUNTERSIGN_SEAL_KEY to the keys"), "{done:?}");
        assert!(!done.stderr.contains("stored as they are"), "{done:?}");
        assert_eq!((done.code, &*done.stdout), (2, ""));
        direct.ask(line).env("COUNTERSIGN_SEAL_KEY", seal).go().out(0);
    }
    assert!(
        direct.ask("endpoint list").go().out(0).contains("example.com"),
        "what stores none is not refused"
    );
}

#[test]
fn every_row_of_a_list_is_printed_as_a_line_of_json() {
    let folder = Folder::new();
    let direct = Direct::sqlite(&folder);
    for number in 0..3 {
        direct.json_with("message send --type a -", &number.to_string());
    }
    let done = direct.ask("message list --all").go();
    assert_eq!(done.stderr, "");
    let rows = done.json_lines();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["type"] == "a"), "{rows:?}");
    assert!(direct.ask("message list --all --limit 1").go().err(2).contains("cannot be used with"));
}
