//! Which addresses are public, and what the others are for.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{Ipv4Net, Ipv6Net};

/// What an address is for, as far as it matters to somebody who dials it for a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressClass {
    /// An address of the public internet: the only class that is dialled without an exception.
    Public,
    /// "This network", which systems take for themselves (`0.0.0.0/8`, `::`).
    Unspecified,
    /// The machine itself.
    Loopback,
    /// Private networks, and IPv6 site-local ones.
    Private,
    /// Shared between a provider and its customers (`100.64.0.0/10`).
    Shared,
    /// Reachable on the same link only.
    LinkLocal,
    /// A cloud's service that hands out credentials or settings to its machines.
    Metadata,
    /// An IPv6 address with an IPv4 address inside, public or not.
    EmbedsIpv4,
    /// Groups of machines.
    Multicast,
    /// For documentation, benchmarks and protocols, or not assigned.
    Reserved,
}

impl AddressClass {
    /// The name that logs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            AddressClass::Public => "public",
            AddressClass::Unspecified => "unspecified",
            AddressClass::Loopback => "loopback",
            AddressClass::Private => "private",
            AddressClass::Shared => "shared",
            AddressClass::LinkLocal => "link-local",
            AddressClass::Metadata => "metadata",
            AddressClass::EmbedsIpv4 => "ipv4-in-ipv6",
            AddressClass::Multicast => "multicast",
            AddressClass::Reserved => "reserved",
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `address` is for.
///
/// By IANA's registries of special-purpose addresses, and more strictly: of IPv6, only what is
/// allocated as global unicast (`2000::/3`) can be public, and no address with an IPv4 address
/// inside is. A translator whose prefix is a network's own (RFC 6052, section 2.2) can't be known
/// from the address.
#[must_use]
pub fn classify(address: IpAddr) -> AddressClass {
    if METADATA.contains(&address) {
        return AddressClass::Metadata;
    }
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    let range = IPV4.iter().find(|(range, _)| range.contains(&address));
    range.map_or(AddressClass::Public, |(_, class)| *class)
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    if is_isatap(address) {
        return AddressClass::EmbedsIpv4;
    }
    let range = IPV6.iter().find(|(range, _)| range.contains(&address));
    range.map_or(AddressClass::Reserved, |(_, class)| *class)
}

/// Whether the interface's identifier is that of ISATAP (RFC 5214, section 6.1), in any network. The
/// two lower bits of its first byte say whether it is unique and for a group.
fn is_isatap(address: Ipv6Addr) -> bool {
    let [.., high, low, _, _] = address.segments();
    high & !0x0300 == 0 && low == 0x5efe
}

/// The IPv4 addresses inside of one that [embeds](AddressClass::EmbedsIpv4) such.
///
/// Where one stands in an address of a local translator depends on the length of its prefix (RFC 6052,
/// section 2.2), so it is each that can be meant; but for `0.0.0.0/8`, to which no translator leads.
pub(crate) fn embedded(address: IpAddr) -> Vec<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return Vec::new() };
    let bytes = address.octets();
    let at = |places: [usize; 4]| Ipv4Addr::from(places.map(|place| bytes[place]));
    let last = at([12, 13, 14, 15]);
    let mut inside = match address.segments() {
        [0x64, 0xff9b, 1, ..] => {
            let any = [at([6, 7, 9, 10]), at([7, 9, 10, 11]), at([9, 10, 11, 12]), last];
            any.into_iter().filter(|address| address.octets()[0] != 0).collect()
        }
        // The server's, and the client's, of which each bit is turned round.
        [0x2001, 0, ..] => vec![at([4, 5, 6, 7]), Ipv4Addr::from_bits(!last.to_bits())],
        [0x2002, ..] => vec![at([2, 3, 4, 5])],
        _ => vec![last],
    };
    if is_isatap(address) {
        inside.push(last);
    }
    inside
}

/// IANA IPv4 Special-Purpose Address Registry, but for the anycast services that are globally
/// reachable; and the multicast and reserved blocks of the address space's registry.
const IPV4: &[(Ipv4Net, AddressClass)] = &[
    (v4([0, 0, 0, 0], 8), AddressClass::Unspecified),    // RFC 791
    (v4([10, 0, 0, 0], 8), AddressClass::Private),       // RFC 1918
    (v4([100, 64, 0, 0], 10), AddressClass::Shared),     // RFC 6598
    (v4([127, 0, 0, 0], 8), AddressClass::Loopback),     // RFC 1122
    (v4([169, 254, 0, 0], 16), AddressClass::LinkLocal), // RFC 3927
    (v4([172, 16, 0, 0], 12), AddressClass::Private),    // RFC 1918
    (v4([192, 0, 0, 0], 24), AddressClass::Reserved),    // RFC 6890, protocol assignments
    (v4([192, 0, 2, 0], 24), AddressClass::Reserved),    // RFC 5737, documentation
    (v4([192, 88, 99, 0], 24), AddressClass::Reserved),  // RFC 7526, once 6to4 relays
    (v4([192, 168, 0, 0], 16), AddressClass::Private),   // RFC 1918
    (v4([198, 18, 0, 0], 15), AddressClass::Reserved),   // RFC 2544, benchmarks
    (v4([198, 51, 100, 0], 24), AddressClass::Reserved), // RFC 5737, documentation
    (v4([203, 0, 113, 0], 24), AddressClass::Reserved),  // RFC 5737, documentation
    (v4([224, 0, 0, 0], 4), AddressClass::Multicast),    // RFC 5771
    (v4([240, 0, 0, 0], 4), AddressClass::Reserved),     // RFC 1112, and the broadcast address
];

/// IANA IPv6 Special-Purpose Address Registry and address space, the narrower range first. What is
/// in no range is not allocated.
const IPV6: &[(Ipv6Net, AddressClass)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), AddressClass::Unspecified), // RFC 4291
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), AddressClass::Loopback),    // RFC 4291
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), AddressClass::EmbedsIpv4),   // RFC 4291, IPv4-compatible
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), AddressClass::EmbedsIpv4), // RFC 4291, IPv4-mapped
    (v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), AddressClass::EmbedsIpv4), // RFC 2765, IPv4-translated
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), AddressClass::EmbedsIpv4), // RFC 6052, NAT64
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), AddressClass::EmbedsIpv4), // RFC 8215, local NAT64
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), AddressClass::EmbedsIpv4), // RFC 4380, Teredo
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), AddressClass::Reserved), // RFC 2928, protocol assignments
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), AddressClass::Reserved), // RFC 3849, documentation
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), AddressClass::EmbedsIpv4), // RFC 3056, 6to4
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), AddressClass::Reserved), // RFC 9637, documentation
    (v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3), AddressClass::Public),   // RFC 4291, global unicast
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), AddressClass::Private),  // RFC 4193
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), AddressClass::LinkLocal), // RFC 4291
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), AddressClass::Private), // RFC 3879, site-local
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), AddressClass::Multicast), // RFC 4291
];

/// Where clouds answer their machines, by their documentation. All but Azure's lie in ranges that are
/// refused anyhow; they are named because opening such a range must not open these.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), // AWS, Azure, Google, Oracle, DigitalOcean, …
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),   // AWS ECS: credentials of tasks
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),  // AWS EKS: credentials of pods
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),   // Scaleway
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure: the host's agent, in public space
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle, classic
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // AWS
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), // AWS EKS
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)), // Scaleway
];

const fn v4(address: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(address: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}
