//! The commands that ask a server.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    canned::Canned,
    run::{Folder, Run, countersign},
    running::{Running, Server, receiver},
};

/// A server, and a receiver to which it delivers.
fn pair(folder: &Folder) -> (Server, Running) {
    let receiver = receiver(folder, "--json");
    (Server::start(folder, receiver.port()), receiver)
}

fn add(server: &Server, receiver: &Running, more: &str) -> Value {
    server.json(&format!("endpoint add {}/hooks {more}", receiver.url))
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

/// Asks until a delivery stands so.
fn delivery(server: &Server, status: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let page = server.json(&format!("delivery list --status {status}"));
        match page["items"].as_array().expect("rows").first() {
            Some(found) => return found.clone(),
            None if Instant::now() > until => panic!("{}", server.json("delivery list")),
            None => thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// A command that asks a canned server.
fn ask(server: &Canned, line: &str) -> Run {
    countersign(line).env("COUNTERSIGN_API_KEY", "csk_x").env("COUNTERSIGN_SERVER", &server.url)
}

#[test]
fn a_message_goes_to_an_endpoint_and_its_delivery_is_shown_and_made_again() {
    let folder = Folder::new();
    let (server, mut receiver) = pair(&folder);
    let endpoint = add(&server, &receiver, "--event invoice.* --name Books");
    assert!(text(&endpoint, "secret").starts_with("whsec_"));
    let sent = server.json_with("message send --type invoice.paid -", r#"{"a": 1.10}"#);
    assert_eq!((&sent["deliveries"], &sent["duplicate"]), (&1.into(), &false.into()));
    let seen = receiver.json();
    assert_eq!((&seen["target"], &seen["bytes"]), (&"/hooks".into(), &11.into()));

    let delivered = delivery(&server, "delivered");
    let id = delivered["id"].to_string();
    let shown = server.ask(&format!("delivery show {id}")).go().out(0);
    assert!(shown.contains("status       delivered\n") && shown.contains("NUMBER  AT"), "{shown}");
    assert!(shown.contains("  ANSWER  LATENCY  ") && shown.contains("  200     "), "{shown}");
    assert!(shown.contains(" ms  ") && !shown.contains("MICROS"), "{shown}");
    server.ask(&format!("delivery redeliver {id}")).go().out(0);
    assert_eq!(receiver.json()["target"], "/hooks");

    let message = server.json(&format!("message show {}", text(&sent, "id")));
    assert_eq!(message["payload"], json!({ "a": 1.10 }));
    let list = server.ask("message list --type invoice.paid").go().out(0);
    assert!(list.starts_with("ID  ") && list.contains("invoice.paid"), "{list}");
    assert_eq!(server.json("message list --until 2020-01-01T00:00:00Z")["items"], json!([]));
}

#[test]
fn an_endpoint_is_disabled_enabled_and_removed() {
    let folder = Folder::new();
    let (server, receiver) = pair(&folder);
    let endpoint = add(&server, &receiver, "--channel a");
    let id = text(&endpoint, "id");
    let disabled = server.json(&format!("endpoint disable {id}"));
    assert_eq!((&disabled["enabled"], &disabled["disabled_because"]), (&false.into(), &"operator".into()));
    assert_eq!(server.json(&format!("endpoint enable {id}"))["enabled"], true);
    let shown = server.ask(&format!("endpoint show {id}")).go().out(0);
    assert!(shown.contains("channels") && shown.contains("health: failures"), "{shown}");
    assert!(!shown.contains(text(&endpoint, "secret")), "{shown}");
    assert!(server.ask(&format!("endpoint remove {id}")).go().err(2).contains("--yes"));
    server.ask(&format!("endpoint remove {id} --yes")).go().out(0);
    assert!(server.ask(&format!("endpoint show {id}")).go().err(1).contains("(404)"));
}

#[test]
fn an_endpoint_is_changed_tested_and_given_another_secret() {
    let folder = Folder::new();
    let (server, mut receiver) = pair(&folder);
    let endpoint = add(&server, &receiver, "--event invoice.* --in-flight 2 --per-second 5");
    let id = text(&endpoint, "id");
    assert_eq!(endpoint["limits"], json!({ "in_flight": 2, "per_second": 5 }));
    assert!(server.ask(&format!("endpoint change {id} --per-second x")).go().err(2).contains("`none`"));
    let changed = server.json(&format!(
        "endpoint change {id} --name Books --event a --event b --in-flight 3 --per-second none"
    ));
    assert_eq!((text(&changed, "name"), &changed["events"]), ("Books", &json!(["a", "b"])));
    assert_eq!(changed["limits"], json!({ "in_flight": 3, "per_second": null }));
    let moved = server.json(&format!("endpoint change {id} --url {}/other", receiver.url));
    assert_eq!((text(&moved, "name"), &moved["limits"]["in_flight"]), ("Books", &3.into()));
    assert!(server.ask(&format!("endpoint change {id}")).go().err(2).contains("--name"));
    let localhost = format!("http://localhost:{}/", receiver.port());
    let elsewhere = format!("endpoint change {id} --url {localhost}");
    assert!(server.ask(&elsewhere).go().err(1).contains("; --keep-secrets: is needed"));
    let kept = server.json(&format!("{elsewhere} --keep-secrets"));
    assert_eq!(text(&kept, "url"), localhost);
    server.json(&format!("endpoint change {id} --url {}/other --keep-secrets", receiver.url));

    let tested = server.json(&format!("endpoint test {id} --type invoice.test"));
    assert_eq!((text(&tested, "type"), text(&tested, "endpoint")), ("invoice.test", id));
    assert_eq!(text(&server.json(&format!("endpoint test {id}")), "type"), "test.webhook");
    for _ in 0..2 {
        assert_eq!(receiver.json()["target"], "/other");
    }

    let rotated = server.json(&format!("endpoint rotate {id} --overlap 60"));
    assert!(text(&rotated, "secret").starts_with("whsec_") && rotated["secret"] != endpoint["secret"]);
    assert_eq!(rotated["secrets"].as_array().map(Vec::len), Some(2), "{rotated}");
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let given = server.ask(&format!("endpoint rotate {id} --secret-env NEW")).env("NEW", secret).go();
    assert!(given.code == 0 && !format!("{given:?}").contains(secret), "{given:?}");
}

#[test]
fn a_secret_that_exists_already_comes_from_the_environment_and_is_not_printed() {
    let folder = Folder::new();
    let (server, mut receiver) = pair(&folder);
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let line = format!("endpoint add {}/hooks --secret-env SECRET", receiver.url);
    let done = server.ask(&line).env("SECRET", secret).go();
    assert!(!(done.stdout.clone() + &done.stderr).contains(secret), "{done:?}");
    done.out(0);
    server.json_with("message send --type a -", "{}");
    receiver.json();
    let line = "verify --scheme standard-webhooks --secret-env SECRET --request .countersign/1.http";
    countersign(line).env("SECRET", secret).within(&folder).go().out(0);
}

#[test]
fn a_list_comes_in_pages_and_a_message_under_a_key_once() {
    let folder = Folder::new();
    let (server, _receiver) = pair(&folder);
    let send = || server.json_with("message send --type a --idempotency-key once -", "{}");
    assert_eq!((&send()["duplicate"], &send()["duplicate"]), (&false.into(), &true.into()));
    server.json_with("message send --type b -", "{}");
    let done = server.ask("message list --limit 1").go();
    let (_, cursor) = done.stderr.trim().rsplit_once("--cursor ").expect("a cursor");
    let next = server.json(&format!("message list --limit 1 --cursor {cursor}"));
    assert_eq!((&next["items"][0]["type"], &next["next"]), (&"a".into(), &Value::Null));
}

#[test]
fn an_idempotency_key_is_any_text_that_its_header_can_carry() {
    let folder = Folder::new();
    let (server, _receiver) = pair(&folder);
    let send = |key: &str| {
        let line = "message send --type a --json -";
        server.ask(line).args(&["--idempotency-key", key]).stdin("{}").go()
    };
    let longest = "x".repeat(255);
    for key in [r#"order "7""#, r"a\b", r#"a\"b"#, "a;b=1, c", " ", &longest] {
        let duplicates = [send(key), send(key)].map(|done| done.json_lines()[0]["duplicate"].clone());
        assert_eq!(duplicates, [false, true], "{key}");
    }
    for key in ["", "é", "a\tb", "a\nb", &format!("{longest}x")] {
        assert!(send(key).err(2).contains("1 to 255 characters of ASCII"), "{key:?}");
    }
}

#[test]
fn a_whole_list_is_asked_for_page_by_page() {
    let page =
        |id: u64, next: Value| ("200 OK", json!({ "items": [{ "id": id }], "next": next }).to_string());
    let server = Canned::new(vec![page(2, "c/1".into()), page(1, Value::Null)]);
    let rows = ask(&server, "delivery list --all --status dead").go().json_lines();
    assert_eq!(rows, [json!({ "id": 2 }), json!({ "id": 1 })]);
    let requests = server.requests();
    let asked = |request: &str| request.lines().next().map(str::to_owned);
    assert_eq!(asked(&requests[0]).as_deref(), Some("GET /api/v1/deliveries?status=dead&limit=200 HTTP/1.1"));
    assert_eq!(
        asked(&requests[1]).as_deref(),
        Some("GET /api/v1/deliveries?status=dead&limit=200&cursor=c%2F1 HTTP/1.1")
    );
}

#[test]
fn what_the_server_refuses_is_explained_field_by_field() {
    let folder = Folder::new();
    let (server, _receiver) = pair(&folder);
    let done = server.ask("endpoint add http://10.0.0.1/ --event a*b").go();
    assert!(done.stderr.contains("; url: ") && done.stderr.contains("; events"), "{done:?}");
    assert_eq!((done.code, &*done.stdout), (1, ""));
    let wrong = server.ask("endpoint list").env("COUNTERSIGN_API_KEY", "csk_wrong").go();
    assert!(
        wrong.err(1).contains("the key in COUNTERSIGN_API_KEY is none of this server's, or no longer (401)")
    );
    assert!(server.ask("message send --type a -").stdin("{").go().err(2).contains("isn't JSON"));
}

#[test]
fn a_key_is_needed_and_goes_to_nobody_who_could_read_it_on_the_way() {
    assert!(countersign("endpoint list").go().err(2).contains("COUNTERSIGN_API_KEY"));
    let list = |url: &str| {
        let line = format!("endpoint list --server {url}");
        countersign(&line).env("COUNTERSIGN_API_KEY", "csk_secret").go()
    };
    for url in ["http://example.com", "http://10.0.0.1:8080", "http://127.0.0.1.example.com"] {
        assert!(list(url).err(2).contains("must be https"), "{url}");
    }
    let down = list("http://127.0.0.1:9").err(1);
    assert!(down.contains("the server at 127.0.0.1:9 can't be asked") && !down.contains("csk_"), "{down}");
}

#[test]
fn what_is_no_url_of_the_web_is_told_how_to_write_one() {
    let said = "write http://… or https://…";
    for url in ["127.0.0.1:8080", "localhost:8080", "ftp://127.0.0.1"] {
        let list =
            countersign("endpoint list").env("COUNTERSIGN_SERVER", url).env("COUNTERSIGN_API_KEY", "x");
        let error = list.go().err(2);
        assert!(error.contains(&format!("COUNTERSIGN_SERVER can't be used: {said}")), "{url}: {error}");
        for line in ["endpoint list --server", "endpoint add", "endpoint change ep_1 --url"] {
            assert!(countersign(&format!("{line} {url}")).go().err(2).contains(said), "{line} {url}");
        }
    }
    assert!(countersign("endpoint add http://a:b:c").go().err(2).contains("invalid port number"));
}

#[test]
fn a_server_that_speaks_no_tls_is_said_to() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("written");
        stream.read_to_end(&mut Vec::new())
    });
    let list =
        countersign(&format!("endpoint list --server https://{at}")).env("COUNTERSIGN_API_KEY", "csk_x");
    let error = list.go().err(1);
    assert!(error.contains(&format!("speaks no TLS. If it is plain http, write http://{at}")), "{error}");
    drop(server.join());
}

#[test]
fn a_scheme_that_there_is_not_is_refused_with_the_nearest() {
    let add = "endpoint add https://example.com --scheme strip";
    let run =
        countersign(add).env("COUNTERSIGN_API_KEY", "csk_x").env("COUNTERSIGN_SERVER", "http://127.0.0.1:9");
    assert!(run.go().err(2).contains("did you mean `stripe`?"));
}

#[test]
fn what_comes_of_a_message_is_told_beside_it() {
    let folder = Folder::new();
    let (server, mut receiver) = pair(&folder);
    let unwanted = || server.ask("message send --type invoice.paid --idempotency-key once -").stdin("{}");
    let nobody = "no endpoint wants it";
    assert!(unwanted().go().err(0).contains(nobody));
    assert!(!unwanted().go().err(0).contains(nobody), "it may have been wanted by one that is gone");
    let endpoint = add(&server, &receiver, "--event invoice.paid");
    assert_eq!(server.ask("message send --type invoice.paid -").stdin("{}").go().err(0), "");
    let tested = server.ask(&format!("endpoint test {}", text(&endpoint, "id"))).go();
    let (_, id) = tested.stderr.split_once("`countersign delivery show ").expect("a note");
    let id = id.split('`').next().expect("an id");
    assert_eq!(server.json(&format!("delivery show {id}"))["delivery"]["type"], "test.webhook");
    for _ in 0..2 {
        receiver.json();
    }
    assert_eq!(server.ask("message send --type b --json -").stdin("{}").go().err(0), "");
}

#[test]
fn a_redirect_is_not_followed_with_the_key() {
    let server = Canned::new(vec![("302 Found\r\nLocation: http://127.0.0.1:9/", String::new())]);
    assert!(ask(&server, "endpoint list").go().err(1).contains("302"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_list_of_endpoints_says_how_each_fares() {
    let endpoint = |id: &str, name: &str, because: Value, failures: u32, succeeded: Value| {
        let since = (failures > 0).then_some("2026-11-21T08:00:00Z");
        let health = json!({ "failures": failures, "failing_since": since, "succeeded_at": succeeded });
        json!({ "id": id, "name": name, "disabled_because": because, "health": health })
    };
    let at = || Value::from("2026-11-20T08:00:00Z");
    let items = [
        endpoint("ep_1", "ep_1", Value::Null, 0, at()),
        endpoint("ep_2", "Books", Value::Null, 5, at()),
        endpoint("ep_3", "ep_3", Value::Null, 0, Value::Null),
        endpoint("ep_4", "ep_4", "operator".into(), 0, at()),
        endpoint("ep_5", "ep_5", "gone".into(), 1, at()),
        endpoint("ep_6", "ep_6", "failing".into(), 40, Value::Null),
    ];
    let page = || vec![("200 OK", json!({ "items": items, "next": null }).to_string())];
    let list = ask(&Canned::new(page()), "endpoint list").go().out(0);
    let said = [
        "ID    NAME   URL  EVENTS  HEALTH                                        SCHEME",
        "ep_1         -    -       well                                          -",
        "ep_2  Books  -    -       5 failed in a row                             -",
        "ep_3         -    -       -                                             -",
        "ep_4         -    -       disabled                                      -",
        "ep_5         -    -       disabled: it answered 410 Gone                -",
        "ep_6         -    -       disabled: failing since 2026-11-21T08:00:00Z  -",
    ];
    assert_eq!(list.lines().collect::<Vec<_>>(), said);
    let json = ask(&Canned::new(page()), "endpoint list --json").go().json_lines();
    assert_eq!(json[0]["items"], json!(items), "as the server answered");
}

#[test]
fn what_a_server_says_can_not_move_the_cursor() {
    let rows = json!({ "items": [{ "id": "\u{1b}[2J", "type": "a\u{7}" }], "next": "\u{1b}[1A" });
    let server = Canned::new(vec![("200 OK", rows.to_string())]);
    let done = ask(&server, "message list").go();
    assert!(!(done.stdout.clone() + &done.stderr).contains('\u{1b}'), "{done:?}");
    assert!(done.stdout.contains(r"\u{1b}[2J"), "{done:?}");
}

#[test]
fn a_message_waits_until_it_is_due() {
    let folder = Folder::new();
    let (server, receiver) = pair(&folder);
    add(&server, &receiver, "");
    server.json_with("message send --type a --due-at 2100-01-01T01:00:00+01:00 -", "{}");
    assert_eq!(delivery(&server, "pending")["due_at"], "2100-01-01T00:00:00.000000Z");
    let error = server.ask("message send --type a --due-at tomorrow -").stdin("{}").go().err(1);
    assert!(error.contains("due_at"), "{error}");
}

#[test]
fn a_status_that_there_is_not_is_refused_before_anybody_is_asked() {
    for (line, known) in [
        ("delivery list", "[possible values: pending, leased, delivered, dead, cancelled]"),
        ("replay --endpoint ep_1", "[possible values: dead, delivered, cancelled, pending]"),
    ] {
        let done = countersign(&format!("{line} --status bogus")).go();
        assert!(done.stderr.contains("'bogus'") && done.stderr.contains(known), "{done:?}");
        done.err(2);
    }
    assert!(countersign("replay --endpoint ep_1 --status leased").go().err(2).contains("'leased'"));
}

#[test]
fn a_replay_counts_and_goes_on_step_by_step_with_patience() {
    let step = |redelivered: u64, next: Value| {
        ("202 Accepted", json!({ "redelivered": redelivered, "next": next }).to_string())
    };
    let server = Canned::new(vec![
        ("200 OK", json!({ "count": 1500 }).to_string()),
        step(1000, 77.into()),
        ("429 Too Many Requests\r\nRetry-After: 1", "{}".to_owned()),
        step(500, Value::Null),
    ]);
    let out = ask(&server, "replay --endpoint ep/1 --status delivered").go().out(0);
    assert_eq!(out, "redelivered  1500\n");
    let requests = server.requests();
    let asked = |request: &str| request.lines().next().map(str::to_owned);
    assert_eq!(
        asked(&requests[0]).as_deref(),
        Some("GET /api/v1/replays/count?endpoint=ep%2F1&status=delivered HTTP/1.1")
    );
    assert!(requests[1].contains(r#""after":null"#) && requests[3].contains(r#""after":77"#), "{requests:?}");
    assert_eq!(requests[2], requests[3]);
    assert!(requests[3].to_lowercase().contains("authorization: bearer csk_x"));
}

#[test]
fn a_replay_that_is_stopped_says_how_to_go_on() {
    let server = Canned::new(vec![
        ("200 OK", json!({ "count": 1500 }).to_string()),
        ("202 Accepted", json!({ "redelivered": 1000, "next": 77 }).to_string()),
        ("503 Service Unavailable", json!({ "detail": "the store is away" }).to_string()),
    ]);
    let error = ask(&server, "replay --message msg_1").go().err(1);
    assert!(
        error.contains("stopped after 1000 deliveries; --after 77 goes on: the store is away (503)"),
        "{error}"
    );
}

#[test]
fn a_replay_of_a_server_makes_deliveries_again() {
    let folder = Folder::new();
    let (server, mut receiver) = pair(&folder);
    add(&server, &receiver, "");
    server.json_with("message send --type a -", "{}");
    receiver.json();
    delivery(&server, "delivered");
    let filter = "replay --from 2h --status delivered";
    assert_eq!(
        server.json("replay --from 2020-01-01 --until 2h --status delivered --count"),
        json!({ "count": 0 })
    );
    let refused = server.ask("replay --from yesterday --count").go().err(2);
    assert!(
        refused.contains("'--from <TIME>': this is no time: write 2026-11-20T14:30:00Z, 2026-11-20"),
        "{refused}"
    );
    assert_eq!(server.json(&format!("{filter} --count")), json!({ "count": 1 }));
    assert_eq!(server.json(filter), json!({ "redelivered": 1 }));
    receiver.json();
    assert!(server.ask("replay --status dead").go().err(2).contains("--endpoint"));
}

#[test]
fn what_waits_is_cancelled_step_by_step() {
    let step =
        |cancelled: u64, more: bool| ("200 OK", json!({ "cancelled": cancelled, "more": more }).to_string());
    let server = Canned::new(vec![
        ("200 OK", json!({ "count": 1500 }).to_string()),
        step(1000, true),
        step(500, false),
        ("200 OK", json!({ "count": 1500 }).to_string()),
        step(1000, true),
        ("503 Service Unavailable", json!({ "detail": "the store is away" }).to_string()),
    ]);
    let out = ask(&server, "cancel --endpoint ep_1 --type a").go().out(0);
    assert_eq!(out, "cancelled  1500\n");
    let error = ask(&server, "cancel --endpoint ep_1").go().err(1);
    assert!(error.contains("stopped after 1000 deliveries: the store is away (503)"), "{error}");
    let requests = server.requests();
    let count = "GET /api/v1/cancellations/count?endpoint=ep_1&type=a HTTP/1.1";
    assert_eq!(requests[0].lines().next(), Some(count));
    assert_eq!(requests[1], requests[2]);
    assert!(requests[1].contains(r#""endpoint":"ep_1""#) && requests[1].contains(r#""type":"a""#));
}

#[test]
fn a_replay_and_a_cancellation_that_match_nothing_say_so() {
    let folder = Folder::new();
    let (server, _receiver) = pair(&folder);
    let all = "--from 2020-01-01T00:00:00Z";
    for (line, said) in [
        ("replay", "nothing matched: no dead delivery"),
        ("replay --count", "nothing matched: no dead delivery"),
        ("replay --status delivered", "nothing matched: no delivered delivery"),
        ("cancel", "nothing matched: no delivery that waits"),
    ] {
        let done = server.ask(&format!("{line} {all}")).go();
        assert!(done.code == 0 && done.stderr.contains(said), "{line}: {done:?}");
        let done = server.ask(&format!("{line} {all} --json")).go();
        assert_eq!((done.code, &*done.stderr), (0, ""), "{line}");
        for (field, id) in [("endpoint", "ep_typo"), ("message", "msg_typo")] {
            let done = server.ask(&format!("{line} --{field} {id}")).go();
            assert!(done.err(1).contains(&format!("; {field}: there is none of this id (404)")), "{line}");
        }
    }
}

#[test]
fn what_was_cancelled_on_a_server_is_not_sent_unless_it_is_made_again() {
    let folder = Folder::new();
    let (server, mut receiver) = pair(&folder);
    let endpoint = add(&server, &receiver, "");
    let id = text(&endpoint, "id");
    server.json(&format!("endpoint disable {id}"));
    for kind in ["a", "b", "c"] {
        server.json_with(&format!("message send --type {kind} -"), "{}");
    }
    let first = delivery(&server, "pending")["id"].to_string();
    assert_eq!(server.json(&format!("delivery cancel {first}"))["status"], "cancelled");
    let twice = server.ask(&format!("delivery cancel {first}")).go().err(1);
    assert!(twice.contains("settled already") && twice.contains("(409)"), "{twice}");
    let filter = format!("cancel --endpoint {id} --type a");
    assert_eq!(server.json(&format!("{filter} --count")), json!({ "count": 1 }));
    assert_eq!(server.json(&filter), json!({ "cancelled": 1 }));
    assert!(server.ask("cancel --type a").go().err(2).contains("--endpoint"));

    server.json(&format!("endpoint enable {id}"));
    receiver.json();
    assert_eq!(delivery(&server, "delivered")["type"], "b");
    assert_eq!(server.json("delivery list --status pending")["items"], json!([]));
    let replay = format!("replay --endpoint {id} --status cancelled");
    assert_eq!(server.json(&replay), json!({ "redelivered": 2 }));
    receiver.json();
    receiver.json();
}
