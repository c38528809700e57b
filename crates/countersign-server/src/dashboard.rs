//! The dashboard: pages for admins, made by the server, which work without scripts.
//!
//! Pages call the same operations as the API. Every foreign text is escaped by its template, and what can't be seen
//! in it is written out.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Extension, Router, middleware,
    routing::{get, post},
};
use countersign_store::outbox::OutboxStore;

use self::{live::Streams, page::Failed, tokens::Tokens};
use crate::{
    AccessError, carried,
    late::in_time,
    operator::{Operator, api_keys::Credential},
    time,
};

mod api_key_form;
mod api_keys;
mod assets;
mod cancel;
mod chart;
mod code;
mod deliveries;
mod delivery;
mod endpoint;
mod endpoint_form;
mod endpoints;
mod fields;
#[expect(unreachable_pub, reason = "askama writes its filters as `pub`")]
mod filters;
mod form;
mod frame;
mod history;
mod live;
mod messages;
mod overview;
mod page;
mod replay;
mod secret;
mod sign_in;
mod tenants;
mod tokens;
mod verifier;
mod words;

/// The dashboard of a [`Server`](crate::Server): pages for admins, below `/dashboard` of its router. Cheap to clone.
///
/// ```
/// use countersign_dispatch::Outbox;
/// use countersign_server::{Access, Dashboard, Server};
/// use countersign_store::outbox::MemoryOutbox;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dashboard = Dashboard::new().on_loopback();
/// println!("http://127.0.0.1:8080{}", dashboard.sign_in_link()?);
/// let router = dashboard.on(Server::new(Outbox::new(MemoryOutbox::new()), Access::new()).router());
/// # Ok(())
/// # }
/// ```
///
/// # Streams
/// Pages of what changes by itself are kept up to date by Server-Sent Events while they are looked at: the store is
/// asked one question a second for each, and another where a stored key has signed in. At most
/// [`max_streams`](Self::max_streams) are open; one ends with its session, or after 10 minutes, and the browser asks
/// for another. A server that stops calls [`end_streams`](Self::end_streams).
///
/// # Security
/// A session begins with an admin's key or with a link, lasts 12 hours, and is known by 256 random bits in a cookie,
/// of which this process keeps the SHA-256. Where several processes serve the dashboard, each has its own sessions:
/// send a browser to the same one. A request that changes something must come from a page of the same origin, by
/// `Sec-Fetch-Site` or, where a browser doesn't send that, by `Origin` and `Host`, which a proxy must pass on.
/// Where the application has put a [`Caller`](crate::Caller) into the request's extensions, that is who is signed in; a
/// stream that has begun then goes on for its 10 minutes.
///
/// Of a key that the [store holds](crate::Server::stored_keys) a session keeps the SHA-256. The store is asked for it
/// at each request, and each second of a stream: the session ends when the key has expired or was removed, on whatever
/// server. Where the store can't be reached such a session is answered 503, and its streams end.
#[derive(Clone)]
pub struct Dashboard {
    sessions: Arc<Tokens<Credential>>,
    links: Arc<Tokens<()>>,
    streams: Arc<Streams>,
    is_secure: bool,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Dashboard {
    /// A dashboard without sessions, for browsers that come by `https`.
    #[must_use]
    pub fn new() -> Self {
        Dashboard {
            sessions: Arc::new(Tokens::new(SESSION, MOST_SESSIONS)),
            links: Arc::new(Tokens::new(LINK, MOST_LINKS)),
            streams: Arc::new(Streams::new(MOST_STREAMS)),
            is_secure: true,
            clock: Arc::new(time::unix_micros),
        }
    }

    /// Lets browsers come by plain `http` too, as they do on the machine itself: the cookie isn't `Secure`.
    #[must_use]
    pub fn on_loopback(mut self) -> Self {
        self.is_secure = false;
        self
    }

    /// How many pages are kept up to date at once, in this process: 64 by default. Others show what is new when they
    /// are loaded again.
    #[must_use]
    pub fn max_streams(mut self, most: usize) -> Self {
        self.streams = Arc::new(Streams::new(most));
        self
    }

    /// The clock of sessions and links, in microseconds since 1970: the system's by default.
    #[must_use]
    pub fn clock_micros(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    /// Makes a link that signs an admin in, once, within 10 minutes: a path, from where the server's router stands.
    ///
    /// # Errors
    /// [`AccessError::Random`].
    pub fn sign_in_link(&self) -> Result<String, AccessError> {
        let token = self.links.issue((), (self.clock)())?;
        Ok(format!("{PATH}/sign-in?token={}", *token))
    }

    /// Ends the streams that keep pages up to date, and begins no more: for a server that stops, which would
    /// otherwise wait for them.
    ///
    /// ```
    /// # async fn serve(
    /// #     listener: tokio::net::TcpListener, app: axum::Router, dashboard: countersign_server::Dashboard,
    /// #     stop: impl Future<Output = ()> + Send + 'static,
    /// # ) -> std::io::Result<()> {
    /// let stop = async move {
    ///     stop.await;
    ///     dashboard.end_streams();
    /// };
    /// axum::serve(listener, app).with_graceful_shutdown(stop).await
    /// # }
    /// ```
    pub fn end_streams(&self) {
        self.streams.end();
    }

    /// Opens the dashboard on a [server's router](crate::Server::router), which has none otherwise.
    pub fn on(&self, router: Router) -> Router {
        router.layer(Extension(self.clone()))
    }
}

impl Default for Dashboard {
    fn default() -> Self {
        Dashboard::new()
    }
}

/// Shows nothing of sessions and links.
impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard").field("is_secure", &self.is_secure).finish_non_exhaustive()
    }
}

