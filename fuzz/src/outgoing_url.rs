//! A URL that may be called leads where it says: every parser finds the same host and port, and no
//! spelling leads to an address that isn't public. The input is a URL, or begins with another letter
//! than `h` and spells an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arbitrary::{Arbitrary, Unstructured};
use countersign_transport::{Policy, Target};
use http::Uri;
use url::Url;

use crate::known::pick;

/// Checks a URL against the policy that allows the most without naming a network.
///
/// # Panics
/// Where it leads elsewhere.
pub fn target(data: &[u8]) {
    if data.starts_with(b"h") {
        if let Ok(url) = str::from_utf8(data) {
            check(url);
        }
        return;
    }
    let Ok(spelled) = Spelled::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let allowed = check(&spelled.url());
    assert!(!allowed || !is_forbidden(spelled.address.ip()), "{}", spelled.url());
}

/// Whether the URL may be called; and that it leads where it says.
fn check(url: &str) -> bool {
    let policy = Policy::new().allow_http().allow_ports(0..=u16::MAX);
    let Ok(target) = Target::parse(url, &policy) else { return false };
    let whole = Url::parse(url).expect("a URL");
    let uri: Uri = target.expose().parse().expect("a URI");
    assert_eq!(whole.as_str(), target.expose());
    assert_eq!((whole.host_str(), whole.port()), (uri.host(), uri.port_u16()));
    assert_eq!(uri.host(), Some(&*target.host()));
    assert_eq!(whole.port_or_known_default(), Some(target.port()));
    assert_eq!(uri.scheme_str() == Some("https"), target.is_https());
    assert!(target.port() != 0 && whole.username().is_empty() && whole.password().is_none());
    check_host(&target.host());
    check_shown(&target);
    true
}

/// Checks that a host is a public address, or a name that nothing takes for an address.
fn check_host(host: &str) {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => assert!(!is_forbidden(address), "{address} is allowed"),
        Err(_) => {
            assert_eq!(inet_aton(host), None, "{host} is an address to getaddrinfo");
            assert!(!format!(".{host}").ends_with(".localhost") && !host.ends_with('.'), "{host} is allowed");
        }
    }
}

/// Checks that neither path nor query is shown.
fn check_shown(target: &Target) {
    let shown = target.to_string();
    let path = shown.splitn(4, '/').last();
    assert_eq!(path, Some("…"));
    assert_eq!(format!("{target:?}"), format!("Target({shown})"));
}

/// An address in a spelling that some parser reads.
#[derive(Arbitrary, Debug)]
struct Spelled {
    address: Address,
    spelling: [u8; 4],
    parts: u8,
    escaped: u64,
    before: u8,
    after: u8,
    https: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Address {
    V4(u32),
    Near(u8, u8),
    V6(u128),
    /// An IPv4 address in the lower half of one of the prefixes that carry such.
    In6(u8, u32),
}

impl Address {
    fn ip(self) -> IpAddr {
        match self {
            Address::V4(bits) => Ipv4Addr::from_bits(bits).into(),
            Address::Near(place, offset) => {
                let (first, _) = pick(FORBIDDEN, place);
                Ipv4Addr::from_bits(first.to_bits().wrapping_add(offset.into()).wrapping_sub(8)).into()
            }
            Address::V6(bits) => Ipv6Addr::from_bits(bits).into(),
            Address::In6(place, bits) => {
                Ipv6Addr::from_bits(pick(CARRIERS, place).to_bits() | u128::from(bits)).into()
            }
        }
    }
}

impl Spelled {
    fn url(&self) -> String {
        let host = match self.address.ip() {
            IpAddr::V4(address) => self.escape(&self.spell(address)),
            IpAddr::V6(address) => match self.parts % 3 {
                0 => format!("[{address}]"),
                1 => format!("[{}]", self.groups(address)),
                _ => format!("[{}]", self.with_ipv4(address)),
            },
        };
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{host}{}", pick(BEFORE, self.before), pick(AFTER, self.after))
    }

    /// One to four numbers, each in decimal, octal or hexadecimal, the last for all bytes that are left.
    fn spell(&self, address: Ipv4Addr) -> String {
        let (bytes, parts) = (address.octets(), usize::from(self.parts % 4));
        let last = bytes[parts..].iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        let numbers = bytes[..parts].iter().map(|byte| u32::from(*byte)).chain([last]);
        let write = |(number, spelling): (u32, u8)| match spelling % 6 {
            0 | 1 => number.to_string(),
            2 => format!("0{number:o}"),
            3 => format!("0x{number:x}"),
            4 => format!("0X{number:08X}"),
            _ => format!("{number:03}"),
        };
        numbers.zip(self.spelling).map(write).collect::<Vec<_>>().join(".")
    }

    /// Writes some characters as escapes, or as full-width ones.
    fn escape(&self, host: &str) -> String {
        let escape = |(place, byte): (u32, u8)| match (self.escaped >> (2 * place.min(31))) & 3 {
            1 => format!("%{byte:02x}"),
            2 => char::from_u32(0xfee0 + u32::from(byte)).unwrap_or('.').to_string(),
            _ => char::from(byte).to_string(),
        };
        (0..).zip(host.bytes()).map(escape).collect()
    }

