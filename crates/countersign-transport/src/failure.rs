//! Why an attempt got no answer.

use std::{borrow::Cow, error::Error as StdError, fmt, io, net::IpAddr};

use rustls::{CertificateError, Error as TlsError};

/// Why an attempt got no answer.
///
/// The text says what happened, for the owner of the endpoint. It shows no part of the URL, no
/// header and no byte of the body.
#[derive(Clone, Debug)]
pub struct Failure {
    kind: FailureKind,
    detail: Cow<'static, str>,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The delivery can't be sent as it is: its target isn't permitted by the transport's policy, or
    /// a header can't be sent. Trying again is useless.
    Invalid,
    /// This machine is short of what a connection takes: files, ports, memory, or room for another look-up of a name.
    /// Nothing was sent, and nothing is known about the receiver.
    Local,
    /// The host's name has no address, or it can't be found out.
    Resolve,
    /// The host has no address that may be dialled.
    NoAllowedAddress,
    /// No connection could be made.
    Connect,
    /// The connection could not be secured, or the host is not who it should be.
    Tls,
    /// The time was up.
    Timeout,
    /// The connection broke before there was an answer. The receiver may have had the whole request.
    Reset,
    /// The answer was not HTTP, or its head was too long.
    InvalidResponse,
}

impl FailureKind {
    /// The name that logs and metrics use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            FailureKind::Invalid => "invalid",
            FailureKind::Local => "local",
            FailureKind::Resolve => "resolve",
            FailureKind::NoAllowedAddress => "no_allowed_address",
            FailureKind::Connect => "connect",
            FailureKind::Tls => "tls",
            FailureKind::Timeout => "timeout",
            FailureKind::Reset => "reset",
            FailureKind::InvalidResponse => "invalid_response",
        }
    }
}

impl Failure {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    pub(crate) fn new(kind: FailureKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Failure { kind, detail: detail.into() }
    }

    /// Whose fault it is when there is no connection to `peer`.
    pub(crate) fn connecting(error: &io::Error, peer: IpAddr) -> Self {
        // A machine without IPv6 says so of each of its addresses: that its ports are used up can't be told from it.
        let is_ours =
            is_shortage(error) && (peer.is_ipv4() || error.kind() != io::ErrorKind::AddrNotAvailable);
        match is_ours {
            true => Failure::local(error),
            false => {
                Failure::new(FailureKind::Connect, format!("no connection could be made: {}", error.kind()))
            }
        }
    }

    /// What this machine is short of.
    pub(crate) fn local(error: &io::Error) -> Self {
        Failure::new(FailureKind::Local, format!("this machine is short of {}", shortage(error)))
    }

    pub(crate) fn tls(error: &io::Error) -> Self {
        let broken = "the connection broke while it was being secured";
        Failure::new(FailureKind::Tls, tls_error(error).map_or(broken, explain))
    }

    /// Reads what the HTTP client says, from the outermost cause inwards.
    pub(crate) fn from_client(error: &(dyn StdError + 'static)) -> Self {
        let mut cause = Some(error);
        let mut failure = None;
        while let Some(error) = cause {
            failure = of_cause(error).or(failure);
            cause = error.source();
        }
        failure.unwrap_or_else(|| Failure::new(FailureKind::Reset, "the connection broke"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl StdError for Failure {}

/// Whether an error says that this machine is short of something.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, OutOfMemory, ResourceBusy};
    has_no_files(error) || matches!(error.kind(), AddrNotAvailable | OutOfMemory | ResourceBusy)
}

/// Of what an error says that this machine is short.
fn shortage(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => "local ports",
        io::ErrorKind::OutOfMemory => "memory",
        _ if has_no_files(error) => "open files: let the process have more",
        _ => "room for another look-up of a name",
    }
}

/// Whether the process, or the system, has as many files open as it may. Rust has no kind for it.
fn has_no_files(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| NO_FILES.contains(&code))
}

/// `ENFILE` and `EMFILE`, which have one number on every Unix.
#[cfg(not(windows))]
const NO_FILES: &[i32] = &[23, 24];
/// `WSAEMFILE`.
#[cfg(windows)]
const NO_FILES: &[i32] = &[10024];

/// What one cause means. The innermost that means something is the one that counts.
fn of_cause(error: &(dyn StdError + 'static)) -> Option<Failure> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(failure.clone());
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return Some(of_http(error));
    }
    let error = error.downcast_ref::<io::Error>()?;
    match tls_error(error) {
        Some(error) => Some(Failure::new(FailureKind::Tls, explain(error))),
        None => Some(Failure::new(FailureKind::Reset, format!("the connection broke: {}", error.kind()))),
    }
}

fn of_http(error: &hyper::Error) -> Failure {
    if error.is_parse() {
        let detail = "the answer isn't valid HTTP/1.1, or its head is too long";
        return Failure::new(FailureKind::InvalidResponse, detail);
    }
    Failure::new(FailureKind::Reset, "the connection was closed without an answer")
}

fn tls_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

/// What went wrong with TLS, in words of our own: those of the library quote names from certificates.
fn explain(error: &TlsError) -> &'static str {
    match error {
        TlsError::InvalidCertificate(error) => explain_certificate(error),
        TlsError::AlertReceived(_) => "the host refused to secure the connection",
        TlsError::PeerIncompatible(_) => {
            "the host has no version or cipher of TLS in common with the sender: TLS 1.2 or 1.3 is needed"
        }
        TlsError::InvalidMessage(_) => "the host doesn't speak TLS on this port",
        _ => "the host broke the rules of TLS",
    }
}

fn explain_certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the host's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the host's certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the host's certificate is for another name"
        }
        CertificateError::Revoked => "the host's certificate was revoked",
        CertificateError::UnknownIssuer => {
            "the host's certificate isn't signed by an authority that is trusted here, \
             or the host doesn't send the certificates in between"
        }
        _ => "the host's certificate is not valid",
    }
}
