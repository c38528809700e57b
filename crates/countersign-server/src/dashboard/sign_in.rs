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
use crate::{Caller, Scope, operator::Operator};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    /// The token of the link that the browser has followed.
    token: String,
    mistake: &'static str,
}

/// Asks for a key; or to go on, where a link was followed. `GET` changes nothing, so what only looks at a link
/// doesn't use it up.
pub(super) async fn form(Extension(frame): Extension<Frame>, Asked(query): Asked) -> Answer {
    page(&SignInPage { frame, token: query.get("token").to_owned(), mistake: "" })
}

/// Begins a session, with a new text whatever the browser has sent.
pub(super) async fn enter<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(dashboard): Extension<Dashboard>,
    Extension(frame): Extension<Frame>,
    headers: HeaderMap,
    Posted(fields): Posted,
) -> Answer {
    let caller = match caller(&operator, &dashboard, &fields) {
        Ok(caller) => caller,
        Err(mistake) => {
            let again = SignInPage { frame, token: String::new(), mistake };
            return page_with(StatusCode::UNAUTHORIZED, &again);
        }
    };
    dashboard.end(&headers);
    tracing::info!(target: "countersign", caller = caller.label(), "an admin has signed in to the dashboard");
    let text = dashboard.sessions.issue(caller, (dashboard.clock)())?;
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
fn caller<S: OutboxStore>(
    operator: &Operator<S>,
    dashboard: &Dashboard,
    fields: &Fields,
) -> Result<Caller, &'static str> {
    if fields.is_set("token") {
        let link = dashboard.links.take(fields.get("token"), (dashboard.clock)());
        return link.map(|()| Caller::new("sign-in link", Scope::Admin)).ok_or(USED);
    }
    let caller = operator.authenticate(fields.get("key")).ok_or("This is no key of this server.")?;
    match caller.is_admin() {
        true => Ok(caller),
        false => Err("This key is not an admin's, and the dashboard is for admins."),
    }
}

impl Dashboard {
    /// Ends the session that a request belongs to, if there is one.
    fn end(&self, headers: &HeaderMap) {
        if let Some(text) = frame::session(headers) {
            self.sessions.take(text, (self.clock)());
        }
    }
}

const USED: &str =
    "The link was used already, or is older than 10 minutes. Sign in with a key, or have a new one made.";
