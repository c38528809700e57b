//! Forwarding to the application.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use reqwest::{Client, redirect::Policy};
use url::Url;

use crate::{request::Request, tls};

/// The application, and the way to it.
pub(super) struct Forward {
    client: Client,
    url: Url,
}

/// What the application answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Forward {
    pub(super) fn new(url: Url) -> anyhow::Result<Self> {
        tls::choose_provider();
        let builder = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE);
        // Without TLS nobody needs to be trusted, and no machine to know anybody.
        let builder = if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        Ok(Forward { client: builder.build()?, url })
    }

    /// Sends a request on, with its query where the application's URL has none.
    ///
    /// # Errors
    /// Why there was no answer.
    pub(super) async fn send(&self, request: &Request) -> Result<Answer, String> {
        let mut url = self.url.clone();
        if url.query().is_none() {
            url.set_query(request.target.split_once('?').map(|(_, query)| query));
        }
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut outgoing = self.client.request(method, url).body(request.body.clone());
        for (name, value) in request.headers.iter().filter(|(name, _)| !is_of_the_connection(name)) {
            outgoing = outgoing.header(name, value.as_slice());
        }
        let response = outgoing.send().await.map_err(|error| reason(&error))?;
        let (status, mut headers) = (response.status(), response.headers().clone());
        CONNECTION.iter().for_each(|name| drop(headers.remove(*name)));
        let body = response.bytes().await.map_err(|error| reason(&error))?;
        Ok(Answer { status, headers, body })
    }
}

fn is_of_the_connection(name: &str) -> bool {
    name.eq_ignore_ascii_case("host")
        || CONNECTION.iter().any(|other| other.as_str().eq_ignore_ascii_case(name))
}

/// The innermost cause: the outer ones only say that there is one.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// What is said of a connection, and not of what goes over it.
const CONNECTION: [&header::HeaderName; 6] = [
    &header::CONNECTION,
    &header::CONTENT_LENGTH,
    &header::EXPECT,
    &header::TE,
    &header::TRANSFER_ENCODING,
    &header::UPGRADE,
];
const PATIENCE: Duration = Duration::from_secs(30);
