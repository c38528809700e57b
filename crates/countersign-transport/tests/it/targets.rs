//! URLs that are endpoints, and URLs that are refused.

use countersign_transport::{Policy, Target, TargetErrorKind};
use proptest::prelude::*;

#[test]
fn a_url_is_normalised_and_requested_as_it_was_checked() {
    for (url, requested) in [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.com:443/Hook", "https://example.com/Hook"),
        ("https://example.com/a/../b?q=1&r=%20", "https://example.com/b?q=1&r=%20"),
        ("https://bücher.example/é", "https://xn--bcher-kva.example/%C3%A9"),
        ("https://example.com/a|b[c]{d}\"'`", "https://example.com/a|b[c]%7Bd%7D%22'%60"),
        ("https://hooks_a.example.com/", "https://hooks_a.example.com/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:0:0::1]/", "https://[2606:4700::1]/"),
    ] {
        let target = Target::parse(url, &Policy::new()).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(target.expose(), requested);
        assert!(target.is_https());
        assert_eq!(target.port(), 443);
    }
}

#[test]
fn adv_65_addresses_in_urls_are_refused() {
    for host in ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "[fd00::1]", "0.0.0.0", "[::]"] {
        assert_eq!(kind(&format!("https://{host}/")), TargetErrorKind::Address, "{host}");
        assert_eq!(kind(&format!("http://{host}/")), TargetErrorKind::Scheme, "{host}");
    }
}

#[test]
fn adv_66_addresses_in_unusual_writing_are_refused_even_where_they_are_public_or_allowed() {
    let hosts = [
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "0",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "１２７.0.0.1",
        "%31%32%37.0.0.1",
        "134744072",
        "8.8.2056",
        "4294967296",
        "127.0.0.1.1",
        "256.0.0.1",
        "1.2.3.4.5",
        "example.1",
        "127.0.0.0x1",
    ];
    let everything = ["0.0.0.0/0", "::/0"].map(|network| network.parse().expect("a network"));
    let open = everything.into_iter().fold(Policy::new(), Policy::allow_network);
    for host in hosts {
        for policy in [&Policy::new(), &open] {
            let error = Target::parse(&format!("https://{host}/"), policy).map(drop).expect_err(host);
            assert_eq!(error.kind(), TargetErrorKind::Host, "{host}");
        }
    }
}

#[test]
fn adv_67_and_68_addresses_with_ipv4_inside_are_refused() {
    for host in [
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[2606:4700::5efe:7f00:1]",
        "[fec0::1]",
    ] {
        assert_eq!(kind(&format!("https://{host}/")), TargetErrorKind::Address, "{host}");
    }
}

#[test]
fn adv_72_hosts_that_are_none_are_refused() {
    for host in [
        "LOCALHOST.",
        "example.com.",
        "[example.com]",
        "xn--example-.org",
        "xn--a",
        "%00",
        "a%00b.example",
        "a%2eexample",
        "a..b",
        ".example.com",
        "exa mple.com",
        "exa\tmple.com",
        "example.com\\@evil.example",
        "[fe80::1%25eth0]",
        "[::1",
        "::1",
        "a<b",
        "*.example.com",
        &format!("{}.example", "a".repeat(64)),
        &format!("{}example", "a.".repeat(124)),
    ] {
        let kind = kind(&format!("https://{host}/"));
        let is_form = matches!(kind, TargetErrorKind::Host | TargetErrorKind::Malformed);
        assert!(is_form, "{host}: {kind:?}");
    }
    for host in ["localhost", "LOCALHOST", "a.localhost"] {
        assert_eq!(kind(&format!("https://{host}/")), TargetErrorKind::Address, "{host}");
    }
}

#[test]
fn adv_72_userinfo_and_other_ports_are_refused() {
    for url in [
        "https://a@127.0.0.1/",
        "https://u:p@example.com/",
        "https://@example.com/",
        "https://:@example.com/",
    ] {
        assert_eq!(kind(url), TargetErrorKind::Userinfo, "{url}");
    }
    for port in [0, 1, 22, 25, 80, 442, 444, 6379, 8080, 8443, 65535] {
        assert_eq!(kind(&format!("https://example.com:{port}/")), TargetErrorKind::Port, "{port}");
    }
    for port in ["65536", "-1", "4a", "443:443"] {
        assert_eq!(kind(&format!("https://example.com:{port}/")), TargetErrorKind::Malformed, "{port}");
    }
}

