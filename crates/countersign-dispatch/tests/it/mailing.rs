//! Operational events by email: real SMTP conversations with a server on loopback.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use countersign_dispatch::{
    OperationalEvent, Outbox, Schedule,
    mail::{Mailer, MailerBuilder, MailerErrorKind, Postbox},
};
use countersign_store::outbox::{DisabledBecause, MemoryOutbox, NewMessage};
use tokio::{net::TcpListener, time::sleep};

use crate::{
    measured::measured,
    smtp::{Sink, Tls},
    support::*,
};

const SOON: Duration = Duration::from_secs(10);

fn mailer(url: &str) -> MailerBuilder {
    Mailer::builder(url, "Webhooks <webhooks@example.com>").to("On call <oncall@example.com>").timeout(SOON)
}

fn plain(sink: &Sink) -> MailerBuilder {
    mailer(&sink.url("")).unencrypted().schedule(Schedule::new([Duration::from_millis(1); 2]))
}

fn start_mailing(builder: MailerBuilder) -> Postbox {
    builder.build().unwrap().start(Outbox::new(MemoryOutbox::new()))
}

fn disabled(id: &str) -> OperationalEvent {
    OperationalEvent::EndpointDisabled { endpoint: endpoint(id), because: DisabledBecause::Failing }
}

/// Waits until it is so, for ten seconds at most.
async fn until(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < SOON, "it is not so after ten seconds");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_person_is_told_what_happened_how_much_waits_and_what_to_do() {
    let sink = Sink::that_takes_all(Tls::None).await;
    let mut gone = endpoint("gone");
    gone.limits.in_flight = 1;
    let store = MemoryOutbox::new();
    let postbox = plain(&sink).build().unwrap().start(Outbox::new(store.clone()));
    let script = Script::new([Act::Answer(410)]);
    let running =
        start_over(store, &[gone], &script, |dispatcher| dispatcher.on_event(postbox.handler())).await;
    let message = NewMessage::new("invoice.paid", BODY);
    running.outbox.enqueue(&vec![message; 3]).await.unwrap();
    until(|| sink.mails().len() == 2).await;
    running.stop().await;
    postbox.stop().await;
    let mails = sink.mails();
    let parts = [
        "From: Webhooks <webhooks@example.com>\r\n",
        "To: \"On call\" <oncall@example.com>\r\n",
        "Subject: [webhooks] Endpoint \"gone\" was disabled\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "An endpoint was disabled, because it answered 410 Gone",
        "Endpoint: \"gone\" (id gone)\r\nAddress:  https://gone.example\r\n",
        "Waiting:  2 deliveries; none is lost",
        "Given up: 1 delivery in all",
        "What to do:\r\n1. ",
    ];
    for part in parts {
        assert!(mails[0].contains(part), "{part} is not in {}", mails[0]);
    }
    assert!(mails[1].contains("Delivery: 1, after 1 attempt\r\n"), "{}", mails[1]);
    assert!(!mails.concat().contains("/hooks"));
}

#[tokio::test]
async fn the_password_and_the_mail_go_encrypted_alone() {
    for tls in [Tls::Wrapper, Tls::Starttls] {
        let sink = Sink::that_takes_all(tls).await;
        let builder = mailer(&sink.url("user:p%40ss@")).root_certificate(&*sink.certificate);
        let postbox = start_mailing(builder);
        postbox.handler()(&disabled("ep"));
        postbox.stop().await;
        assert_eq!(sink.mails().len(), 1);
        let commands = sink.commands();
        // What "user" and "p@ss" are in the mechanism PLAIN.
        assert!(commands.contains(&"* AUTH PLAIN AHVzZXIAcEBzcw==".to_owned()), "{commands:?}");
        let clear: Vec<_> = commands.iter().filter(|command| !command.starts_with('*')).collect();
        let expected: &[&str] = if tls == Tls::Starttls { &["EHLO [127.0.0.1]", "STARTTLS"] } else { &[] };
        assert_eq!(clear, expected);
    }
}

#[tokio::test]
async fn a_server_without_encryption_or_of_an_unknown_authority_is_sent_nothing() {
    let sinks = [Tls::None, Tls::Starttls, Tls::Wrapper].map(Sink::that_takes_all);
    for sink in sinks {
        let sink = sink.await;
        let postbox = start_mailing(mailer(&sink.url("user:password@")).schedule(Schedule::new([])));
        postbox.handler()(&disabled("ep"));
        postbox.stop().await;
        let told = sink.commands().concat();
        assert!(!told.contains("AUTH") && !told.contains("MAIL") && sink.mails().is_empty(), "{told}");
    }
}

#[test]
fn a_recipient_that_is_refused_keeps_no_other_from_its_mail() {
    let metrics = measured(false, async {
        let refuses = |line: &str| if line.contains("oncall") { "550 who?" } else { "250 ok" };
        let sink = Sink::open(Tls::None, refuses).await;
        let postbox = start_mailing(plain(&sink).to("second@example.com"));
        postbox.handler()(&disabled("ep"));
        postbox.stop().await;
        assert_eq!(sink.mails().len(), 1);
        // What is refused for good is not tried again.
        let asked = |name: &str| sink.commands().iter().filter(|line| line.contains(name)).count();
        assert_eq!((asked("RCPT TO:<oncall"), asked("RCPT TO:<second")), (1, 1));
    });
    assert_eq!(metrics["countersign_mails_total outcome=failed"].to_bits(), 1.0_f64.to_bits());
    assert_eq!(metrics["countersign_mails_total outcome=sent"].to_bits(), 1.0_f64.to_bits());
}

