//! Connections: resolve, check every address, dial one that was checked, secure.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use self::stream::Stream;
use crate::{
    address::classify,
    dial::{ByteStream, Dial},
    failure::{Failure, FailureKind, is_shortage},
    policy::Policy,
    resolve::Resolve,
    tls::HTTP_2,
};

pub(crate) mod stream;

/// Makes connections to addresses that the policy permits, and to no others.
///
/// It is the one place where the transport has connections opened, so it makes no difference whether a
/// host is a name or an address, or what the name led to a moment ago.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) policy: Arc<Policy>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) dialler: Arc<dyn Dial>,
    pub(crate) tls: TlsConnector,
    /// For everything up to the secured connection.
    pub(crate) timeout: Duration,
    /// Of the connections that may be kept when their attempt is over. Each that is open holds its own.
    pub(crate) places: Arc<Semaphore>,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await.map(TokioIo::new) })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri) -> Result<Stream, Failure> {
        let deadline = Instant::now() + self.timeout;
        // `Target` gave the client a URI with a host; the port it left out is the scheme's.
        let https = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });

        let addresses = self.addresses(host, deadline).await?;
        let (plain, peer) = self.dial(&addresses, port, deadline).await?;
        let stream =
            if https { self.secure(plain, peer, host, deadline).await? } else { Stream::new(plain, peer) };
        Ok(stream.kept_in(self.places.clone().try_acquire_owned().ok()))
    }

    /// The host's addresses that may be dialled.
    async fn addresses(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>, Failure> {
        let found = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => self.resolve(host, deadline).await?,
        };
        let permitted = found.iter().copied().filter(|address| self.policy.permits_address(*address));
        let permitted: Vec<_> = permitted.take(MAX_ADDRESSES).collect();
        if permitted.is_empty() { Err(refuse(&found)) } else { Ok(permitted) }
    }

    async fn resolve(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>, Failure> {
        match timeout_at(deadline, self.resolver.resolve(host)).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) if is_shortage(&error) => Err(Failure::local(&error)),
            Ok(Err(error)) => {
                let detail = format!("the host's name can't be resolved: {error}");
                Err(Failure::new(FailureKind::Resolve, detail))
            }
            Err(_) => Err(late("the host's name was not resolved in time")),
        }
    }

    /// Tries the addresses in order; each has an equal share of the time that is left.
    async fn dial(
        &self,
        addresses: &[IpAddr],
        port: u16,
        deadline: Instant,
    ) -> Result<(Box<dyn ByteStream>, SocketAddr), Failure> {
        let mut failure = late("no connection was made in time");
        for (tried, address) in addresses.iter().enumerate() {
            let peer = SocketAddr::new(*address, port);
            let next =
                match timeout_at(share(deadline, addresses.len() - tried), self.dialler.dial(peer)).await {
                    Ok(Ok(plain)) => return Ok((plain, peer)),
                    Ok(Err(error)) => Failure::connecting(&error, *address),
                    Err(_) => late("no connection was made in time"),
                };
            // Where this machine was short of something, nobody knows whether the host can be reached.
            if failure.kind() != FailureKind::Local {
                failure = next;
            }
        }
        Err(failure)
    }

    async fn secure(
        &self,
        plain: Box<dyn ByteStream>,
        peer: SocketAddr,
        host: &str,
        deadline: Instant,
    ) -> Result<Stream, Failure> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| Failure::new(FailureKind::Tls, "no certificate can name this host"))?;
        match timeout_at(deadline, self.tls.connect(name, plain)).await {
            Ok(Ok(tls)) => {
                let is_http_2 = tls.get_ref().1.alpn_protocol() == Some(HTTP_2);
                Ok(Stream::new(Box::new(tls), peer).http_2(is_http_2))
            }
            Ok(Err(error)) => Err(Failure::tls(&error)),
            Err(_) => Err(late("the connection was not secured in time")),
        }
    }
}

/// When the next of `left` addresses has had its time.
fn share(deadline: Instant, left: usize) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / u32::try_from(left).unwrap_or(u32::MAX)
}

fn refuse(found: &[IpAddr]) -> Failure {
    match found.first() {
        Some(address) => Failure::new(
            FailureKind::NoAllowedAddress,
            format!(
                "the host has a {} address: use a public one, or have its network allowed",
                classify(*address)
            ),
        ),
        None => Failure::new(FailureKind::Resolve, "the host's name has no address"),
    }
}

fn late(detail: &'static str) -> Failure {
    Failure::new(FailureKind::Timeout, detail)
}

/// How many of a host's addresses are tried.
const MAX_ADDRESSES: usize = 8;

#[cfg(test)]
mod tests {
    use std::{io, net::TcpListener};

    use super::*;
    use crate::{
        dial::TcpDialler,
        resolve::SystemResolver,
        tls::{self, Roots},
    };

    #[tokio::test]
    async fn adv_65_an_address_in_the_url_is_checked_like_a_name() {
        for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"] {
            refuses(host).await;
        }
    }

    #[tokio::test]
    async fn adv_66_what_the_system_reads_as_an_address_is_checked_too() {
        for host in ["localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0"] {
            refuses(host).await;
        }
    }

    /// Nothing is connected to a listener on every address of the machine.
    async fn refuses(host: &str) {
        let listener = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"));
        let listener = listener.expect("a port");
        listener.set_nonblocking(true).expect("a setting");
        let port = listener.local_addr().expect("an address").port();

        let uri: Uri = format!("http://{host}:{port}/").parse().expect("a URI");
        let failure = connector().connect(&uri).await.map(drop).expect_err(host);

        assert_eq!(failure.kind(), FailureKind::NoAllowedAddress, "{host}: {failure}");
        let none = listener.accept().expect_err("nobody came");
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock, "{host}");
    }

    fn connector() -> Connector {
        let tls = tls::client_config(Roots::Bundled, &[]).expect("TLS");
        Connector {
            policy: Arc::new(Policy::new().allow_http().allow_ports(1..=u16::MAX)),
            resolver: Arc::new(SystemResolver::default()),
            dialler: Arc::new(TcpDialler),
            tls: TlsConnector::from(Arc::new(tls)),
            timeout: Duration::from_secs(5),
            places: Arc::new(Semaphore::new(1)),
        }
    }

    #[test]
    fn the_addresses_share_the_time_that_is_left() {
        let now = Instant::now();
        let deadline = now + Duration::from_secs(4);
        let first = share(deadline, 4).duration_since(now);
        assert!((Duration::from_millis(990)..Duration::from_millis(1100)).contains(&first), "{first:?}");
        assert!(share(deadline, 1) <= deadline);
    }
}
