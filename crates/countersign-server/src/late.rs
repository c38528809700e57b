//! Requests that take too long: a store that doesn't answer keeps nobody waiting.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use countersign_store::outbox::OutboxStore;
use tokio::time::timeout;

use crate::{
    operator::Operator,
    refusal::{Refusal, RefusalKind},
};

/// Answers in time, in the words of whoever is asked. A change that is [under way](crate::carried) goes on.
pub(crate) async fn in_time<S: OutboxStore, E: From<Refusal>>(
    State(operator): State<Operator<S>>,
    request: Request,
    next: Next,
) -> Result<Response, E> {
    let limit = operator.settings().answer_timeout;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answered = timeout(limit, next.run(request)).await;
    answered.map_err(|_| {
        tracing::error!(target: "countersign", %method, path, "a request was not answered in time");
        let detail = format!(
            "there was no answer within {} s, as where the store is slow or away; what was to be changed may be changed \
             all the same: look before you ask again",
            limit.as_secs_f64()
        );
        Refusal::new(RefusalKind::Unavailable, detail).into()
    })
}
