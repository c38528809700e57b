//! Networks and addresses, as people write them.

use std::{fmt, net::SocketAddr, str::FromStr};

use ipnet::IpNet;
use serde::Deserialize;

/// A network, written as an address and the length of its prefix: `10.0.0.0/8`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Network(pub(super) IpNet);

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Network).map_err(|_| NO_NETWORK)
    }
}

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address and a port: `127.0.0.1:8080`, `[::1]:8080`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address(pub(super) SocketAddr);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Address).map_err(|_| NO_ADDRESS)
    }
}

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const NO_ADDRESS: &str = "write an address and a port, such as 127.0.0.1:8080 or [::1]:8080";
const NO_NETWORK: &str = "this is no network: write an address and the length of its prefix, such as 10.0.0.0/8, \
                          10.1.2.3/32 for one address, or fd00::/8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_shown_as_it_is_written() {
        for text in ["10.0.0.0/8", "10.1.2.3/32", "fd00::/8"] {
            assert_eq!(text.parse().map(|network: Network| network.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_none_is_told_how_to_write_one() {
        for text in ["", "10.0.0.1", "10.0.0.1/99", "10.0.0/8", "::1/129", "localhost"] {
            assert!(text.parse::<Network>().is_err_and(|why| why.contains("10.0.0.0/8")), "{text}");
        }
    }
}
