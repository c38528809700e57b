//! `countersign serve`.

use std::fs;

use serde_json::Value;

#[cfg(target_os = "linux")]
use crate::run::under;
use crate::{
    run::{Folder, countersign},
    running::{Running, Server, get, http, receiver, serve_line},
};

const REMEDY: &str = "Set COUNTERSIGN_SEAL_KEY to the keys";
const SEAL_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Everything that stands in the files of a folder.
fn contents(folder: &Folder) -> Vec<u8> {
    let files = fs::read_dir(folder.path(".")).expect("a folder").map(|file| file.expect("a file").path());
    files.filter(|path| path.is_file()).flat_map(|path| fs::read(path).expect("a file")).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_first_start_makes_a_key_that_is_shown_once_and_kept_as_its_digest() {
    let folder = Folder::new();
    let server = Server::start(&folder, "1");
    assert!(server.key.starts_with("csk_"));
    server.ask("endpoint list").go().out(0);
    assert!(!holds(&contents(&folder), &server.key[4..]));
    let key = server.key.clone();
    let done = server.running.stop();
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!(done.stdout.clone() + &done.stderr).contains(&key[4..]), "{done:?}");
    assert!(!folder.path("webhooks.db-wal").exists(), "what is in the database is in its file");

    let again = Running::start(countersign("serve --listen 127.0.0.1:0").within(&folder));
    assert_eq!(again.before, [""; 0]);
    Server { running: again, key }.ask("endpoint list").go().out(0);
}

/// Where `/proc` tells whether that is to be ignored, as it is where these tests themselves run under `nohup`.
#[cfg(target_os = "linux")]
#[test]
fn the_end_of_its_terminal_stops_a_server_unless_it_is_to_outlive_it() {
    let folder = Folder::new();
    let start = |other: &[&str]| Running::start(under(other, "serve --listen 127.0.0.1:0").within(&folder));
    let server = Server::of(start(&["env", "--default-signal=HUP"]));
    server.running.send("-HUP");
    assert_eq!(server.running.ended().code, 0);

    let server = Server { running: start(&["nohup"]), ..server };
    server.running.send("-HUP");
    server.ask("endpoint list").go().out(0);
    assert_eq!(server.running.stop().code, 0);
}

