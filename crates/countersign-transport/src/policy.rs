//! What may be dialled.

use std::{net::IpAddr, ops::RangeInclusive};

use ipnet::IpNet;

use crate::address::{AddressClass, classify, embedded};

/// What may be dialled: which scheme, which ports, which addresses.
///
/// Without exceptions: `https`, port 443, public addresses.
///
/// ```
/// use countersign_transport::Policy;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::new().allow_port(8443).allow_network("10.20.0.0/16".parse()?);
/// assert!(policy.permits_address("10.20.0.7".parse()?));
/// assert!(!policy.permits_address("10.21.0.7".parse()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    http: bool,
    ports: Vec<RangeInclusive<u16>>,
    networks: Vec<IpNet>,
}

impl Policy {
    /// `https`, port 443, public addresses.
    #[must_use]
    pub fn new() -> Self {
        Policy { http: false, ports: vec![443..=443], networks: Vec::new() }
    }

    /// Also `http`, and port 80. Whoever is on the way reads such deliveries and can change their
    /// answers.
    #[must_use]
    pub fn allow_http(self) -> Self {
        Policy { http: true, ..self }.allow_port(80)
    }

    /// Also this port.
    #[must_use]
    pub fn allow_port(self, port: u16) -> Self {
        self.allow_ports(port..=port)
    }

    /// Also these ports. Port 0 can't be allowed.
    #[must_use]
    pub fn allow_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.ports.push(ports);
        self
    }

    /// Also the addresses of this network, whatever they are for.
    ///
    /// # Security
    /// Whoever may create an endpoint reaches everything in the network, on every port that is
    /// allowed. The addresses where a cloud hands out credentials
    /// ([`Metadata`](AddressClass::Metadata)) stay refused all the same, unless one is allowed by
    /// itself (`169.254.169.254/32`). An IPv6 address with an IPv4 address inside is allowed where both are:
    /// `::/0` opens nothing of IPv4.
    #[must_use]
    pub fn allow_network(mut self, network: IpNet) -> Self {
        self.networks.push(network);
        self
    }

    /// Whether URLs of `http` are allowed.
    #[must_use]
    pub fn permits_http(&self) -> bool {
        self.http
    }

    /// Whether this port may be dialled.
    #[must_use]
    pub fn permits_port(&self, port: u16) -> bool {
        port != 0 && self.ports.iter().any(|ports| ports.contains(&port))
    }

    /// Whether this address may be dialled.
    #[must_use]
    pub fn permits_address(&self, address: IpAddr) -> bool {
        match classify(address) {
            AddressClass::Public => true,
            AddressClass::Metadata => self.networks.contains(&IpNet::from(address)),
            AddressClass::EmbedsIpv4 => {
                let inside = embedded(address);
                self.is_allowed(address)
                    && inside.into_iter().all(|address| self.permits_address(address.into()))
            }
            _ => self.is_allowed(address),
        }
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy::new()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn without_exceptions_it_is_https_on_443_to_public_addresses() {
        let policy = Policy::default();
        assert!(!policy.permits_http());
        assert!(policy.permits_port(443));
        for port in [0, 22, 80, 442, 444, 8443, u16::MAX] {
            assert!(!policy.permits_port(port), "{port}");
        }
        assert!(policy.permits_address(ip("8.8.8.8")));
        assert!(!policy.permits_address(ip("10.0.0.1")));
    }

    #[test]
    fn ports_are_allowed_by_name_and_zero_never_is() {
        let policy = Policy::new().allow_http().allow_ports(0..=10).allow_port(8443);
        for port in [1, 10, 80, 443, 8443] {
            assert!(policy.permits_port(port), "{port}");
        }
        for port in [0, 11, 8442] {
            assert!(!policy.permits_port(port), "{port}");
        }
    }

    #[test]
    fn an_allowed_network_ends_where_it_ends() {
        let policy = Policy::new().allow_network(net("10.1.0.0/16")).allow_network(net("fd12::/16"));
        for allowed in ["10.1.0.0", "10.1.255.255", "fd12::", "fd12:ffff::1"] {
            assert!(policy.permits_address(ip(allowed)), "{allowed}");
        }
        for refused in ["10.0.255.255", "10.2.0.0", "fd11::1", "fd13::", "::ffff:10.1.0.1"] {
            assert!(!policy.permits_address(ip(refused)), "{refused}");
        }
    }

    #[test]
    fn a_metadata_address_is_allowed_by_itself_or_not_at_all() {
        let all = Policy::new().allow_network(net("0.0.0.0/0")).allow_network(net("::/0"));
        assert!(all.permits_address(ip("169.254.1.1")));
        for metadata in ["169.254.169.254", "168.63.129.16", "fd00:ec2::254"] {
            assert!(!all.permits_address(ip(metadata)), "{metadata}");
            let by_itself = Policy::new().allow_network(ip(metadata).into());
            assert!(by_itself.permits_address(ip(metadata)), "{metadata}");
        }
    }

    /// Mapped, compatible, translated, NAT64 by either prefix, 6to4, Teredo and ISATAP.
    fn around(inside: &str) -> Vec<IpAddr> {
        let inside: Ipv4Addr = inside.parse().expect("an address");
        let [a, b, c, d] = inside.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let [cd, bc] = [[c, d], [b, c]].map(u16::from_be_bytes);
        let [a, b, c, d] = [a, b, c, d].map(u16::from);
        [
            [0, 0, 0, 0, 0, 0, high, low],
            [0, 0, 0, 0, 0, 0xffff, high, low],
            [0, 0, 0, 0, 0xffff, 0, high, low],
            [0x64, 0xff9b, 0, 0, 0, 0, high, low],
            [0x64, 0xff9b, 1, 0, 0, 0, high, low],
            [0x64, 0xff9b, 1, high, c, d << 8, 0, 0],
            [0x64, 0xff9b, 1, a, b, cd, 0, 0],
            [0x64, 0xff9b, 1, 0, a, bc, d << 8, 0],
            [0x2002, high, low, 0, 0, 0, 0, 1],
            [0x2001, 0, 0x808, 0x808, 0, 0, !high, !low],
            [0x2001, 0, high, low, 0, 0, !0x808, !0x808],
            [0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low],
            [0x2002, 0x808, 0x808, 0, 0, 0x5efe, high, low],
        ]
        .map(IpAddr::from)
        .into()
    }

    #[test]
    fn all_of_ipv6_opens_nothing_of_ipv4() {
        let six = Policy::new().allow_network(net("::/0"));
        let both = six.clone().allow_network(net("0.0.0.0/0"));
        for inside in ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "168.63.129.16"] {
            for address in around(inside) {
                assert!(!six.permits_address(address), "{address}");
                assert_eq!(both.permits_address(address), both.permits_address(ip(inside)), "{address}");
            }
        }
        assert!(around("8.8.8.8").into_iter().all(|address| six.permits_address(address)), "public inside");
    }

    #[test]
    fn what_is_inside_is_not_enough() {
        let four = Policy::new().allow_network(net("10.0.0.0/8"));
        let nat64 = four.clone().allow_network(net("64:ff9b:1::/48"));
        for address in around("10.1.2.3") {
            assert!(!four.permits_address(address), "{address}");
            assert_eq!(nat64.permits_address(address), net("64:ff9b:1::/48").contains(&address), "{address}");
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn net(text: &str) -> IpNet {
        text.parse().expect("a network")
    }
}
