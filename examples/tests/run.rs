//! Each example does what its page says: started as a person would start it, and sent real requests.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const EVENT: &str = r#"{"type":"invoice.paid","data":{"amount":42}}"#;

/// An example that serves.
struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    origin: String,
    folder: tempfile::TempDir,
}

impl Server {
    fn start(program: &str, environment: &[(&str, &str)]) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.env("LISTEN", "127.0.0.1:0").env("DATABASE", folder.path().join("webhooks.db"));
        command.envs(environment.iter().copied()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut server = Server { process, output, origin: String::new(), folder };
        let line = server.line();
        server.origin = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        server
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Has a sender send to it; gives what that prints.
    fn sent_by(&self, program: &str, environment: &[(&str, &str)]) -> String {
        let mut command = Command::new(program);
        command.arg(format!("{}/hooks", self.origin)).env("SECRET", SECRET);
        command.env("DATABASE", self.folder.path().join("sender.db")).envs(environment.iter().copied());
        printed(&mut command)
    }

    /// Sends it `event` with the example `post`; gives the status.
    fn send(&self, scheme: &str, secret: &str, path: &str, event: &str) -> u16 {
        let body = self.folder.path().join("body.json");
        std::fs::write(&body, event).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_post"));
        command.args([scheme, &format!("{}{path}", self.origin)]).arg(body);
        let output = command.env("SECRET", secret).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split(' ').nth(1).unwrap_or_else(|| panic!("{text}")).parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn prints(program: &str) -> String {
    printed(&mut Command::new(program))
}

fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn receive_axum() {
    let secrets = [("IPTVBP_SECRET", "a secret of iptvbp"), ("STRIPE_SECRET", "whsec_stripe_secret")];
    let mut server = Server::start(env!("CARGO_BIN_EXE_receive_axum"), &secrets);
    let event = r#"{"id":"evt_1","type":"payment.received","data":{"paid":42}}"#;
    assert_eq!(server.send("iptvbp", "a secret of iptvbp", "/webhooks/iptvbp", event), 200);
    assert!(server.line().starts_with("iptvbp: payment.received evt_1"));
    let event = r#"{"id":"evt_2","type":"invoice.paid","data":{"object":{"object":"invoice"}}}"#;
    assert_eq!(server.send("stripe", "whsec_stripe_secret", "/webhooks/stripe", event), 200);
    assert!(server.line().ends_with("once as stripe/evt_2"));
    assert_eq!(server.send("stripe", "whsec_another_secret", "/webhooks/stripe", event), 401);
}

#[test]
fn receive_tower() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_receive_tower"), &[("SECRET", SECRET)]);
    assert_eq!(server.send("standard-webhooks", SECRET, "/", EVENT), 200);
    assert!(server.line().starts_with("invoice.paid: 44 bytes, once as standard-webhooks/msg_"));
}

#[test]
fn receive_actix() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_receive_actix"), &[("SECRET", SECRET)]);
    assert_eq!(server.send("standard-webhooks", SECRET, "/hooks", EVENT), 201);
    assert_eq!(server.line(), r#"paid: {"amount":42}"#);
    let refused = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert_eq!(server.send("standard-webhooks", refused, "/hooks", EVENT), 401);
}

#[test]
fn receive_idempotent() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_receive_idempotent"), &[("SECRET", SECRET)]);
    assert_eq!(server.send("standard-webhooks", SECRET, "/hooks", EVENT), 201);
    assert!(server.line().starts_with("First: standard-webhooks/msg_"));
}

#[test]
fn inbox() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_inbox"), &[("SECRET", SECRET)]);
    assert_eq!(server.send("standard-webhooks", SECRET, "/hooks", EVENT), 200);
    assert!(server.line().starts_with("handled invoice.paid standard-webhooks/msg_"));
}

#[test]
fn multi_tenant() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_multi_tenant"), &[]);
    let event = r#"{"event":"user.created"}"#;
    assert_eq!(server.send("panel", "secret-of-acme-0001", "/hooks/acme", event), 200);
    assert!(server.line().starts_with("acme: event "));
    assert_eq!(server.send("panel", "secret-of-acme-0001", "/hooks/globex", event), 401);
    assert_eq!(server.send("panel", "secret-of-acme-0001", "/hooks/nobody", event), 401);
}

#[test]
fn custom_scheme() {
    let text = prints(env!("CARGO_BIN_EXE_custom_scheme"));
    for part in ["X-Acme-Signature: ", "verified: Some(\"invoice.paid\")", "refused: timestamp_too_old"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn rotate_secret() {
    let text = prints(env!("CARGO_BIN_EXE_rotate_secret"));
    for part in [
        "before: 1 signature(s), verified with Some(\"2025-11\")",
        "during: 2 signature(s), verified with Some(\"2026-11\")",
        "after: 1 signature(s), verified with Some(\"2026-11\")",
        "the old secret, later: no_matching_signature",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn send() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_receive_actix"), &[("SECRET", SECRET)]);
    let text = server.sent_by(env!("CARGO_BIN_EXE_send"), &[]);
    assert!(text.starts_with("enqueued msg_") && text.ends_with("nothing is left to deliver\n"), "{text}");
    assert_eq!(server.line(), r#"paid: {"amount":4200}"#);
}

#[test]
fn send_postgres() {
    let Ok(database) = std::env::var("COUNTERSIGN_TEST_POSTGRES") else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "COUNTERSIGN_TEST_POSTGRES is missing");
        eprintln!("SKIPPED: COUNTERSIGN_TEST_POSTGRES names no server, so send_postgres was NOT run");
        return;
    };
    let mut server = Server::start(env!("CARGO_BIN_EXE_inbox"), &[("SECRET", SECRET)]);
    let text = server.sent_by(env!("CARGO_BIN_EXE_send_postgres"), &[("DATABASE_URL", &database)]);
    assert_eq!(text, "enqueued 3\nnothing is left to deliver\n");
    for _ in 0..3 {
        assert!(server.line().contains(" standard-webhooks/msg_"));
    }
}

#[test]
fn late_payload() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_inbox"), &[("SECRET", SECRET)]);
    let text = server.sent_by(env!("CARGO_BIN_EXE_late_payload"), &[]);
    assert_eq!(text, "sent {\"data\":{\"id\":\"in_1\",\"state\":\"paid\"},\"type\":\"invoice.updated\"}\n");
    assert!(server.line().starts_with("handled invoice.updated standard-webhooks/msg_"));
}

#[test]
fn sign_reqwest() {
    let mut server = Server::start(env!("CARGO_BIN_EXE_receive_actix"), &[("SECRET", SECRET)]);
    assert_eq!(server.sent_by(env!("CARGO_BIN_EXE_sign_reqwest"), &[]), "201 Created\n");
    assert_eq!(server.line(), r#"paid: {"amount":42}"#);
}
