//! Answers of the dashboard: pages, and redirections to them.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::{filters, frame::Frame};
use crate::{
    AccessError,
    refusal::{Refusal, RefusalKind},
};

/// What a page answers.
pub(super) type Answer = Result<Response, Failed>;

/// Why there is no page. The [frame](super::frame::frame) makes a page of it.
#[derive(Clone, Debug)]
pub(super) struct Failed(pub(super) Refusal);

/// A page, as its template makes it.
pub(super) fn page(template: &impl Template) -> Answer {
    page_with(StatusCode::OK, template)
}

/// A page with this status.
pub(super) fn page_with(status: StatusCode, template: &impl Template) -> Answer {
    Ok((status, Html(render(template)?)).into_response())
}

/// What a template makes.
pub(super) fn render(template: &impl Template) -> Result<String, Failed> {
    template.render().map_err(|_| Failed(Refusal::new(RefusalKind::Internal, "the page can't be made")))
}

/// Sends the browser to another page, by `GET`.
pub(super) fn see(location: String) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => Failed(Refusal::not_found()).into_response(),
    }
}

/// An id as one piece of a path.
pub(super) fn segment(id: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    // A form writes a blank as `+`, which is itself in a path.
    encoded.replace('+', "%20")
}

pub(super) async fn no_page() -> Failed {
    Failed(Refusal::new(RefusalKind::NotFound, "there is no such page"))
}

pub(super) async fn no_method() -> Failed {
    Failed(Refusal::new(RefusalKind::MethodNotAllowed, "go back, and use the buttons of the page"))
}

impl Failed {
    /// The page that says why.
    pub(super) fn page(self, frame: Frame) -> Response {
        let (_, _, title) = self.0.kind.describe();
        let html = FailedPage { frame, title, reason: self.0.in_words() }.render();
        let mut response = self.0.into_response();
        *response.body_mut() = Body::from(html.unwrap_or_default());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
        response
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Failed(refusal)
    }
}

impl From<AccessError> for Failed {
    fn from(error: AccessError) -> Self {
        Failed(Refusal::new(RefusalKind::Internal, error.to_string()))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = self.0.clone().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "failed.html")]
struct FailedPage {
    frame: Frame,
    title: &'static str,
    reason: String,
}

const HTML: &str = "text/html; charset=utf-8";