    /// Eight groups, none left out.
    fn groups(&self, address: Ipv6Addr) -> String {
        let groups = address.segments().map(|group| match self.spelling[0] % 2 {
            0 => format!("{group:x}"),
            _ => format!("{group:04X}"),
        });
        groups.join(":")
    }

    /// Six groups, then four numbers.
    fn with_ipv4(&self, address: Ipv6Addr) -> String {
        let [a, b, c, d, e, f, ..] = address.segments();
        let [.., w, x, y, z] = address.octets();
        format!("{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}:{w}.{x}.{y}.{z}")
    }
}

/// What stands before and behind the host; none of it changes where the URL leads.
const BEFORE: &[&str] = &["", "", "", "user@", "example.com:80@"];
const AFTER: &[&str] =
    &["", "/", "/in?tenant=7", ":443/", ":80", ":0080/", "?@example.com", ".", "./", "\\@example.com"];

/// The first and the last address of each range that is nobody's to call.
const FORBIDDEN: &[(Ipv4Addr, Ipv4Addr)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), Ipv4Addr::new(0, 255, 255, 255)),
    (Ipv4Addr::new(10, 0, 0, 0), Ipv4Addr::new(10, 255, 255, 255)),
    (Ipv4Addr::new(100, 64, 0, 0), Ipv4Addr::new(100, 127, 255, 255)),
    (Ipv4Addr::new(127, 0, 0, 0), Ipv4Addr::new(127, 255, 255, 255)),
    (Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(168, 63, 129, 16)),
    (Ipv4Addr::new(169, 254, 0, 0), Ipv4Addr::new(169, 254, 255, 255)),
    (Ipv4Addr::new(172, 16, 0, 0), Ipv4Addr::new(172, 31, 255, 255)),
    (Ipv4Addr::new(192, 0, 0, 0), Ipv4Addr::new(192, 0, 0, 255)),
    (Ipv4Addr::new(192, 0, 2, 0), Ipv4Addr::new(192, 0, 2, 255)),
    (Ipv4Addr::new(192, 88, 99, 0), Ipv4Addr::new(192, 88, 99, 255)),
    (Ipv4Addr::new(192, 168, 0, 0), Ipv4Addr::new(192, 168, 255, 255)),
    (Ipv4Addr::new(198, 18, 0, 0), Ipv4Addr::new(198, 19, 255, 255)),
    (Ipv4Addr::new(198, 51, 100, 0), Ipv4Addr::new(198, 51, 100, 255)),
    (Ipv4Addr::new(203, 0, 113, 0), Ipv4Addr::new(203, 0, 113, 255)),
    (Ipv4Addr::new(224, 0, 0, 0), Ipv4Addr::new(255, 255, 255, 255)),
];

/// IPv6 prefixes that carry an IPv4 address in their last 32 bits.
const CARRIERS: &[Ipv6Addr] = &[
    Ipv6Addr::UNSPECIFIED,
    Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0),
    Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0),
    Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0),
    Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5efe, 0, 0),
    Ipv6Addr::new(0x2600, 0, 0, 0, 0x200, 0x5efe, 0, 0),
];

fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => FORBIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&address)),
        IpAddr::V6(address) => is_forbidden_v6(address),
    }
}

/// All that isn't global unicast; and of that what is for documentation, for protocols, or carries IPv4.
fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    let [a, b, _, _, _, f, ..] = address.segments();
    let isatap = f == 0x5efe && address.segments()[4] & 0xfcff == 0;
    match (a, b) {
        (0x2001, 0..=0x1ff | 0xdb8) | (0x2002, _) | (0x3fff, 0..=0xfff) => true,
        (0x2000..=0x3fff, _) => isatap,
        _ => true,
    }
}

/// The address that the C library's `inet_aton` reads: one to four numbers, each decimal, octal (`0…`) or
/// hexadecimal (`0x…`).
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| {
        let lower = part.to_ascii_lowercase();
        match lower.strip_prefix("0x") {
            Some("") => None,
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None if lower.len() > 1 && lower.starts_with('0') => u64::from_str_radix(&lower, 8).ok(),
            None => lower.parse().ok(),
        }
    };
    let parts: Vec<&str> = text.split('.').collect();
    let numbers: Vec<u64> = parts.iter().map(|part| number(part)).collect::<Option<_>>()?;
    let (last, bytes) = numbers.split_last()?;
    let left = 4_usize.checked_sub(bytes.len())?;
    let fits = bytes.iter().all(|byte| *byte < 256) && *last < 1 << (8 * left);
    let bits = bytes.iter().zip([24, 16, 8]).fold(*last, |bits, (byte, shift)| bits | byte << shift);
    fits.then(|| u32::try_from(bits).ok().map(Ipv4Addr::from_bits)).flatten()
}
