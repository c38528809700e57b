//! What every page has: where it stands, who is signed in, and the headers of its answer.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{OriginalUri, Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_store::outbox::OutboxStore;
use url::form_urlencoded;

use super::{
    Dashboard, PATH,
    page::{Answer, Failed, see, segment},
};
use crate::{
    Caller,
    operator::Operator,
    origin::{Site, only_reads},
    refusal::{Refusal, RefusalKind},
    router::no_route,
};

/// What the frame of a page shows.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The path of the dashboard, without a `/` at the end.
    pub(super) base: Arc<str>,
    /// Which part of the dashboard the page belongs to.
    pub(super) section: Arc<str>,
    /// What was done by the request before.
    pub(super) done: Option<&'static str>,
    pub(super) is_signed_in: bool,
    /// Whether the dashboard has let them in, and not the application.
    pub(super) has_session: bool,
}

/// Who asks for a page, and its frame.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) frame: Frame,
    pub(super) caller: Caller,
}

/// Refuses what another origin wants changed, frames the page of what was refused, and says what a browser may do
/// with a page. Without a [`Dashboard`] there is none.
pub(super) async fn frame(original: OriginalUri, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<Dashboard>().is_none() {
        return no_route(original.0).await.into_response();
    }
    let frame = Frame::of(&original, &request);
    request.extensions_mut().insert(frame.clone());
    // A browser that doesn't say where a form comes from is too old.
    let is_own = only_reads(request.method()) || Site::of(&original, request.headers()) == Site::Own;
    let mut response = match is_own {
        true => next.run(request).await,
        false => Failed(Refusal::new(RefusalKind::Forbidden, FOREIGN)).into_response(),
    };
    if let Some(failed) = response.extensions_mut().remove::<Failed>() {
        response = failed.page(frame);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // With `no-referrer` a browser would say no origin when it sends a form.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Lets through an admin, and sends others to where they can sign in.
pub(super) async fn signed_in<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(dashboard): Extension<Dashboard>,
    Extension(frame): Extension<Frame>,
    trusted: Option<Extension<Caller>>,
    mut request: Request,
    next: Next,
) -> Answer {
    let has_session = trusted.is_none();
    let caller = match (trusted, session(request.headers())) {
        (Some(Extension(caller)), _) => Some(caller),
        (None, Some(text)) => dashboard.caller(&operator, text).await?,
        (None, None) => None,
    };
    let Some(caller) = caller else { return Ok(strange(&frame, request.headers())) };
    if !caller.is_admin() {
        return Err(Refusal::new(RefusalKind::Forbidden, "the dashboard is for admins").into());
    }
    let frame = Frame { is_signed_in: true, has_session, ..frame };
    request.extensions_mut().insert(Visit { frame, caller });
    Ok(next.run(request).await)
}

/// The answer to who isn't signed in: a page where they can. A stream of events would follow there, and take the
/// page for events.
fn strange(frame: &Frame, headers: &HeaderMap) -> Response {
    match headers.get(header::ACCEPT).is_some_and(|kind| kind == "text/event-stream") {
        true => Failed(Refusal::new(RefusalKind::Unauthenticated, "sign in first")).into_response(),
        false => see(frame.at("/sign-in")),
    }
}

/// The session's text in a request's cookies.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

impl Dashboard {
    /// Whose session this is, which ends where its key lets nobody in any more.
    ///
    /// # Errors
    /// Where its key is the store's, and the store can't be reached.
    pub(super) async fn caller<S: OutboxStore>(
        &self,
        operator: &Operator<S>,
        session: &str,
    ) -> Result<Option<Caller>, Refusal> {
        let now = (self.clock)();
        let Some(credential) = self.sessions.find(session, now) else { return Ok(None) };
        let caller = operator.holder(&credential).await?;
        if caller.is_none() {
            self.sessions.take(session, now);
        }
        Ok(caller)
    }

    /// The cookie of a session that lasts for so many seconds; one that ends it, where there are none.
    pub(super) fn cookie(&self, frame: &Frame, text: &str, seconds: u64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let base = &frame.base;
        format!("{COOKIE}={text}; Path={base}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }
}

impl Frame {
    /// A path of the dashboard, as the browser knows it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The path of the API's description, for people.
    pub(super) fn api(&self) -> String {
        format!("{}/api/docs", self.base.trim_end_matches(PATH))
    }

    /// The path of an endpoint's page.
    pub(super) fn endpoint(&self, id: &str) -> String {
        self.at(&format!("/endpoints/{}", segment(id)))
    }

    /// The path of a message's page.
    pub(super) fn message(&self, id: &str) -> String {
        self.at(&format!("/messages/{}", segment(id)))
    }

    /// The path of the page that removes an API key.
    pub(super) fn removal(&self, key: &str) -> String {
        self.at(&format!("/keys/{}/remove", segment(key)))
    }

    fn of(original: &OriginalUri, request: &Request) -> Self {
        let (path, inner) = (original.path(), request.uri().path());
        let base = path.strip_suffix(inner).unwrap_or(path).trim_end_matches('/');
        let section = inner.split('/').nth(1).unwrap_or_default();
        Frame {
            base: base.into(),
            section: section.into(),
            done: done(original),
            is_signed_in: false,
            has_session: false,
        }
    }
}

/// What the query says that was done, in our words.
fn done(original: &OriginalUri) -> Option<&'static str> {
    let query = original.query().unwrap_or_default();
    let (_, said) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done")?;
    DONE.iter().find(|(name, _)| *name == said).map(|(_, words)| *words)
}

const DONE: [(&str, &str); 8] = [
    ("changed", "The endpoint was changed."),
    ("deleted", "The endpoint was deleted, with its history."),
    ("removed", "The API key was removed. It lets nobody in from now on."),
    ("enabled", "The endpoint is enabled. What waits for it goes out now."),
    ("disabled", "The endpoint is disabled. Its deliveries are kept, and wait."),
    ("cancelled", "The delivery is cancelled. It is not sent, unless you have it delivered again."),
    (
        "tested",
        "The test is on its way. What comes of it is shown here; without scripts, when the page is loaded again.",
    ),
    (
        "redelivered",
        "The delivery is made again. What comes of it is shown here; without scripts, when the page is loaded again.",
    ),
];
const COOKIE: &str = "countersign";
const FOREIGN: &str =
    "the request doesn't come from a page of this dashboard: open the page here and try again";
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'; script-src 'self'; connect-src 'self'";
