//! What would allow a URL that the server's policy doesn't permit.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use countersign_transport::{AddressClass, Policy, Target, TargetErrorKind, classify};
use url::{Host, Url};

/// Checks the URL of an endpoint. What one is refused for that leads into a network of one's own is said all at once,
/// with the arguments of `countersign serve` that allow it.
///
/// # Errors
/// Why it can't be an endpoint's.
pub(crate) fn check(url: &str, policy: &Policy) -> Result<(), String> {
    let Err(error) = Target::parse(url, policy) else { return Ok(()) };
    let is_guarded =
        matches!(error.kind(), TargetErrorKind::Scheme | TargetErrorKind::Port | TargetErrorKind::Address);
    Err(match arguments(url, policy).filter(|_| is_guarded) {
        Some(arguments) => format!("{error}. `countersign serve {arguments}` allows it"),
        None => error.to_string(),
    })
}

/// The arguments that allow the URL beside what the policy does; `None` where none should.
fn arguments(url: &str, policy: &Policy) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let (mut allowed, mut arguments) = (policy.clone(), Vec::new());
    if parsed.scheme() == "http" && !policy.permits_http() {
        allowed = allowed.allow_http();
        arguments.push("--allow-http".to_owned());
    }
    let port = parsed.port_or_known_default()?;
    if !allowed.permits_port(port) {
        allowed = allowed.allow_port(port);
        arguments.push(format!("--allow-port {port}"));
    }
    if let Some(address) = address(&parsed).filter(|address| !policy.permits_address(*address)) {
        let network = network(address)?;
        allowed = allowed.allow_network(network.parse().ok()?);
        arguments.push(format!("--allow-network {network}"));
    }
    Target::parse(url, &allowed).ok().map(|_| arguments.join(" "))
}

/// The address that is the URL's host.
fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain("localhost") => Some(Ipv4Addr::LOCALHOST.into()),
        Host::Domain(_) => None,
    }
}

/// The network to allow for an address: this machine, or the address alone. None for those that are no receiver's.
fn network(address: IpAddr) -> Option<String> {
    match (classify(address), address) {
        (AddressClass::Loopback, IpAddr::V4(_)) => Some("127.0.0.0/8".to_owned()),
        (AddressClass::Loopback, IpAddr::V6(_)) => Some(format!("{}/128", Ipv6Addr::LOCALHOST)),
        (AddressClass::Private | AddressClass::Shared, IpAddr::V4(_)) => Some(format!("{address}/32")),
        (AddressClass::Private, IpAddr::V6(_)) => Some(format!("{address}/128")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        for (url, arguments) in [
            ("http://127.0.0.1:9000/h", "--allow-http --allow-port 9000 --allow-network 127.0.0.0/8"),
            ("http://localhost:9000/", "--allow-http --allow-port 9000 --allow-network 127.0.0.0/8"),
            ("https://[::1]/", "--allow-network ::1/128"),
            ("http://[fd00::7]/", "--allow-http --allow-network fd00::7/128"),
            ("https://10.1.2.3:8443/", "--allow-port 8443 --allow-network 10.1.2.3/32"),
            ("http://example.com/", "--allow-http"),
        ] {
            let refused = check(url, &Policy::new()).expect_err(url);
            assert!(refused.ends_with(&format!(". `countersign serve {arguments}` allows it")), "{refused}");
        }
    }

    #[test]
    fn what_is_allowed_already_is_not_named() {
        let policy = Policy::new().allow_http().allow_network("127.0.0.0/8".parse().expect("a network"));
        let refused = check("http://127.0.0.1:9000/", &policy).expect_err("the port");
        assert!(refused.ends_with("`countersign serve --allow-port 9000` allows it"), "{refused}");
        assert_eq!(check("http://127.0.0.1:9000/", &policy.allow_port(9000)), Ok(()));
    }

    #[test]
    fn no_argument_is_named_for_what_none_should_allow() {
        for url in [
            "https://169.254.169.254/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://[::ffff:127.0.0.1]/",
            "http://user@127.0.0.1/",
            "https://127.0.0.1:0/",
            "ftp://127.0.0.1/",
            "nonsense",
        ] {
            let refused = check(url, &Policy::new()).expect_err(url);
            assert!(!refused.contains("countersign serve"), "{url}: {refused}");
        }
    }
}