#[test]
fn a_first_key_that_nobody_was_shown_is_not_kept() {
    let folder = Folder::new();
    let unread = countersign("serve --listen 127.0.0.1:0").within(&folder).unread();
    assert_eq!(unread.0, Some(0), "{unread:?}");
    assert!(!folder.path("countersign.toml").exists());
    Server::start(&folder, "1").ask("endpoint list").go().out(0);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_what_the_server_writes() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let _server = Server::start(&folder, "1");
    for name in ["countersign.toml", "webhooks.db", "webhooks.db-wal"] {
        let mode = fs::metadata(folder.path(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn adv_98_it_does_not_listen_beyond_loopback_without_a_key_and_a_proxy() {
    let folder = Folder::new();
    let digest = format!("sha256:{}", "ab".repeat(32));
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let serve = |more: &str| countersign(&format!("serve --listen {address} {more}")).within(&folder);
        assert!(serve("--behind-tls-proxy").go().err(2).contains("there is no API key"));
        let with_key = serve("").env("COUNTERSIGN_API_KEY_SHA256", &digest).go();
        assert!(with_key.err(2).contains("--behind-tls-proxy"));
        assert!(serve("--role worker").go().err(2).contains("--behind-tls-proxy"));
    }
    assert!(contents(&folder).is_empty());
    let serve = countersign("serve --listen 0.0.0.0:0 --behind-tls-proxy").within(&folder);
    let running = Running::start(serve.env("COUNTERSIGN_API_KEY_SHA256", &digest));
    assert_eq!(running.before, [""; 0]);
}

#[test]
fn a_configuration_without_a_key_is_left_alone_and_takes_one_that_is_made() {
    let folder = Folder::new().with("countersign.toml", "listen = '127.0.0.1:0'\n");
    let done = countersign("serve").within(&folder).go();
    assert!(done.err(2).contains("make one by `countersign api-key`"));
    let out = countersign("api-key").go().out(0);
    let (key, entry) = out.split_once("\n\n").expect("a key and its entry");
    folder.write("countersign.toml", format!("listen = '127.0.0.1:0'\n{entry}"));
    let running = Running::start(countersign("serve").within(&folder));
    Server { running, key: key.to_owned() }.ask("endpoint list").go().out(0);
}

#[test]
fn health_readiness_and_metrics_are_answered_and_nothing_else_without_a_key() {
    let folder = Folder::new();
    let mut receiver = receiver(&folder, "--json");
    let server = Server::start(&folder, receiver.port());
    for path in ["/health", "/ready"] {
        assert!(get(&server.running.url, path).starts_with("HTTP/1.1 200"), "{path}");
    }
    assert!(get(&server.running.url, "/api/v1/endpoints").starts_with("HTTP/1.1 401"));
    server.json(&format!("endpoint add {}/T0KEN", receiver.url));
    server.json_with("message send --type a -", "{}");
    receiver.json();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let metrics = loop {
        let metrics = get(&server.running.url, "/metrics");
        let counted = metrics.contains("countersign_attempts_total{outcome=\"delivered\"} 1");
        // A moment later.
        if counted && metrics.contains("countersign_attempt_seconds_bucket{le=\"30\"} 1\n") {
            break metrics;
        }
        assert!(std::time::Instant::now() < until, "{metrics}");
    };
    assert!(metrics.contains("countersign_messages_total{duplicate=\"false\"} 1\n"), "{metrics}");
    assert!(!metrics.contains("T0KEN"), "{metrics}");
}

#[test]
fn the_log_is_an_object_a_line_where_that_is_asked_for_and_as_much_as_is() {
    let folder = Folder::new();
    let mut receiver = receiver(&folder, "--json");
    let mut logged = |more: &str| {
        let (line, own) = (format!("{} {more}", serve_line(receiver.port())), Folder::new());
        let server = Server::of(Running::start(countersign(&line).within(&own)));
        server.json(&format!("endpoint add {}/T0KEN", receiver.url));
        server.json_with("message send --type a -", "{}");
        receiver.json();
        server.running.stop().stderr
    };
    let text = logged("--log-format json");
    let lines: Vec<Value> = text.lines().map(|line| line_of(line, &text)).collect();
    let delivered = lines.iter().find(|line| line["message"] == "webhook delivered").expect(&text);
    assert_eq!((&delivered["level"], &delivered["target"]), (&"INFO".into(), &"countersign".into()));
    assert_eq!(delivered["span"]["event_type"], "a");
    assert!(!text.contains("T0KEN"), "{text}");
    assert!(!logged("--log-level warn").contains("webhook delivered"));
}

#[test]
fn what_the_server_says_beside_its_log_is_written_as_its_log_is() {
    let folder = Folder::new();
    let said = |more: &str| {
        let line = format!("serve --listen 127.0.0.1:0 --database none/webhooks.db {more}");
        countersign(&line).within(&folder).go().err(2)
    };
    let text = said("--log-format json");
    let lines: Vec<Value> = text.lines().map(|line| line_of(line, &text)).collect();
    let told = |index: usize, level: &str, words: &str| {
        let line: &Value = &lines[index];
        assert_eq!((&line["level"], &line["target"]), (&level.into(), &"countersign".into()));
        assert!(line["message"].as_str().is_some_and(|message| message.contains(words)), "{line}");
    };
    told(0, "INFO", "secrets are stored as they are");
    told(1, "ERROR", "the database none/webhooks.db can't be created: ");
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(said("--log-format json --log-level error").lines().count(), 1);
    let text = said("");
    assert!(text.starts_with("note: ") && text.contains("\nerror: the database"), "{text}");
}

fn line_of(line: &str, text: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line} of {text}"))
}

#[test]
fn one_process_answers_and_another_delivers() {
    let folder = Folder::new();
    let mut receiver = receiver(&folder, "--json");
    let serve = |role: &str| {
        let line = format!("{} --role {role}", serve_line(receiver.port()));
        Running::start(countersign(&line).within(&folder))
    };
    let server = Server::of(serve("api"));
    server.json(&format!("endpoint add {}/hooks", receiver.url));
    server.json_with("message send --type a -", "{}");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert_eq!(server.json("delivery list")["items"][0]["status"], "pending");

    let worker = serve("worker");
    assert_eq!(receiver.json()["target"], "/hooks");
    assert!(get(&worker.url, "/ready").starts_with("HTTP/1.1 200"));
    for path in ["/api/v1/endpoints", "/", "/dashboard", "/dashboard/sign-in"] {
        assert!(get(&worker.url, path).starts_with("HTTP/1.1 404"), "{path}");
    }
    assert_eq!(worker.stop().code, 0);
}

#[test]
fn secrets_are_sealed_in_the_database_and_sign_all_the_same() {
    let folder = Folder::new();
    let mut receiver = receiver(&folder, "--json");
    let line = serve_line(receiver.port());
    let run = countersign(&line).within(&folder).env("COUNTERSIGN_SEAL_KEY", SEAL_KEY);
    let server = Server::of(Running::start(run));
    let made = server.json(&format!("endpoint add {}/hooks", receiver.url));
    let secret = made["secret"].as_str().expect("a secret");
    server.json_with("message send --type a -", "{}");
    receiver.json();
    assert!(!holds(&contents(&folder), &secret[6..]) && holds(&contents(&folder), "sealed:v1:"));
    let verify = "verify --scheme standard-webhooks --secret-env SECRET --request .countersign/1.http";
    countersign(verify).env("SECRET", secret).within(&folder).go().out(0);
    let done = server.running.stop();
    assert!(!done.stderr.contains("stored as they are"), "{done:?}");
    assert!(!done.stderr.contains(&secret[6..]) && !done.stderr.contains(SEAL_KEY), "{done:?}");
    let other = SEAL_KEY.replacen('A', "B", 1);
    for role in ["api", "worker", "both"] {
        for (name, key) in [("NOTHING", ""), ("COUNTERSIGN_SEAL_KEY", &*other)] {
            let run = countersign(&line).args(&["--role", role]).within(&folder).env(name, key);
            let refused = run.go().err(2);
            assert!(refused.contains("can't be opened") && refused.contains(REMEDY), "{role}: {refused}");
        }
    }
}

#[test]
fn event_types_and_billruns_api_are_there_where_they_are_wanted() {
    let folder = Folder::new();
    let line = "serve --listen 127.0.0.1:0 --event-preset iptvbp --event-preset panel --billrun";
    let server = Server::of(Running::start(countersign(line).within(&folder)));
    let ask = |path: &str| {
        let key = &server.key;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
        );
        http(&server.running.url, &request)
    };
    assert!(ask("/api/v1/event-types").contains("payment.failed"));
    assert!(ask("/plugins/webhooks/read").contains("\"status\":"));
}

#[test]
fn an_address_that_is_taken_makes_no_key() {
    let folder = Folder::new();
    let other = Folder::new();
    let server = Server::start(&folder, "1");
    let address = server.running.url.strip_prefix("http://").expect("a URL");
    let done = countersign(&format!("serve --listen {address}")).within(&other).go();
    assert!(done.err(2).contains("can't listen at"));
    assert!(!other.path("countersign.toml").exists());
}

#[test]
fn postgresql_serves_as_sqlite_does() {
    let Ok(url) = std::env::var("COUNTERSIGN_TEST_POSTGRES") else {
        assert!(std::env::var_os("CI").is_none(), "COUNTERSIGN_TEST_POSTGRES names no server");
        eprintln!("SKIPPED: COUNTERSIGN_TEST_POSTGRES names no server, so PostgreSQL was NOT tested");
        return;
    };
    let folder = Folder::new();
    let mut receiver = receiver(&folder, "--json");
    let line = serve_line(receiver.port());
    let run = countersign(&line).within(&folder).env("COUNTERSIGN_DATABASE", &url);
    let server = Server::of(Running::start(run));
    let tenant = format!("cli-{}", std::process::id());
    let made = server.json(&format!("endpoint add {}/hooks --tenant {tenant}", receiver.url));
    server.json_with(&format!("message send --type a --tenant {tenant} -"), "{}");
    assert_eq!(receiver.json()["target"], "/hooks");
    server.ask(&format!("endpoint remove {} --yes", made["id"].as_str().expect("an id"))).go().out(0);
    assert!(get(&server.running.url, "/ready").starts_with("HTTP/1.1 200"));
    assert!(!folder.path("webhooks.db").exists());
}
