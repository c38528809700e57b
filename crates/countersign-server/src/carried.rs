//! Changes that are carried through, whether or not whoever asked for them still waits.

use std::panic;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument as _;

use crate::{
    origin::only_reads,
    refusal::{Refusal, RefusalKind},
};

/// Carries a request through that changes something.
pub(crate) async fn change(request: Request, next: Next) -> Response {
    match only_reads(request.method()) {
        true => next.run(request).await,
        false => through(request, next).await,
    }
}

/// Carries a request through, whatever its method. By itself it would be dropped where its connection is closed: between
/// what the store has changed and what the audit is shown, too.
pub(crate) async fn through(request: Request, next: Next) -> Response {
    match tokio::spawn(next.run(request).in_current_span()).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            Err(_) => Refusal::new(RefusalKind::Unavailable, "the server is being stopped").into_response(),
        },
    }
}
