//! How the API is asked: at a server, or in this process over a server's database.

use std::{env, error::Error, io, time::Duration};

use anyhow::{Context as _, bail};
use axum::body::{self, Body};
use bytes::Bytes;
use countersign_server::{Caller, Scope};
use http::{HeaderValue, Request, Response, header};
use reqwest::{blocking::Client, redirect::Policy};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::NotDone;
use crate::{
    serve::{self, ApiOver, Database},
    tls,
};

/// Whom the API is asked.
pub(super) enum Connection {
    Server(Server),
    Database(Local),
}

/// A server, and the key for it.
pub(super) struct Server {
    client: Client,
    url: Url,
    key: Zeroizing<String>,
}

/// The API in this process.
pub(super) struct Local {
    runtime: Runtime,
    api: ApiOver,
}

impl Connection {
    /// # Errors
    /// A URL to which no key is sent, or no key.
    pub(super) fn server(url: &Url) -> anyhow::Result<Self> {
        let here = is_loopback(url);
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            bail!(
                "everybody on the way could read the key: the server's URL must be https, or this machine's"
            );
        }
        let key = env::var(KEY).map(Zeroizing::new).ok().filter(|key| !key.is_empty());
        let key = key.with_context(|| format!("there is no API key: put it into {KEY}, and export it"))?;
        let builder = Client::builder().redirect(Policy::none()).timeout(PATIENCE);
        // What stays on this machine needs neither a proxy nor anybody who is trusted.
        let builder = if here { builder.no_proxy().tls_certs_only([]) } else { builder };
        tls::choose_provider();
        Ok(Connection::Server(Server { client: builder.build()?, url: url.clone(), key }))
    }

    /// # Errors
    /// A database that isn't there or can't be opened, or settings that can't be used.
    pub(super) fn database(database: &Database) -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("the database can't be opened")?;
        let api = runtime.block_on(serve::api_over(database))?;
        Ok(Connection::Database(Local { runtime, api }))
    }

    /// Whether secrets are stored here as they are. What a server does is said where it is started.
    ///
    /// # Errors
    /// They would be, beside others that are sealed.
    pub(super) fn stores_in_clear(&self) -> anyhow::Result<bool> {
        match self {
            Connection::Server(_) => Ok(false),
            Connection::Database(local) => local.runtime.block_on(local.api.stores_in_clear()),
        }
    }

    /// # Errors
    /// Where there was no answer.
    pub(super) fn send(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        match self {
            Connection::Server(server) => server.send(request),
            Connection::Database(local) => local.runtime.block_on(local.send(request)),
        }
    }
}

impl Server {
    fn send(&self, mut request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let mut key = HeaderValue::try_from(format!("Bearer {}", *self.key))
            .with_context(|| format!("{KEY} holds what can't be a key"))?;
        key.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, key);
        let unreachable = |error: reqwest::Error| NotDone(unreachable(&self.url, &error));
        let answer = self.client.execute(request.try_into()?).map_err(unreachable)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(answer.bytes().map_err(unreachable)?);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}

impl Local {
    async fn send(&self, mut request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        request.extensions_mut().insert(Caller::new("command line", Scope::Admin));
        let Ok(answer) = self.api.router.clone().oneshot(request.map(Body::from)).await;
        let (head, body) = answer.into_parts();
        let body = body::to_bytes(body, usize::MAX).await.context("the answer broke off")?;
        Ok(Response::from_parts(head, body))
    }
}

/// Why there was no answer: the innermost cause, and of the URL host and port.
fn unreachable(url: &Url, error: &reqwest::Error) -> String {
    let mut innermost: &(dyn Error + 'static) = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let at = host_and_port(url);
    let why = match is_no_tls(innermost) {
        true if is_loopback(url) => {
            format!("what answers there speaks no TLS. If it is plain http, write http://{at}")
        }
        true => "what answers there speaks no TLS".to_owned(),
        false => innermost.to_string(),
    };
    format!("the server at {at} can't be asked: {why}")
}

/// Whether something else was answered where TLS was spoken. What an I/O error was made of is not its source.
fn is_no_tls(error: &(dyn Error + 'static)) -> bool {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inside) => is_no_tls(inside),
        None => matches!(error.downcast_ref(), Some(rustls::Error::InvalidMessage(_))),
    }
}

fn host_and_port(url: &Url) -> String {
    let port = url.port_or_known_default().map(|port| format!(":{port}"));
    format!("{}{}", url.host_str().unwrap_or_default(), port.unwrap_or_default())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) const KEY: &str = "COUNTERSIGN_API_KEY";
const PATIENCE: Duration = Duration::from_secs(60);
