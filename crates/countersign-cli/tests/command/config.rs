//! The settings of `countersign serve`.

use serde_json::{Value, json};

use crate::run::{Done, Folder, countersign};

fn shown(folder: &Folder, more: &str, environment: &[(&str, &str)]) -> Done {
    let run = countersign(&format!("serve --print-config {more}")).within(folder);
    environment.iter().fold(run, |run, (name, value)| run.env(name, value)).go()
}

fn rows(done: Done) -> Vec<(String, String, String)> {
    let rows: Vec<Value> = serde_json::from_str(&done.out(0)).expect("JSON");
    let text = |row: &Value, field: &str| row[field].as_str().expect("text").to_owned();
    rows.iter().map(|row| (text(row, "setting"), text(row, "value"), text(row, "from"))).collect()
}

#[test]
fn each_setting_says_where_it_comes_from() {
    let folder = Folder::new().with(
        "countersign.toml",
        "listen = '127.0.0.1:1'\nrole = 'api'\ndatabase = 'file.db'\nevent_presets = ['panel']\nbillrun = true\n\
         concurrency = 8\nlog_format = 'json'\n",
    );
    let environment = [
        ("COUNTERSIGN_LISTEN", "127.0.0.1:2"),
        ("COUNTERSIGN_MAX_CONNECTIONS", "64"),
        ("COUNTERSIGN_ROLE", "worker"),
        ("COUNTERSIGN_ALLOW_NETWORKS", "10.0.0.0/8, fd00::/8"),
        ("COUNTERSIGN_BILLRUN", ""),
        ("COUNTERSIGN_LOG_LEVEL", "warn"),
        ("COUNTERSIGN_WARN_AFTER", "12 hours"),
        ("COUNTERSIGN_MAIL_TO", "a@example.com,b@example.com"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318"),
    ];
    let flags =
        "--json --listen 127.0.0.1:3 --allow-port 1 --allow-port 2 --schedule 60s,90m --announce-to ops";
    let rows = rows(shown(&folder, flags, &environment));
    let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(
        rows,
        [
            row("listen", "127.0.0.1:3", "flag"),
            row("max_connections", "64", "COUNTERSIGN_MAX_CONNECTIONS"),
            row("database", "file.db", "countersign.toml"),
            row("role", "worker", "COUNTERSIGN_ROLE"),
            row("allow_networks", "10.0.0.0/8, fd00::/8", "COUNTERSIGN_ALLOW_NETWORKS"),
            row("allow_ports", "1, 2", "flag"),
            row("allow_http", "false", "default"),
            row("event_presets", "panel", "countersign.toml"),
            row("billrun", "true", "countersign.toml"),
            row("behind_tls_proxy", "false", "default"),
            row("otlp_endpoint", "http://otel:4318/", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            row("log_format", "json", "countersign.toml"),
            row("log_level", "warn", "COUNTERSIGN_LOG_LEVEL"),
            row("schedule", "1m, 1h 30m", "flag"),
            row("concurrency", "8", "countersign.toml"),
            row("warn_after", "12h", "COUNTERSIGN_WARN_AFTER"),
            row("disable_after", "7d", "default"),
            row("keep_for", "30d", "default"),
            row("keep_messages", "1000000", "default"),
            row("announce_to", "ops", "flag"),
            row("mail_to", "a@example.com, b@example.com", "COUNTERSIGN_MAIL_TO"),
            row("mail_from", "", "default"),
            row("smtp_unencrypted", "false", "default"),
        ]
    );
    let table = shown(&folder, "", &[]).out(0);
    assert!(table.starts_with("SETTING           VALUE  ") && table.lines().count() == 24, "{table}");
    assert!(!folder.path("webhooks.db").exists() && !folder.path("file.db").exists(), "nothing is started");
}

#[test]
fn no_setting_is_shown_with_a_password_or_a_key() {
    let seal = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let digest = format!("sha256:{}", "ab".repeat(32));
    let url = "postgres://app:hunter2@db/hooks?password=hunter3";
    let environment = [
        ("COUNTERSIGN_DATABASE", url),
        ("COUNTERSIGN_SEAL_KEY", seal),
        ("COUNTERSIGN_SMTP_URL", "smtps://app:hunter4@mail.example.com"),
        ("COUNTERSIGN_API_KEY_SHA256", &digest),
    ];
    let done = shown(&Folder::new(), "--json", &environment);
    for secret in ["hunter", &seal[..12], &digest[..20]] {
        assert!(!(done.stdout.clone() + &done.stderr).contains(secret), "{done:?}");
    }
    let rows = json!(rows(done));
    assert_eq!(rows[2], json!(["database", "postgres://app@db/hooks", "COUNTERSIGN_DATABASE"]));
    assert_eq!(rows[23], json!(["key", "environment: admin", "COUNTERSIGN_API_KEY_SHA256"]));
    assert_eq!(rows[24], json!(["seal_key", "set", "COUNTERSIGN_SEAL_KEY"]));
    assert_eq!(rows[25], json!(["smtp_url", "set", "COUNTERSIGN_SMTP_URL"]));

    let done = shown(&Folder::new(), &format!("--database {url}"), &[]);
    assert!(done.stderr.starts_with("warning: --database shows its password"), "{done:?}");
    assert!(!done.out(0).contains("hunter"));
}

#[test]
fn a_setting_that_can_not_be_used_is_named() {
    for (file, environment, more, why) in [
        ("lissten = 1", ("A", ""), "", "countersign.toml can't be used: line 1: lissten: unknown field"),
        ("\nlisten = 'here'", ("A", ""), "", "line 2: "),
        ("[[keys]]\nlabel = 'a'\n", ("A", ""), "", "missing field"),
        ("", ("COUNTERSIGN_LISTEN", "here"), "", "COUNTERSIGN_LISTEN can't be used"),
        ("", ("COUNTERSIGN_ROLE", "boss"), "", "a role is api, worker or both"),
        ("", ("COUNTERSIGN_LOG_FORMAT", "xml"), "", "a format is text or json"),
        ("", ("COUNTERSIGN_LOG_LEVEL", "all"), "", "a level is error, warn, info, debug or trace"),
        ("", ("COUNTERSIGN_EVENT_PRESETS", "panel,acme"), "", "the systems are billrun"),
        ("", ("COUNTERSIGN_KEEP_FOR", "a while"), "", "this is no length of time: write 30s"),
        ("schedule = ['5s', 'soon']", ("A", ""), "", "this is no length of time: write 30s"),
        ("", ("A", ""), "--concurrency 0", "--concurrency"),
        ("max_connections = 0", ("A", ""), "", "line 1: "),
        ("", ("COUNTERSIGN_ALLOW_HTTP", "perhaps"), "", "COUNTERSIGN_ALLOW_HTTP can't be used"),
        (
            "",
            ("COUNTERSIGN_SEAL_KEY", "short"),
            "",
            "COUNTERSIGN_SEAL_KEY can't be used: a key for sealing is 32",
        ),
        ("", ("COUNTERSIGN_API_KEY_SHA256", "csk_x"), "", "this is no digest of a key"),
        ("", ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel"), "", "OTEL_EXPORTER_OTLP_ENDPOINT can't be used"),
        ("otlp_endpoint = 'http://app:hunter2@otel'", ("A", ""), "", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("", ("A", ""), "--config none.toml", "none.toml can't be read"),
        ("", ("COUNTERSIGN_CONFIG", "none.toml"), "", "none.toml can't be read"),
        ("", ("A", ""), "--allow-network 10.0.0.0", "such as 10.0.0.0/8"),
        ("", ("COUNTERSIGN_ALLOW_NETWORKS", "10.0.0.1/99"), "", "such as 10.0.0.0/8"),
        ("allow_networks = ['localhost']", ("A", ""), "", "such as 10.0.0.0/8"),
        ("", ("A", ""), "--event-preset acme", "the systems are"),
        ("", ("A", ""), "--database mysql://a@b/c", "only postgres:// is known"),
    ] {
        let folder = Folder::new().with("countersign.toml", file);
        let done = shown(&folder, more, &[environment]);
        assert!(done.stderr.contains(why), "{why}: {done:?}");
        assert_eq!((done.code, &*done.stdout), (2, ""), "{why}");
    }
}

#[test]
fn a_key_that_is_made_can_be_put_into_the_configuration() {
    let out = countersign("api-key --label books --scope app --tenant acme").go().out(0);
    let (key, entry) = out.split_once("\n\n").expect("a key and its entry");
    assert!(key.starts_with("csk_") && !entry.contains(&key[4..]), "{out}");
    let folder = Folder::new().with("countersign.toml", entry);
    let table = shown(&folder, "", &[]).out(0);
    assert!(table.contains("books: app of acme"), "{table}");
    assert!(countersign("api-key --scope app").go().err(2).contains("--tenant"));
    assert!(countersign("api-key --tenant acme").go().err(2).contains("an admin's"));
}

#[test]
fn what_is_set_for_us_counts_before_what_is_set_for_every_program() {
    let folder = Folder::new().with("countersign.toml", "otlp_endpoint = 'https://ours:4318/'");
    let otel = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318");
    let row = |more: &str, environment: &[_]| {
        let (_, value, from) = rows(shown(&folder, &format!("--json {more}"), environment)).swap_remove(10);
        (value, from)
    };
    let pair = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    assert_eq!(row("", &[otel]), pair("https://ours:4318/", "countersign.toml"));
    let off = ("COUNTERSIGN_OTLP_ENDPOINT", "off");
    assert_eq!(row("", &[otel, off]), pair("off", "COUNTERSIGN_OTLP_ENDPOINT"));
    assert_eq!(row("--otlp-endpoint http://a", &[otel, off]), pair("http://a/", "flag"));
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_that_can_not_send_traces_says_which_can() {
    let folder = Folder::new();
    let serve = || countersign("serve --listen 127.0.0.1:0").within(&folder);
    let done = serve().env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318").go().err(2);
    assert!(done.contains("cargo install countersign-cli --features otlp"), "{done}");
    assert!(!folder.path("webhooks.db").exists());
}