#[test]
fn adv_72_what_is_no_https_url_is_refused() {
    for url in
        ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript://example.com/"]
    {
        assert_eq!(kind(url), TargetErrorKind::Scheme, "{url}");
    }
    for url in [
        "",
        "a@127.0.0.1",
        "example.com:22",
        "//example.com/",
        "https:example.com",
        "https:/example.com/",
        "https:\\\\example.com\\",
        " https://example.com/",
        "https://example.com/ ",
        "https://example.com/\n",
        "ht\ntps://example.com/",
        "https://example.com/\u{a0}",
        "https://example.com/#fragment",
    ] {
        assert_eq!(kind(url), TargetErrorKind::Malformed, "{url:?}");
    }
    for url in ["https://", "https:///", "https:////example.com/", "https://?q", "https://#"] {
        assert_eq!(kind(url), TargetErrorKind::Host, "{url}");
    }
    let of_length = |length: usize| format!("{:a<length$}", "https://example.com/");
    assert!(Target::parse(&of_length(2048), &Policy::new()).is_ok());
    assert_eq!(kind(&of_length(2049)), TargetErrorKind::Malformed);
}

#[test]
fn http_is_allowed_by_name() {
    let policy = Policy::new().allow_http();
    let target = Target::parse("http://example.com/hook", &policy).expect("a target");
    assert!(!target.is_https());
    assert_eq!(target.port(), 80);
    let error = target.check(&Policy::new()).expect_err("another policy");
    assert_eq!(error.kind(), TargetErrorKind::Scheme);
}

#[test]
fn localhost_is_a_target_where_the_machine_itself_is_allowed() {
    let policy = Policy::new().allow_network("127.0.0.0/8".parse().expect("a network"));
    assert!(Target::parse("https://localhost/", &policy).is_ok());
}

#[test]
fn an_error_says_what_to_do() {
    for (url, text) in [
        ("http://example.com/", "the URL is http, which isn't allowed here: use https"),
        ("https://example.com:8443/", "port 8443 isn't allowed: use the standard port"),
        ("https://127.1/", "write the host's address as four plain decimal numbers"),
        (
            "https://10.0.0.1/",
            "the URL's host is a private address: use a public one, or have its network allowed",
        ),
    ] {
        let error = Target::parse(url, &Policy::new()).map(drop).expect_err(url);
        assert_eq!(error.to_string(), text);
    }
}

proptest! {
    /// Whatever is written, a target is a permitted one, and every reader finds the same host in it.
    #[test]
    fn what_is_accepted_is_permitted_and_means_one_thing(
        authority in "[a-z0-9.:@%\\[\\]xX①。１ -]{1,24}",
        tail in "[/?#\\\\@:a-z0-9.]{0,12}",
    ) {
        let policy = Policy::new();
        let url = format!("https://{authority}{tail}");
        if let Ok(target) = Target::parse(&url, &policy) {
            let requested = target.expose();
            let uri: http::Uri = requested.parse().expect("a URI");
            let host = target.host();
            prop_assert_eq!(uri.host(), Some(&*host));
            prop_assert_eq!(target.port(), 443);
            prop_assert!(!requested.contains('@') || requested.find('@') > requested[8..].find(['/', '?']));
            prop_assert!(Target::parse(&requested, &policy).is_ok());
            prop_assert!(is_public_or_name(&host, &policy), "{host}");
        }
    }

    #[test]
    fn an_address_is_a_target_if_and_only_if_it_is_permitted(bits: u128, narrow in 0_u32..128) {
        let policy = Policy::new();
        let v4 = std::net::Ipv4Addr::from_bits((bits >> 96) as u32);
        let v6 = std::net::Ipv6Addr::from_bits(bits >> narrow);
        let accepted = |host: String| Target::parse(&format!("https://{host}/"), &policy).is_ok();
        prop_assert_eq!(accepted(v4.to_string()), policy.permits_address(v4.into()));
        prop_assert_eq!(accepted(format!("[{v6}]")), policy.permits_address(v6.into()));
        for number in [v4.to_bits().to_string(), format!("0x{:x}", v4.to_bits())] {
            prop_assert!(!accepted(number));
        }
    }
}

/// Whether the host is an address that is permitted, or a name that no system takes for an address.
fn is_public_or_name(host: &str, policy: &Policy) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(address) => policy.permits_address(address),
        Err(_) => {
            let last = host.rsplit('.').next().unwrap_or_default();
            !last.starts_with("0x") && !last.bytes().all(|byte| byte.is_ascii_digit())
        }
    }
}

fn kind(url: &str) -> TargetErrorKind {
    Target::parse(url, &Policy::new()).map(drop).expect_err(url).kind()
}
