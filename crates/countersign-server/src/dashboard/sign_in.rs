//! Signing in and out.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use countersign_store::outbox::OutboxStore;

use super::{
    Dashboard,
    fields::{Asked, Fields, Posted},
    frame::{self, Frame},
    page::{Answer, page, page_with, see},
};
use crate::{
    Caller, Scope,
    operator::{Operator, api_keys::Credential},
    refusal::{Refusal, RefusalKind},
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    /// The token of the link that the browser has followed.
    token: String,
    mistake: String,
}

/// Asks for a key; or to go on, where a link was followed. `GET` changes nothing, so what only looks at a link
/// doesn't use it up.
pub(super) async fn form(Extension(frame): Extension<Frame>, Asked(query): Asked) -> Answer {
    page(&SignInPage { frame, token: query.get("token").to_owned(), mistake: String::new() })
}

/// Begins a session, with a new text whatever the browser has sent.
pub(super) async fn enter<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(dashboard): Extension<Dashboard>,
    Extension(frame): Extension<Frame>,
    headers: HeaderMap,
    Posted(fields): Posted,
) -> Answer {
    let (credential, caller) = match admin(&operator, &dashboard, &fields).await {
        Ok(admin) => admin,
        Err(refusal) if refusal.kind == RefusalKind::Unauthenticated => {
            let again = SignInPage { frame, token: String::new(), mistake: refusal.in_words() };
            return page_with(StatusCode::UNAUTHORIZED, &again);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    dashboard.end(&headers);
    tracing::info!(target: "countersign", caller = caller.label(), "an admin has signed in to the dashboard");
    let text = dashboard.sessions.issue(credential, (dashboard.clock)())?;
    let cookie = dashboard.cookie(&frame, &text, dashboard.sessions.life().as_secs());
    Ok(([(header::SET_COOKIE, cookie)], see(frame.at(""))).into_response())
}

/// Ends the session.
pub(super) async fn leave(
    Extension(dashboard): Extension<Dashboard>,
    Extension(frame): Extension<Frame>,
    headers: HeaderMap,
) -> Answer {
    dashboard.end(&headers);
    let cookie = dashboard.cookie(&frame, "", 0);
    Ok(([(header::SET_COOKIE, cookie)], see(frame.at("/sign-in"))).into_response())
}

/// Who signs in, by a link's token or by a key.
async fn admin<S: OutboxStore>(
    operator: &Operator<S>,
    dashboard: &Dashboard,
    fields: &Fields,
) -> Result<(Credential, Caller), Refusal> {
    let refused = |why| Refusal::new(RefusalKind::Unauthenticated, why);
    let credential = match fields.is_set("token") {
        true => dashboard.follow(fields.get("token")).ok_or(refused(USED))?,
        false => operator.credential(fields.get("key")).ok_or(refused(UNKNOWN))?,
    };
    let caller = operator.holder(&credential).await?.ok_or(refused(UNKNOWN))?;
    match caller.is_admin() {
        true => Ok((credential, caller)),
        false => Err(refused(NO_ADMIN)),
    }
}

impl Dashboard {
    /// Uses a link up, by its token.
    fn follow(&self, token: &str) -> Option<Credential> {
        let link = self.links.take(token, (self.clock)());
        link.map(|()| Credential::Known(Caller::new("sign-in link", Scope::Admin)))
    }

    /// Ends the session that a request belongs to, if there is one.
    fn end(&self, headers: &HeaderMap) {
        if let Some(text) = frame::session(headers) {
            self.sessions.take(text, (self.clock)());
        }
    }
}

const UNKNOWN: &str = "This is no key of this server.";
const NO_ADMIN: &str = "This key is not an admin's, and the dashboard is for admins.";
const USED: &str =
    "The link was used already, or is older than 10 minutes. Sign in with a key, or have a new one made.";
