//! What `countersign serve` tells its operator of deliveries that don't arrive.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use crate::{
    canned::Canned,
    run::{Folder, countersign},
    running::{Running, Server, receiver, serve_line},
};

/// A server that takes mails without encryption, and what it is sent.
fn mail_server() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let (sender, mails) = channel();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| take_mails(&stream, &sender)));
    (url, mails)
}

fn take_mails(stream: &TcpStream, mails: &Sender<String>) {
    let (reads, mut writes) = (stream, stream);
    let mut say = |text: &str| writes.write_all(format!("{text}\r\n").as_bytes()).expect("written");
    say("220 here");
    let mut lines = BufReader::new(reads).lines().map_while(Result::ok);
    while let Some(line) = lines.next() {
        if line == "DATA" {
            say("354 go on");
            let mail: Vec<_> = lines.by_ref().take_while(|line| line != ".").collect();
            mails.send(mail.join("\n")).expect("the test waits");
        }
        say("250 ok");
    }
}

/// A port of this machine at which nobody listens.
fn silent_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn the_status_names_what_waits_and_who_is_in_trouble() {
    let folder = Folder::new();
    let (mut well, silent) = (receiver(&folder, "--json"), silent_port());
    let line = format!("{} --allow-port {silent}", serve_line(well.port()));
    let server = Server::of(Running::start(countersign(&line).within(&folder)));
    let nothing = server.ask("status").go().out(0);
    assert!(nothing.contains("endpoints  ") && !nothing.contains("HEALTH"), "{nothing}");

    server.ask(&format!("endpoint add {}/well", well.url)).go().out(0);
    let url = format!("http://127.0.0.1:{silent}/failing");
    let failing = server.json(&format!("endpoint add {url} --name Books"));
    server.ask("message send --type x -").stdin("{}").go().out(0);
    well.json();
    let asked = Instant::now();
    let status = loop {
        let status = server.json("status");
        let attempts = &status["attempts_of_a_day"];
        match (attempts["succeeded"].as_u64(), attempts["failed"].as_u64()) {
            (Some(1..), Some(1..)) => break status,
            _ if asked.elapsed() > Duration::from_secs(60) => panic!("{status}"),
            _ => thread::sleep(Duration::from_millis(100)),
        }
    };
    assert_eq!((&status["endpoints"], &status["pending"]), (&2.into(), &1.into()), "{status}");
    assert_eq!(status["endpoints_in_trouble"].as_array().map(Vec::len), Some(1), "{status}");
    assert_eq!(status["endpoints_in_trouble"][0]["id"], failing["id"]);
    let shown = server.ask("status").go().out(0);
    for expected in [
        "endpoints in trouble          1\n",
        "pending                       1\n",
        "Books",
        "failed in a row",
        &url,
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn a_delivery_that_is_given_up_is_announced_and_mailed() {
    let folder = Folder::new();
    let mut operators = receiver(&folder, "--json");
    let (smtp, mails) = mail_server();
    let silent = silent_port();
    let line = format!(
        "{} --allow-port {silent} --schedule 1s --announce-to ops --mail-to oncall@example.com \
         --mail-from hooks@example.com --smtp-unencrypted",
        serve_line(operators.port())
    );
    let run = countersign(&line).within(&folder).env("COUNTERSIGN_SMTP_URL", &smtp);
    let server = Server::of(Running::start(run));
    let failing = server.json(&format!("endpoint add http://127.0.0.1:{silent}/T0KEN --tenant acme"));
    server.json(&format!("endpoint add {}/told --tenant ops --event delivery.exhausted", operators.url));
    server.json_with("message send --type invoice.paid --tenant acme -", "{}");

    assert_eq!(operators.json()["target"], "/told");
    let mail = mails.recv_timeout(Duration::from_secs(60)).expect("a mail");
    let id = failing["id"].as_str().expect("an id");
    assert!(mail.contains("To: oncall@example.com") && mail.contains(id), "{mail}");
    assert!(!mail.contains("T0KEN"), "{mail}");
    assert_eq!(server.running.stop().code, 0);
}

#[test]
fn the_log_has_the_apis_names_and_no_gaps() {
    let folder = Folder::new();
    let silent = silent_port();
    let gone = Canned::new(vec![("410 Gone", String::new())]);
    let (_, port) = gone.url.rsplit_once(':').expect("a port");
    let run = countersign(&format!("{} --allow-port {silent}", serve_line(port))).within(&folder);
    let server = Server::of(Running::start(run));
    for url in [&gone.url, &format!("http://127.0.0.1:{silent}")] {
        server.json(&format!("endpoint add {url}/hooks"));
    }
    server.json_with("message send --type invoice.paid -", "{}");
    // Both were tried: the one is given up, and the other waits for its second attempt.
    let until = Instant::now() + Duration::from_secs(60);
    let tried = || {
        let deliveries = server.json("delivery list")["items"].clone();
        deliveries.as_array().is_some_and(|all| all.iter().all(|one| one["last_error"].is_string()))
    };
    while !tried() {
        assert!(Instant::now() < until, "{}", server.json("delivery list"));
        thread::sleep(Duration::from_millis(100));
    }
    let log = server.running.stop().stderr;
    let line = |what: &str| log.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{log}"));
    assert!(line("endpoint disabled").contains(r#"because="gone""#), "{log}");
    assert!(line(r#"outcome="retry""#).contains(r#"attempt=1 outcome="retry"}"#), "{log}");
    assert!(line(r#"outcome="dead""#).contains(r#"attempt=1 outcome="dead" status=410}"#), "{log}");
}

#[test]
fn what_can_not_be_told_is_refused_before_anything_starts() {
    let folder = Folder::new();
    let serve = |more: &str, smtp: &str| {
        let run = countersign(&format!("serve --listen 127.0.0.1:0 {more}")).within(&folder);
        run.env("COUNTERSIGN_SMTP_URL", smtp).go().err(2)
    };
    let (to, from) = ("--mail-to oncall@example.com", "--mail-from hooks@example.com");
    let both = format!("{to} {from}");
    for (more, smtp, why) in [
        ("--warn-after 8d", "", "disabled after 7d and warned of after 8d"),
        (to, "smtps://mail.example.com", "and a sender"),
        (&both, "", "COUNTERSIGN_SMTP_URL"),
        (&both, "mail.example.com", "mails can't be sent"),
        (&format!("--mail-to nobody {from}"), "smtps://mail.example.com", "mails can't be sent"),
        (&format!("{both} --smtp-unencrypted"), "smtp://app:hunter2@mail.example.com", "mails can't be sent"),
    ] {
        let told = serve(more, smtp);
        assert!(told.contains(why) && !told.contains("hunter2"), "{why}: {told}");
    }
    assert!(!folder.path("webhooks.db").exists() && !folder.path("countersign.toml").exists());
}
