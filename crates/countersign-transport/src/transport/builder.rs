//! A transport's settings.

use std::{fmt, sync::Arc, time::Duration};

use hyper_util::{
    client::legacy::{Builder as ClientBuilder, Client},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use super::{BuildError, BuildErrorKind, Settings, Transport};
use crate::{
    connect::Connector,
    dial::{Dial, TcpDialler},
    headers,
    policy::Policy,
    resolve::{Resolve, SystemResolver},
    tls::{self, Roots},
};

/// Settings of a [`Transport`], each with a default.
#[must_use]
pub struct TransportBuilder {
    policy: Policy,
    connect_timeout: Duration,
    timeout: Duration,
    idle_timeout: Duration,
    max_idle_per_host: usize,
    max_idle: usize,
    response_limit: usize,
    roots: Roots,
    added_roots: Vec<Vec<u8>>,
    resolver: Arc<dyn Resolve>,
    dialler: Arc<dyn Dial>,
    user_agent: String,
}

impl TransportBuilder {
    pub(super) fn new() -> Self {
        TransportBuilder {
            policy: Policy::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            max_idle_per_host: 4,
            max_idle: 128,
            response_limit: 64 * 1024,
            roots: Roots::default(),
            added_roots: Vec::new(),
            resolver: Arc::new(SystemResolver::default()),
            dialler: Arc::new(TcpDialler),
            user_agent: concat!("countersign/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// What may be dialled: `https`, port 443 and public addresses by default.
    pub fn policy(self, policy: Policy) -> Self {
        TransportBuilder { policy, ..self }
    }

    /// The time in which a connection must be resolved, made and secured, 5 seconds by default.
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        TransportBuilder { connect_timeout, ..self }
    }

    /// The time for the whole attempt, from the first look-up to the last byte of the answer, 15
    /// seconds by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        TransportBuilder { timeout, ..self }
    }

    /// For how long a connection is kept without use, 30 seconds by default. It is closed within as long again.
    pub fn idle_timeout(self, idle_timeout: Duration) -> Self {
        TransportBuilder { idle_timeout, ..self }
    }

    /// How many connections to a host are kept without use, 4 by default; with none, each attempt
    /// has a connection of its own.
    pub fn max_idle_per_host(self, connections: usize) -> Self {
        TransportBuilder { max_idle_per_host: connections, ..self }
    }

    /// How many connections are kept without use to all hosts together, 128 by default. Each is an open file, of which a
    /// process often has no more than 1,024, or 256: where deliveries go to many hosts, these would all be taken by
    /// connections that nobody uses.
    ///
    /// A connection that is made while there are as many that may be kept is closed after its attempt. One of HTTP/2,
    /// which attempts at a host share, counts among them and is kept all the same.
    pub fn max_idle(self, connections: usize) -> Self {
        TransportBuilder { max_idle: connections, ..self }
    }

    /// The most bytes of an answer's body that are read, 64 KiB by default.
    pub fn response_limit(self, bytes: usize) -> Self {
        TransportBuilder { response_limit: bytes, ..self }
    }

    /// Who is trusted, [`Roots::Bundled`] by default.
    pub fn roots(self, roots: Roots) -> Self {
        TransportBuilder { roots, ..self }
    }

    /// Also trusts the authorities whose certificates are in this PEM text: a private network's, or
    /// a test's.
    pub fn add_root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.added_roots.push(pem.into());
        self
    }

    /// Who turns names into addresses, [`SystemResolver`] by default.
    pub fn resolver(self, resolver: impl Resolve) -> Self {
        TransportBuilder { resolver: Arc::new(resolver), ..self }
    }

    /// Who opens connections to addresses that were checked, [`TcpDialler`] by default.
    pub fn dialler(self, dialler: impl Dial) -> Self {
        TransportBuilder { dialler: Arc::new(dialler), ..self }
    }

    /// The `User-Agent`, `countersign/` and the version by default.
    pub fn user_agent(self, user_agent: impl Into<String>) -> Self {
        TransportBuilder { user_agent: user_agent.into(), ..self }
    }

    /// Builds the transport. Opens no connection.
    ///
    /// # Errors
    /// A certificate that isn't one, nobody who is trusted, a timeout of zero or of more than a day,
    /// or a user agent that can't be sent.
    pub fn build(self) -> Result<Transport, BuildError> {
        for timeout in [self.connect_timeout, self.timeout, self.idle_timeout] {
            if timeout.is_zero() || timeout > MAX_TIMEOUT {
                return Err(BuildError::new(BuildErrorKind::Timeout));
            }
        }
        let user_agent = headers::parse_value(&self.user_agent);
        let user_agent = user_agent.ok_or(BuildError::new(BuildErrorKind::UserAgent))?;
        let tls = TlsConnector::from(Arc::new(tls::client_config(self.roots, &self.added_roots)?));
        let policy = Arc::new(self.policy);
        let connector = Connector {
            policy: policy.clone(),
            resolver: self.resolver,
            dialler: self.dialler,
            tls,
            timeout: self.connect_timeout,
            places: Arc::new(Semaphore::new(self.max_idle.min(Semaphore::MAX_PERMITS))),
        };
        let mut client = Client::builder(TokioExecutor::new());
        client
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout)
            .pool_max_idle_per_host(self.max_idle_per_host)
            .http1_max_headers(MAX_HEADERS)
            .http1_max_buf_size(MAX_HEAD);
        limit_http_2(&mut client, self.connect_timeout);
        let client = client.build(connector);
        let (timeout, response_limit) = (self.timeout, self.response_limit);
        let settings = Settings { policy, timeout, response_limit, user_agent };
        Ok(Transport { client, settings: Arc::new(settings), targets: Arc::default() })
    }
}

/// Shows no certificate.
impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportBuilder")
            .field("policy", &self.policy)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("response_limit", &self.response_limit)
            .field("roots", &self.roots)
            .field("resolver", &self.resolver)
            .finish_non_exhaustive()
    }
}

/// Limits of HTTP/2. Many attempts share a connection, so one that is dead is found out by itself: those that
/// run into their time don't close it.
#[cfg(feature = "http2")]
fn limit_http_2(client: &mut ClientBuilder, patience: Duration) {
    client
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(patience)
        .http2_keep_alive_timeout(patience)
        .http2_initial_stream_window_size(MAX_WINDOW)
        .http2_max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX));
}

#[cfg(not(feature = "http2"))]
fn limit_http_2(_: &mut ClientBuilder, _: Duration) {}

const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The most headers of an answer.
pub(super) const MAX_HEADERS: usize = 100;

/// How much of an answer's head the client takes before it refuses to read on. One read may go beyond,
/// by as much again.
const MAX_HEAD: usize = 32 * 1024;

/// How much of an answer's body may be under way on HTTP/2.
#[cfg(feature = "http2")]
const MAX_WINDOW: u32 = 64 * 1024;
