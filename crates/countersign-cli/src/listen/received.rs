//! One request, from its arrival to its answer.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    body::Body,
    extract::{self, State},
    http::{HeaderName, HeaderValue, Response, StatusCode},
};
use countersign::{Greeting, Outcome, Verifier};

use super::{forward::Forward, kept::Kept, row::Row};
use crate::{incoming, input, output, report::Report, request::Request};

/// What is done with each request.
pub(super) struct Listener {
    pub(super) verifier: Option<Verifier>,
    pub(super) forward: Option<Forward>,
    pub(super) kept: Mutex<Kept>,
    pub(super) json: bool,
}

/// What the verifier makes of a request, and what follows.
enum Judged {
    /// Nobody asked for it to be verified.
    Unverified,
    /// It is valid.
    Valid(Report),
    /// It is a test of the endpoint, to be answered so.
    Handshake(Report, Response<Body>),
    /// It isn't valid.
    Refused(Report, StatusCode),
}

/// Keeps, verifies, forwards, shows and answers a request.
pub(super) async fn receive(
    State(listener): State<Arc<Listener>>,
    request: extract::Request,
) -> Response<Body> {
    let started = Instant::now();
    let Some(request) = incoming::read(request).await else { return status(StatusCode::PAYLOAD_TOO_LARGE) };
    let number = listener.kept.lock().unwrap_or_else(PoisonError::into_inner).keep(&request);
    let number = number.inspect_err(|error| output::warning(format_args!("not kept: {error}"))).ok();
    let judged = listener.judge(&request);
    let mut row = Row::new(number, &request, judged.report());
    let response = listener.answer(&request, judged, &mut row).await;
    row.status = response.status().as_u16();
    row.milliseconds = started.elapsed().as_millis();
    row.print(listener.json);
    response
}

impl Listener {
    fn judge(&self, request: &Request) -> Judged {
        let Some(verifier) = &self.verifier else { return Judged::Unverified };
        match verifier.receive(&request.view(), &request.body, input::clock()) {
            Ok(Outcome::Event(verified)) => Judged::Valid(Report::verified(&verified)),
            Ok(Outcome::Handshake(greeting)) => {
                Judged::Handshake(Report::answered(&greeting), greeted(greeting))
            }
            Err(error) => Judged::Refused(Report::refused(&error).saying(&error), incoming::refusal(&error)),
        }
    }

    async fn answer(&self, request: &Request, judged: Judged, row: &mut Row) -> Response<Body> {
        let forward = match (judged, &self.forward) {
            (Judged::Handshake(_, response), _) => return response,
            (Judged::Refused(_, code), _) => return status(code),
            (_, None) => return status(StatusCode::OK),
            (_, Some(forward)) => forward,
        };
        match forward.send(request).await {
            Ok(answer) => {
                let mut response = Response::new(Body::from(answer.body));
                (*response.status_mut(), *response.headers_mut()) = (answer.status, answer.headers);
                response
            }
            Err(why) => {
                row.error = Some(why);
                status(StatusCode::BAD_GATEWAY)
            }
        }
    }
}

impl Judged {
    fn report(&self) -> Option<&Report> {
        match self {
            Judged::Unverified => None,
            Judged::Valid(report) | Judged::Handshake(report, _) | Judged::Refused(report, _) => Some(report),
        }
    }
}

/// The answer to a handshake, without a header that HTTP can't carry.
fn greeted(greeting: Greeting) -> Response<Body> {
    let mut response = Response::new(Body::from(greeting.body));
    *response.status_mut() = StatusCode::from_u16(greeting.status).unwrap_or_default();
    for (name, value) in greeting.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}