/// The pages, below [`PATH`].
pub(crate) fn router<S: OutboxStore>(operator: Operator<S>) -> Router {
    let signed_in = middleware::from_fn_with_state(operator.clone(), frame::signed_in);
    pages()
        .route_layer(middleware::from_fn(carried::change))
        .route_layer(signed_in)
        .route("/sign-in", get(sign_in::form).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/dashboard.css", get(assets::style))
        .route("/copy.js", get(assets::copy))
        .route("/htmx.js", get(assets::htmx))
        .route("/live.js", get(assets::live))
        .fallback(page::no_page)
        .method_not_allowed_fallback(page::no_method)
        .layer(middleware::from_fn_with_state(operator.clone(), in_time::<S, Failed>))
        .layer(middleware::from_fn(frame::frame))
        .with_state(operator)
}

/// The pages of those who are signed in.
fn pages<S: OutboxStore>() -> Router<Operator<S>> {
    Router::new()
        .route("/", get(overview::show))
        .route("/live", get(overview::live))
        .route("/endpoints", get(endpoints::list))
        .route("/endpoints/new", get(endpoint_form::blank).post(endpoint_form::create))
        .route("/endpoints/{id}", get(endpoint::show))
        .route("/endpoints/{id}/live", get(endpoint::live))
        .route("/endpoints/{id}/edit", get(endpoint_form::filled).post(endpoint_form::change))
        .route("/endpoints/{id}/enable", post(endpoint::enable))
        .route("/endpoints/{id}/disable", post(endpoint::disable))
        .route("/endpoints/{id}/delete", get(endpoint::confirm_delete).post(endpoint::delete))
        .route("/endpoints/{id}/secret", get(secret::form).post(secret::rotate))
        .route("/endpoints/{id}/test", post(endpoint::test))
        .route("/endpoints/{id}/replay", get(replay::form).post(replay::start))
        .route("/endpoints/{id}/cancel", get(cancel::form).post(cancel::start))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(delivery::show))
        .route("/deliveries/{id}/live", get(delivery::live))
        .route("/deliveries/{id}/redeliver", post(delivery::redeliver))
        .route("/deliveries/{id}/cancel", post(delivery::cancel))
        .route("/messages", get(messages::list))
        .route("/messages/{id}", get(messages::show))
        .route("/messages/{id}/payload", get(messages::payload))
        .route("/tenants", get(tenants::list))
        .route("/keys", get(api_keys::list))
        .route("/keys/new", get(api_key_form::blank).post(api_key_form::create))
        .route("/keys/{id}/remove", get(api_keys::confirm_remove).post(api_keys::remove))
}

/// Where the dashboard stands, from the server's router.
pub(crate) const PATH: &str = "/dashboard";
const SESSION: Duration = Duration::from_secs(12 * 3600);
const LINK: Duration = Duration::from_secs(600);
const MOST_SESSIONS: usize = 1_000;
const MOST_LINKS: usize = 16;
const MOST_STREAMS: usize = 64;
