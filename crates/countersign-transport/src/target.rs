//! The URL of an endpoint, parsed and checked.

use std::{
    error::Error as StdError,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use http::Uri;
use rustls::pki_types::DnsName;
use url::{Host, ParseError, Url};

use crate::{
    address::{AddressClass, classify},
    policy::Policy,
};

/// The URL of an endpoint, parsed and checked.
///
/// The path and the query of such a URL are often a credential. So `Display` and `Debug` show
/// `https://host/…`, and [`expose`](Target::expose) alone the whole.
///
/// ```
/// use countersign_transport::{Policy, Target, TargetErrorKind};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target = Target::parse("https://hooks.example.com/services/TOKEN", &Policy::new())?;
/// assert_eq!(target.to_string(), "https://hooks.example.com/…");
///
/// let refused = Target::parse("https://169.254.169.254/latest", &Policy::new()).map(drop);
/// assert_eq!(refused.map_err(|error| error.kind()), Err(TargetErrorKind::Address));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Target {
    uri: Uri,
    host: Host,
    port: u16,
}

impl Target {
    /// Parses `url` as browsers do, more strictly, and checks it against `policy`.
    ///
    /// A host that is a name is resolved, and its addresses are checked, when it is dialled.
    ///
    /// # Errors
    /// A URL that is not `https://host[:port]/path[?query]` in plain writing, or one that the policy
    /// doesn't permit.
    pub fn parse(url: &str, policy: &Policy) -> Result<Target, TargetError> {
        let authority = authority(url)?;
        let parsed = Url::parse(url).map_err(|error| TargetError(malformed(error)))?;
        check_form(&parsed, authority)?;
        let target = Target::from_url(&parsed)?;
        target.check(policy)?;
        Ok(target)
    }

    /// The whole URL as it is requested.
    ///
    /// # Security
    /// It is often a credential: keep it out of logs and errors.
    #[must_use]
    pub fn expose(&self) -> String {
        self.uri.to_string()
    }

