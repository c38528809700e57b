//! Headers that users add.

use countersign_transport::{CustomHeaders, HeaderErrorKind};

const RESERVED: &[&str] = &["webhook-*", "X-Webhook-Signature"];

#[test]
fn headers_that_identify_the_sender_to_the_receiver_are_accepted() {
    let headers = [
        ("Authorization", "Bearer abc"),
        ("X-Api-Key", "k"),
        ("Cookie", "a=b"),
        ("X-Empty", ""),
        ("X-Tab", "a\tb"),
    ];
    assert!(CustomHeaders::check(headers, RESERVED).is_ok());
}

#[test]
fn adv_75_headers_of_the_connection_and_the_sender_are_refused() {
    for name in [
        "Host",
        "HOST",
        "Connection",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Content-Length",
        "content_length",
        "Transfer-Encoding",
        "Transfer_Encoding",
        "Expect",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Proxy-Authenticate",
        "HTTP2-Settings",
        "Content-Type",
        "Content-Encoding",
        "Accept-Encoding",
        "User-Agent",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "x_forwarded_proto",
        "Forwarded",
        "X-Real-IP",
        "Via",
        "Metadata",
        "Metadata-Flavor",
        "X-aws-ec2-metadata-token",
        "X-aws-ec2-metadata-token-ttl-seconds",
        "X-Google-Metadata-Request",
        "X-HTTP-Method-Override",
        "X-Original-URL",
        "webhook-id",
        "Webhook-Signature",
        "webhook_timestamp",
        "webhook-anything",
        "x-webhook-signature",
        "X_Webhook_Signature",
    ] {
        assert_eq!(kind(name, "value"), HeaderErrorKind::Reserved, "{name}");
    }
}

#[test]
fn adv_75_what_would_break_the_request_is_refused() {
    for name in ["", " ", "a b", "a:b", "a\r\nb", "a\nHost", "a\0", "ä", "a(b)", "x-a ", &"a".repeat(129)] {
        assert_eq!(kind(name, "value"), HeaderErrorKind::Name, "{name:?}");
    }
    for value in
        ["a\r\nHost: b", "a\nb", "a\rb", "a\0b", "\r\n", "ä", "\x7f", " a", "a ", "a\t", &"a".repeat(4097)]
    {
        assert_eq!(kind("x-name", value), HeaderErrorKind::Value, "{value:?}");
    }
}

#[test]
fn adv_75_there_is_a_limit_and_no_name_stands_twice() {
    let names: Vec<_> = (0..33).map(|number| format!("x-{number}")).collect();
    let headers = || names.iter().map(|name| (&**name, "value"));
    assert!(CustomHeaders::check(headers().take(32), &[]).is_ok());
    let error = CustomHeaders::check(headers(), &[]).expect_err("too many");
    assert_eq!(error.kind(), HeaderErrorKind::TooMany);
    let error = CustomHeaders::check([("x-a", "1"), ("X-A", "2")], &[]).expect_err("repeated");
    assert_eq!(error.kind(), HeaderErrorKind::Repeated);
}

#[test]
fn an_error_names_the_header_and_not_its_value() {
    let error = CustomHeaders::check([("Authorization", "CANARY\n")], &[]).expect_err("a line break");
    assert!(error.to_string().contains("authorization"), "{error}");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("CANARY"), "{text}");
    }
    let headers = CustomHeaders::check([("Authorization", "CANARY")], &[]).expect("headers");
    assert_eq!(format!("{headers:?}"), r#"["authorization"]"#);
}

fn kind(name: &str, value: &str) -> HeaderErrorKind {
    CustomHeaders::check([(name, value)], RESERVED).expect_err(name).kind()
}
