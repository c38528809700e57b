//! The classes of addresses, range by range.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use countersign_transport::{AddressClass, Policy, Target, TargetErrorKind, classify};

use crate::support::ip;

/// First and last of every range of IPv4 that is not public.
const V4: &[(&str, &str)] = &[
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("168.63.129.16", "168.63.129.16"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
];

/// First and last of every range of IPv6 that is not public.
const V6: &[(&str, &str)] = &[
    ("::", "::"),
    ("::1", "::1"),
    ("::", "::ffff:ffff"),
    ("::ffff:0.0.0.0", "::ffff:255.255.255.255"),
    ("::ffff:0:0.0.0.0", "::ffff:0:255.255.255.255"),
    ("::", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("64:ff9b::", "64:ff9b::ffff:ffff"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::", "100::ffff:ffff:ffff:ffff"),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
    ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fd00:ec2::254", "fd00:ec2::254"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    // What lies outside of global unicast is not allocated, so it isn't public either.
    ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

#[test]
fn adv_69_the_first_and_the_last_of_every_range_are_refused() {
    for (first, last) in V4.iter().chain(V6) {
        for address in [ip(first), ip(last)] {
            refused(address);
        }
    }
}

#[test]
fn adv_69_the_neighbours_of_every_range_are_public_unless_they_are_in_another() {
    let mut public = 0;
    for (first, last) in V4.iter().chain(V6) {
        for neighbour in [before(ip(first)), after(ip(last))].into_iter().flatten() {
            let in_another = V4.iter().chain(V6).any(|range| lies_in(neighbour, range));
            let is_public = classify(neighbour) == AddressClass::Public;
            assert_eq!(is_public, !in_another, "{neighbour}");
            public += usize::from(is_public);
        }
    }
    assert_eq!(public, 39, "neighbours that are public");
}

#[test]
fn adv_69_addresses_are_what_they_are_for() {
    for (address, class) in [
        ("0.1.2.3", AddressClass::Unspecified),
        ("10.1.2.3", AddressClass::Private),
        ("100.100.100.100", AddressClass::Shared),
        ("100.100.100.200", AddressClass::Metadata),
        ("127.0.0.53", AddressClass::Loopback),
        ("168.63.129.16", AddressClass::Metadata),
        ("169.254.0.1", AddressClass::LinkLocal),
        ("169.254.169.254", AddressClass::Metadata),
        ("169.254.170.2", AddressClass::Metadata),
        ("192.0.0.192", AddressClass::Metadata),
        ("224.0.0.1", AddressClass::Multicast),
        ("255.255.255.255", AddressClass::Reserved),
        ("::", AddressClass::Unspecified),
        ("::1", AddressClass::Loopback),
        ("fd00:ec2::254", AddressClass::Metadata),
        ("fd12:3456::1", AddressClass::Private),
        ("fe80::1", AddressClass::LinkLocal),
        ("ff02::1", AddressClass::Multicast),
        ("4000::1", AddressClass::Reserved),
    ] {
        assert_eq!(classify(ip(address)), class, "{address}");
    }
}

#[test]
fn public_addresses_are_public() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "52.95.110.1",
        "168.63.129.15",
        "198.17.255.255",
        "2001:4860:4860::8888",
        "2606:4700::6810:84e5",
        "2a00:1450:4001:80b::200e",
        "2400:cb00:2048:1::c629:d7a2",
    ] {
        assert_eq!(classify(ip(address)), AddressClass::Public, "{address}");
    }
}

#[test]
fn adv_67_addresses_mapped_to_ipv4_are_refused() {
    for address in
        ["::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "0:0:0:0:0:ffff:7f00:1", "::ffff:8.8.8.8", "::ffff:10.0.0.1"]
    {
        embeds(address);
    }
}

#[test]
fn adv_68_addresses_with_ipv4_inside_are_refused_whatever_is_inside() {
    for inside in ["7f00:1", "a9fe:a9fe", "a00:1", "808:808"] {
        for around in ["::", "::ffff:0:", "64:ff9b::", "64:ff9b:1::", "64:ff9b:1:abcd::"] {
            // `::0:1` is how the loopback address is written, not an IPv4 address.
            embeds(&format!("{around}{inside}"));
        }
        embeds(&format!("2002:{inside}::1"));
        embeds(&format!("2001:0:{inside}:8000:63bf:3fff:fdd2"));
        for interface in ["0:5efe", "200:5efe", "100:5efe", "300:5efe"] {
            for network in ["2606:4700:1:2", "2001:4860:0:1", "fe80:0:0:0"] {
                embeds(&format!("{network}:{interface}:{inside}"));
            }
        }
    }
    refused(ip("fec0::1"));
}

fn embeds(address: &str) {
    assert_eq!(classify(ip(address)), AddressClass::EmbedsIpv4, "{address}");
    refused(ip(address));
}

/// Neither is the address public, nor is a URL with it a target.
fn refused(address: IpAddr) {
    assert_ne!(classify(address), AddressClass::Public, "{address}");
    let url = match address {
        IpAddr::V4(address) => format!("https://{address}/"),
        IpAddr::V6(address) => format!("https://[{address}]/"),
    };
    let error = Target::parse(&url, &Policy::new()).map(drop).expect_err(&url);
    assert_eq!(error.kind(), TargetErrorKind::Address, "{url}");
}

fn lies_in(address: IpAddr, (first, last): &(&str, &str)) -> bool {
    let (first, last) = (ip(first), ip(last));
    address.is_ipv4() == first.is_ipv4() && first <= address && address <= last
}

fn before(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_sub(1).map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(v6) => v6.to_bits().checked_sub(1).map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_add(1).map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(v6) => v6.to_bits().checked_add(1).map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}