#[tokio::test]
async fn a_mail_that_the_server_cannot_take_yet_is_tried_again() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let busy = move |_: &str| if count.fetch_add(1, Ordering::SeqCst) < 2 { "451 later" } else { "250 ok" };
    let sink = Sink::open(Tls::None, busy).await;
    let postbox = start_mailing(plain(&sink));
    postbox.handler()(&disabled("ep"));
    postbox.stop().await;
    assert_eq!((sink.mails().len(), asked.load(Ordering::SeqCst)), (1, 3));
}

#[tokio::test]
async fn a_server_that_hangs_holds_up_a_mail_for_its_limit_and_then_the_next_is_tried() {
    let (listener, address) = silent().await;
    let accepted = Arc::new(AtomicU32::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        let mut streams = Vec::new();
        loop {
            streams.push(listener.accept().await.unwrap());
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let builder = mailer(&address).unencrypted().schedule(Schedule::new([]));
    let postbox = start_mailing(builder.timeout(Duration::from_millis(100)));
    ["a", "b", "c"].map(disabled).iter().for_each(postbox.handler());
    let started = Instant::now();
    postbox.stop().await;
    assert_eq!(accepted.load(Ordering::SeqCst), 3);
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
}

#[test]
fn while_mail_hangs_deliveries_go_on_and_what_has_no_room_is_counted() {
    let metrics = measured(false, async {
        let (_listener, address) = silent().await;
        let builder = mailer(&address).unencrypted().room(2).grace(Duration::from_millis(200));
        let store = MemoryOutbox::new();
        let postbox = builder.build().unwrap().start(Outbox::new(store.clone()));
        let endpoints: Vec<_> = (0..5).map(|number| endpoint(&format!("bad{number}"))).collect();
        let script = Script::new([Act::Answer(500)]).at("well", [Act::Answer(200)]);
        let running =
            start_over(store, &[endpoints, vec![endpoint("well")]].concat(), &script, |dispatcher| {
                dispatcher.schedule(Schedule::new([])).on_event(postbox.handler())
            })
            .await;
        running.enqueue("invoice.paid").await;
        until(|| script.sent().len() == 6).await;
        for _ in 0..20 {
            running.enqueue("invoice.paid").await;
        }
        until(|| script.sent_to("well") == 21).await;
        running.stop().await;
        let started = Instant::now();
        postbox.stop().await;
        let took = started.elapsed();
        assert!((200..2000).contains(&took.as_millis()), "{took:?}");
    });
    assert!(metrics["countersign_mails_total outcome=dropped"] >= 5.0, "{metrics:?}");
    assert!(!metrics.contains_key("countersign_mails_total outcome=sent"));
}

/// A server that accepts, by its system, and says nothing.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("smtp://{}", listener.local_addr().unwrap());
    (listener, address)
}

#[tokio::test]
async fn an_endpoint_is_told_of_once_an_hour_and_others_are_not_kept_back() {
    let sink = Sink::that_takes_all(Tls::None).await;
    let postbox = start_mailing(plain(&sink));
    let tell = postbox.handler();
    (0..50).for_each(|_| tell(&disabled("a")));
    tell(&disabled("b"));
    postbox.stop().await;
    tell(&disabled("c"));
    let mails = sink.mails();
    assert_eq!(mails.len(), 2);
    assert!(mails[0].contains("\"a\" was disabled") && mails[1].contains("\"b\" was disabled"));

    let sink = Sink::that_takes_all(Tls::None).await;
    let postbox = start_mailing(plain(&sink).quiet(Duration::ZERO));
    (0..3).for_each(|_| postbox.handler()(&disabled("a")));
    postbox.stop().await;
    assert_eq!(sink.mails().len(), 3);
}

#[test]
fn mistakes_are_found_when_a_mailer_is_built_and_nothing_shows_a_secret() {
    let wrong = |builder: MailerBuilder| {
        assert!(!format!("{builder:?}").contains("canary"));
        let error = builder.build().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
        error.kind()
    };
    let urls = [
        "",
        "mail.example.com",
        "https://mail.example.com",
        "smtp://",
        "smtp://canary@mail.example.com",
        "smtp://:canary@mail.example.com",
        "smtp://mail.example.com/canary",
        "smtp://user:canary@mail.example.com?tls=opportunistic",
        "smtp://mail.example.com#canary",
    ];
    for url in urls {
        assert_eq!(wrong(mailer(url)), MailerErrorKind::Url, "{url}");
    }
    let clear = mailer("smtp://user:canary@mail.example.com").unencrypted();
    assert_eq!(wrong(clear), MailerErrorKind::Password);
    let url = "smtps://user:canary@mail.example.com";
    assert_eq!(wrong(Mailer::builder(url, "a@example.com")), MailerErrorKind::NoRecipient);
    assert_eq!(wrong(mailer(url).to("canary")), MailerErrorKind::Address);
    assert_eq!(wrong(Mailer::builder(url, "canary").to("a@example.com")), MailerErrorKind::Address);
    assert_eq!(wrong(mailer(url).root_certificate("canary")), MailerErrorKind::Certificate);
    assert!(!format!("{:?}", mailer(url).build().unwrap()).contains("canary"));
}
