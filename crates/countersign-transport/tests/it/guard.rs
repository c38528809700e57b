//! What is dialled, and what isn't.

use std::{env, process::Command};

use countersign_transport::{FailureKind, Policy, Target, Transport};
use tokio::io::AsyncWriteExt;

use crate::support::{
    Answers, CLOSED, NoSuchName, OK, OPEN, Receiver, answer, builder, failure, ip, policy, post, send,
    transport,
};

#[tokio::test]
async fn adv_65_an_address_that_another_policy_permitted_gets_no_connection() {
    let receiver = Receiver::answering(OK).await;
    let strict = Policy::new().allow_http().allow_ports(1..=u16::MAX);
    let strict = Transport::builder().policy(strict).build().expect("a transport");
    let target = Target::parse(&receiver.url("/"), &policy()).expect("a target");

    let attempted = send(&strict, &target, &[], "{}".into()).await;

    let failure = attempted.result.expect_err("a refusal");
    assert_eq!(failure.kind(), FailureKind::Invalid);
    assert!(failure.to_string().starts_with("the URL's host is a loopback address"), "{failure}");
    assert_eq!(receiver.accepted(), 0);
    assert_eq!(answer(&transport(), &receiver.url("/")).await.status, 200, "the receiver works");
}

#[tokio::test]
async fn adv_70_a_name_that_leads_to_refused_addresses_gets_no_connection() {
    let receiver = Receiver::answering(OK).await;
    for addresses in [
        &[ip("127.0.0.1")][..],
        &[ip("169.254.169.254")],
        &[ip("::1")],
        &[ip("::ffff:127.0.0.1")],
        &[ip("0.0.0.0")],
        &[ip("10.0.0.1"), ip("fd00::1"), ip("127.0.0.1")],
    ] {
        let answers = Answers::new(&[addresses]);
        let transport = builder().resolver(answers.clone()).build().expect("a transport");
        let failure = failure(&transport, &receiver.named("hooks.example")).await;
        assert_eq!(failure.kind(), FailureKind::NoAllowedAddress, "{addresses:?}: {failure}");
        assert_eq!(answers.asked(), ["hooks.example"]);
    }
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn adv_70_of_mixed_answers_only_permitted_addresses_are_dialled() {
    let receiver = Receiver::answering(OK).await;
    let answers = Answers::new(&[&[CLOSED, ip("10.0.0.1"), OPEN, ip("::1")]]);
    let transport = builder().resolver(answers.clone()).build().expect("a transport");

    let answer = answer(&transport, &receiver.named("hooks.example")).await;

    assert_eq!(answer.peer, Some(receiver.address));
    assert_eq!(receiver.reached(), [OPEN]);
    assert_eq!(answers.asked().len(), 1);
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_refuses() {
    let receiver = Receiver::answering_on(OPEN, OK).await;
    let refuses = ip("127.0.0.3");
    let transport = builder()
        .policy(policy().allow_network(refuses.into()))
        .resolver(Answers::new(&[&[refuses, OPEN]]))
        .build()
        .expect("a transport");
    assert_eq!(answer(&transport, &receiver.named("hooks.example")).await.peer, Some(receiver.address));
}

#[tokio::test]
async fn adv_71_a_name_that_flips_is_dialled_only_where_it_was_checked() {
    // It answers and closes, so that each delivery needs a connection.
    let receiver = Receiver::after_request(|mut stream| async move {
        stream.write_all(OK).await.expect("the sender reads");
    })
    .await;
    let answers = Answers::new(&[&[OPEN], &[CLOSED], &[OPEN], &[CLOSED]]);
    let transport = builder().resolver(answers.clone()).build().expect("a transport");
    let url = receiver.named("hooks.example");
    assert_eq!(answers.asked().len(), 0);
    transport.target(&url).expect("registering resolves nothing");
    assert_eq!(answers.asked().len(), 0);

    for dial in 1..=4 {
        let result = post(&transport, &url).await.result;
        match result {
            Ok(answer) => assert_eq!((dial % 2, answer.peer), (1, Some(receiver.address))),
            Err(failure) => assert_eq!((dial % 2, failure.kind()), (0, FailureKind::NoAllowedAddress)),
        }
        assert_eq!(answers.asked().len(), dial, "one look-up for each dial");
    }
    assert_eq!(receiver.reached(), [OPEN, OPEN]);
}

#[tokio::test]
async fn adv_71_a_kept_connection_stays_at_the_address_that_was_checked() {
    let receiver = Receiver::answering(OK).await;
    let answers = Answers::new(&[&[OPEN], &[CLOSED]]);
    let transport = builder().max_idle_per_host(1).resolver(answers.clone()).build().expect("a transport");

    for _ in 0..3 {
        let answer = answer(&transport, &receiver.named("hooks.example")).await;
        assert_eq!(answer.peer, Some(receiver.address));
    }
    assert_eq!(receiver.reached(), [OPEN]);
    assert_eq!(answers.asked().len(), 1);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_from_one_that_is_refused() {
    let receiver = Receiver::answering(OK).await;
    let url = receiver.named("hooks.example");
    let transport = builder().resolver(NoSuchName).build().expect("a transport");
    assert_eq!(failure(&transport, &url).await.kind(), FailureKind::Resolve);
    let transport = builder().resolver(Answers::new(&[&[]])).build().expect("a transport");
    assert_eq!(failure(&transport, &url).await.kind(), FailureKind::Resolve);
}

#[tokio::test]
async fn adv_73_no_redirect_is_followed() {
    let second = Receiver::answering(OK).await;
    for status in [301, 302, 303, 307, 308] {
        for location in
            [second.url("/stolen"), "http://169.254.169.254/latest".to_owned(), "/again".to_owned()]
        {
            let head =
                format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let first = Receiver::answering(head).await;

            let answer = answer(&transport(), &first.url("/hook")).await;

            assert_eq!(answer.status, status);
            assert_eq!(answer.headers["location"], location);
            assert_eq!(first.requests().len(), 1);
        }
    }
    assert_eq!(second.accepted(), 0);
}

/// Runs itself in a process whose environment names proxies.
#[tokio::test]
async fn adv_74_proxies_of_the_environment_are_ignored() {
    if let Ok(url) = env::var(IN_CHILD) {
        assert_eq!(answer(&transport(), &url).await.status, 200);
        return;
    }
    let receiver = Receiver::answering(OK).await;
    let proxy = Receiver::answering(OK).await;
    let mut child = Command::new(env::current_exe().expect("this test"));
    child.args(["--exact", "guard::adv_74_proxies_of_the_environment_are_ignored"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.url("/"));
    }
    child.env("NO_PROXY", "").env("no_proxy", "").env(IN_CHILD, receiver.url("/hook"));

    let run = tokio::task::spawn_blocking(move || child.output()).await.expect("a thread");

    let output = run.expect("the test runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert_eq!((receiver.requests().len(), proxy.accepted()), (1, 0));
}

const IN_CHILD: &str = "COUNTERSIGN_TEST_URL";
