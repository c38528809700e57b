//! What is shown of a URL, of headers and of bodies.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign_transport::{CustomHeaders, Policy, Post, Target, TargetErrorKind};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{NoSuchName, OK, OPEN, Receiver, builder};

/// Stands in the path, the query, the headers and the bodies.
const CANARY: &str = "CANARY";

#[test]
fn adv_83_userinfo_is_refused_and_not_repeated() {
    let url = "https://CANARY:CANARY@hooks.example/services/CANARY?token=CANARY";
    let error = Target::parse(url, &Policy::new()).map(drop).expect_err(url);
    assert_eq!(error.kind(), TargetErrorKind::Userinfo);
    hidden(&format!("{error} {error:?}"));
}

#[test]
fn adv_83_no_error_about_a_url_repeats_it() {
    for url in [
        "https://hooks.example:22/services/CANARY?token=CANARY",
        "http://hooks.example/services/CANARY?token=CANARY",
        "https://10.0.0.1/services/CANARY?token=CANARY",
        "https://127.1/services/CANARY?token=CANARY",
        "https://hooks.example./services/CANARY?token=CANARY",
        "https://hooks.example/services/CANARY#CANARY",
        "https://hooks.example/services/CANARY CANARY",
        "CANARY://hooks.example/CANARY",
        "https://[CANARY]/CANARY",
        "https://hooks.example:CANARY/CANARY",
    ] {
        let error = Target::parse(url, &Policy::new()).map(drop).expect_err(url);
        hidden(&format!("{error} {error:?}"));
    }
}

#[test]
fn adv_83_a_target_shows_its_host_alone() {
    let policy = Policy::new().allow_http().allow_port(8443);
    for (url, shown) in [
        ("https://hooks.example/services/CANARY?token=CANARY", "https://hooks.example/…"),
        ("https://hooks.example:8443/CANARY", "https://hooks.example:8443/…"),
        ("http://[2606:4700::1]/?CANARY", "http://[2606:4700::1]/…"),
    ] {
        let target = Target::parse(url, &policy).expect("a target");
        assert_eq!(target.to_string(), shown);
        assert_eq!(format!("{target:?}"), format!("Target({shown})"));
        assert_eq!(target.expose(), url);
    }
}

/// Every kind of end, with everything logged that there is to log.
#[tokio::test]
async fn adv_83_no_log_error_or_debug_text_shows_a_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE);
    let subscriber = subscriber.with_writer(log.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());

    let answers = [
        OK,
        b"HTTP/1.1 302 Found\r\nlocation: /CANARY\r\nset-cookie: CANARY\r\ncontent-length: 6\r\n\r\nCANARY",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nCANARY",
        b"CANARY isn't HTTP\r\n\r\n",
        b"",
    ];
    for answer in answers {
        let receiver = Receiver::answering(answer).await;
        for scheme in ["http", "https"] {
            deliver(&format!("{scheme}://{}", receiver.address)).await;
        }
    }
    // What another test's thread was the first to log, while this subscriber is the only one, is taken for unwanted.
    tracing::callsite::rebuild_interest_cache();
    deliver("http://hooks.example").await;
    deliver(&format!("http://{OPEN}:1")).await;

    let text = log.text();
    assert!(text.contains(&format!("endpoint=http://{OPEN}")), "{text}");
    assert!(text.contains("answered") && text.contains("not answered"), "{text}");
    hidden(&text);
}

async fn deliver(origin: &str) {
    let transport =
        builder().resolver(NoSuchName).timeout(Duration::from_millis(300)).build().expect("a transport");
    let target = transport.target(&format!("{origin}/services/{CANARY}?token={CANARY}")).expect("a target");
    let headers = [("webhook-signature".to_owned(), CANARY.to_owned())];
    let custom = CustomHeaders::check([("authorization", CANARY)], &[]).expect("headers");
    let post = Post { target: &target, headers: &headers, custom: &custom, body: CANARY.into() };
    hidden(&format!("{post:?} {transport:?}"));
    let attempted = transport.send(post).await;
    hidden(&format!("{attempted:?}"));
    if let Err(failure) = attempted.result {
        hidden(&format!("{failure} {failure:?}"));
    }
}

fn hidden(text: &str) {
    assert!(!text.contains(CANARY), "{text}");
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("a lock").clone()).expect("text")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a lock").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