    /// The host: a name in ASCII, or an address.
    #[must_use]
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Checks it against `policy`, which may not be the one it was parsed with.
    ///
    /// # Errors
    /// A scheme, a port or an address that the policy doesn't permit.
    pub fn check(&self, policy: &Policy) -> Result<(), TargetError> {
        if !self.is_https() && !policy.permits_http() {
            return Err(TargetError(Reason::PlainHttp));
        }
        if !policy.permits_port(self.port) {
            return Err(TargetError(Reason::Port(self.port)));
        }
        let known = self.known_addresses();
        let permitted = known.iter().any(|address| policy.permits_address(*address));
        match known.first() {
            Some(address) if !permitted => Err(TargetError(Reason::Address(classify(*address)))),
            _ => Ok(()),
        }
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    fn from_url(url: &Url) -> Result<Target, TargetError> {
        let host = url.host().ok_or(TargetError(Reason::Malformed))?.to_owned();
        let port = url.port_or_known_default().ok_or(TargetError(Reason::Malformed))?;
        let uri = Uri::try_from(url.as_str()).map_err(|_| TargetError(Reason::Malformed))?;
        // Two parsers read the URL; what the one checked must be what the other dials.
        let agree = uri.host() == url.host_str() && uri.port_u16() == url.port();
        if agree { Ok(Target { uri, host, port }) } else { Err(TargetError(Reason::Malformed)) }
    }

    /// The addresses that are known before the host is resolved.
    fn known_addresses(&self) -> Vec<IpAddr> {
        match &self.host {
            Host::Ipv4(address) => vec![(*address).into()],
            Host::Ipv6(address) => vec![(*address).into()],
            Host::Domain(name) if is_localhost(name) => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Host::Domain(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https() { "https" } else { "http" };
        match self.uri.port_u16() {
            Some(port) => write!(f, "{scheme}://{}:{port}/…", self.host),
            None => write!(f, "{scheme}://{}/…", self.host),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// Why a URL can't be an endpoint's. Shows nothing of the URL but its port.
#[derive(Debug)]
pub struct TargetError(Reason);

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetErrorKind {
    /// It isn't a URL, or is written in an unusual way.
    Malformed,
    /// It isn't `https`.
    Scheme,
    /// It holds a user name or a password.
    Userinfo,
    /// Its host is neither a name nor an address in plain writing.
    Host,
    /// Its port isn't allowed.
    Port,
    /// Its host is an address that isn't public.
    Address,
}

impl TargetError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> TargetErrorKind {
        match self.0 {
            Reason::TooLong | Reason::Malformed | Reason::Fragment => TargetErrorKind::Malformed,
            Reason::Scheme | Reason::PlainHttp => TargetErrorKind::Scheme,
            Reason::Userinfo => TargetErrorKind::Userinfo,
            Reason::Host | Reason::NumberForm | Reason::FinalDot => TargetErrorKind::Host,
            Reason::Port(_) => TargetErrorKind::Port,
            Reason::Address(_) => TargetErrorKind::Address,
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::TooLong => write!(f, "the URL is longer than {MAX_LENGTH} bytes"),
            Reason::Malformed => f.write_str("this isn't a URL: write https://host/path, without spaces"),
            Reason::Fragment => f.write_str("the part after # is never sent: remove it"),
            Reason::Scheme => f.write_str("the URL doesn't begin with https://"),
            Reason::PlainHttp => f.write_str("the URL is http, which isn't allowed here: use https"),
            Reason::Userinfo => f.write_str(
                "the URL holds a user name or password: remove what stands before the @, \
                 and set an Authorization header",
            ),
            Reason::Host => f.write_str("the URL's host is neither a name nor an address"),
            Reason::NumberForm => f.write_str("write the host's address as four plain decimal numbers"),
            Reason::FinalDot => f.write_str("the host's name ends in a dot: remove it"),
            Reason::Port(port) => write!(f, "port {port} isn't allowed: use the standard port"),
            Reason::Address(class) => {
                write!(
                    f,
                    "the URL's host is a {class} address: use a public one, or have its network allowed"
                )
            }
        }
    }
}

impl StdError for TargetError {}

#[derive(Debug)]
enum Reason {
    TooLong,
    Malformed,
    Fragment,
    Scheme,
    PlainHttp,
    Userinfo,
    Host,
    NumberForm,
    FinalDot,
    Port(u16),
    Address(AddressClass),
}

/// What stands between `https://` and the path, in text that means the same to every parser: those
/// of browsers repair spaces, backslashes and slashes that are missing.
fn authority(url: &str) -> Result<&str, TargetError> {
    if url.len() > MAX_LENGTH {
        return Err(TargetError(Reason::TooLong));
    }
    if url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(TargetError(Reason::Malformed));
    }
    let (scheme, rest) = url.split_once("://").ok_or(TargetError(Reason::Malformed))?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(TargetError(Reason::Scheme));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority {
        "" => Err(TargetError(Reason::Host)),
        _ if authority.contains('@') => Err(TargetError(Reason::Userinfo)),
        _ if authority.contains('%') => Err(TargetError(Reason::Host)),
        _ => Ok(authority),
    }
}

fn malformed(error: ParseError) -> Reason {
    match error {
        ParseError::EmptyHost
        | ParseError::IdnaError
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address
        | ParseError::InvalidDomainCharacter => Reason::Host,
        _ => Reason::Malformed,
    }
}

fn check_form(url: &Url, authority: &str) -> Result<(), TargetError> {
    if url.fragment().is_some() {
        return Err(TargetError(Reason::Fragment));
    }
    match url.host() {
        Some(Host::Ipv4(address)) => {
            let written = authority.split(':').next().unwrap_or_default();
            if written == address.to_string() { Ok(()) } else { Err(TargetError(Reason::NumberForm)) }
        }
        Some(Host::Domain(name)) => check_name(name),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), TargetError> {
    if name.ends_with('.') {
        return Err(TargetError(Reason::FinalDot));
    }
    DnsName::try_from(name).map(drop).map_err(|_| TargetError(Reason::Host))
}

/// Whether a name means the machine itself by definition (RFC 6761, section 6.3).
fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// The longest URL, in bytes.
const MAX_LENGTH: usize = 2048;
