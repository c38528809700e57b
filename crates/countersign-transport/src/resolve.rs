//! From the name of a host to its addresses.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    pin::Pin,
    sync::Arc,
};

use tokio::task::spawn_blocking;

use self::places::Places;
use crate::failure::is_shortage;

mod places;

/// Finds the addresses of a host by its name.
///
/// It is asked once for each connection, and need not judge what it finds: every address is checked
/// before it is dialled. Addresses in a URL don't come here. The transport limits the time.
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// The addresses of `host`, in the order in which they are to be tried.
    ///
    /// # Errors
    /// Any. The text is shown to operators. One of the kind [`ResourceBusy`](io::ErrorKind::ResourceBusy) says that
    /// the resolver has no room for the question: that is [`Local`](crate::FailureKind::Local), and no fault of the
    /// host.
    fn resolve(&self, host: &str) -> Resolving;
}

/// The addresses of a host, later.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Resolver that asks the operating system.
///
/// A question that nobody waits for any more keeps its place until the system answers, which takes long where a name
/// server is silent. So the names below one domain, the last two parts of a name, have a quarter of the places at
/// most, and who gets none within 2 seconds is told that there is no room, which isn't the host's fault; a transport
/// whose [connect timeout](crate::TransportBuilder::connect_timeout) is shorter can't tell.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    places: Arc<Places>,
}

impl SystemResolver {
    /// A resolver that has at most `concurrency` questions open, and one at least; 64 by default.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        SystemResolver { places: Arc::new(Places::new(concurrency)) }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        SystemResolver::new(64)
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> Resolving {
        let (places, host) = (self.places.clone(), host.to_owned());
        Box::pin(async move {
            let place = places.take(&host).await?;
            // Not `tokio::net::lookup_host`: when its caller gives up, the thread goes on asking, and
            // would no longer be counted. Here the thread itself holds the place.
            let ask = move || {
                let _place = place;
                (host.as_str(), 0).to_socket_addrs().map_err(|error| shortage().unwrap_or(error))
            };
            let found = spawn_blocking(ask).await.map_err(io::Error::other)??;
            Ok(found.map(|address: SocketAddr| address.ip()).collect())
        })
    }
}

/// What this machine is short of: without a socket, the system says that there is no such name.
fn shortage() -> Option<io::Error> {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).err().filter(is_shortage)
}
