//! One attempt at a delivery, from the claim to what becomes of it.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use countersign::SignError;
use countersign_store::outbox::{
    Attempt, Claimed, Effect, Endpoint, Message, Payload, SettleDelivery, Verdict,
};
use countersign_transport::is_header_value;
use metrics::{counter, histogram};
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span, error_span, field::Empty, info, warn};

use crate::{
    Request, Response, Schedule, SealError, SendError, Transport, breaker,
    payload::Payloads,
    signing::{CannotSign, EndpointSigner, Signers},
};

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, SendError>> + Send + 'a>>;

/// A [`Transport`] whose type is forgotten.
pub(crate) trait Sender: Send + Sync {
    fn send(&self, request: Request) -> Sending<'_>;
}

impl<T: Transport> Sender for T {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(Transport::send(self, request))
    }
}

/// What every attempt needs.
pub(crate) struct Means {
    pub(crate) sender: Arc<dyn Sender>,
    pub(crate) payloads: Payloads,
    pub(crate) signers: Signers,
    pub(crate) schedule: Schedule,
    /// How long an attempt may take, the making of the payload included.
    pub(crate) limit: Duration,
    pub(crate) clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// From 0 to 1.
    pub(crate) chance: Arc<dyn Fn() -> f64 + Send + Sync>,
}

/// What came of an attempt.
struct Made {
    attempt: Attempt,
    result: Result<Response, Failed>,
}

/// Why there is no answer.
enum Failed {
    /// The endpoint could not be reached, or its settings can't be used.
    Endpoint(String),
    /// The request can't be made here: nothing is known about the endpoint.
    Unmade(String),
    /// There is nothing to be sent any more.
    Unwanted,
    /// This machine could not send: nothing is known about the endpoint, and no attempt was made.
    Local(String),
}

impl Means {
    /// Makes an attempt, and says what becomes of the delivery.
    pub(crate) async fn attempt(&self, claimed: &Claimed) -> SettleDelivery {
        let span = span(claimed);
        let made = self.within_limit(claimed).instrument(span.clone()).await;
        self.conclude(claimed, made, &span)
    }

    /// What becomes of a delivery whose attempt ended in a panic.
    pub(crate) fn panicked(&self, claimed: &Claimed) -> SettleDelivery {
        let failed = Failed::Unmade("the attempt ended in a panic".to_owned());
        let made = Made { attempt: self.begun(claimed), result: Err(failed) };
        self.conclude(claimed, made, &span(claimed))
    }

    async fn within_limit(&self, claimed: &Claimed) -> Made {
        let (started, mut attempt) = (Instant::now(), self.begun(claimed));
        let result = match timeout(self.limit, self.make(claimed, &mut attempt)).await {
            Ok(Ok(request)) => self.send(request, started.elapsed()).await,
            Ok(Err(failed)) => Err(failed),
            Err(_) => {
                Err(Failed::Unmade("timeout: the payload was not made within the attempt's limit".to_owned()))
            }
        };
        attempt.latency = started.elapsed();
        Made { attempt, result }
    }

    /// Renders, signs.
    async fn make(&self, claimed: &Claimed, attempt: &mut Attempt) -> Result<Request, Failed> {
        let Claimed { message, endpoint, .. } = claimed;
        if !endpoint.until_delivered && claimed.step > self.schedule.attempts() {
            let reason = "every attempt ended without a result, the process perhaps with it";
            return Err(Failed::Unmade(reason.to_owned()));
        }
        let signer = self.signers.of(endpoint).map_err(|error| match error {
            CannotSign::Settings(reason) => Failed::Endpoint(reason),
            CannotSign::Sealed(error @ (SealError::NoSealer | SealError::UnknownKey)) => {
                Failed::Local(error.to_string())
            }
            CannotSign::Sealed(error) => Failed::Unmade(error.to_string()),
        })?;
        signer.check_custom(endpoint).map_err(|error| Failed::Endpoint(error.to_string()))?;
        signer.check_content_type(&message.content_type).map_err(Failed::Unmade)?;
        let body = self.payloads.of(claimed).await.map_err(Failed::Unmade)?.ok_or(Failed::Unwanted)?;
        record_payload(attempt, &message.payload, &body);
        let now = (self.clock)() / 1_000_000;
        let mut headers = signer.sign(message, endpoint, &body, now).map_err(unsigned)?;
        headers.push(("content-type".to_owned(), message.content_type.clone()));
        if let Some(traceparent) = message.traceparent.clone().filter(|_| endpoint.sends_trace) {
            headers.push(("traceparent".to_owned(), traceparent));
        }
        check_values(&headers, message).map_err(Failed::Unmade)?;
        attempt.request_headers = shown(&headers, endpoint, &signer);
        Ok(Request { url: endpoint.url.clone(), headers, custom: endpoint.headers.clone(), body })
    }

    /// Sends what was made in this time, in what is left of the limit. An endpoint that had less than half of it has
    /// not shown that it is too slow.
    async fn send(&self, request: Request, made_in: Duration) -> Result<Response, Failed> {
        let left = self.limit.saturating_sub(made_in);
        match timeout(left, self.sender.send(request)).await {
            Ok(sent) => sent.map_err(|SendError { reason, is_local }| match is_local {
                true => Failed::Local(reason),
                false => Failed::Endpoint(reason),
            }),
            Err(_) if made_in > left => Err(Failed::Unmade(
                "timeout: the making of the payload left too little of the attempt's limit".to_owned(),
            )),
            Err(_) => Err(Failed::Endpoint("timeout: the attempt took longer than its limit".to_owned())),
        }
    }

    fn begun(&self, claimed: &Claimed) -> Attempt {
        Attempt::new(claimed.attempt, (self.clock)(), claimed.trigger)
    }

    fn conclude(&self, claimed: &Claimed, made: Made, span: &Span) -> SettleDelivery {
        let Made { mut attempt, result } = made;
        let (verdict, effect) = self.judge(claimed, &result);
        let counts = !matches!(result, Err(Failed::Local(_)));
        match result {
            Ok(response) => {
                attempt.status = Some(response.status);
                attempt.error =
                    (!is_success(response.status)).then(|| format!("answered {}", response.status));
                (attempt.response_headers, attempt.response_body) = (response.headers, response.body);
            }
            Err(Failed::Endpoint(reason) | Failed::Unmade(reason) | Failed::Local(reason)) => {
                attempt.error = Some(reason);
            }
            Err(Failed::Unwanted) => {
                attempt.error =
                    Some("cancelled: the payload's source has nothing to send any more".to_owned());
            }
        }
        tell(&attempt, verdict, span);
        if counts {
            count(&attempt, verdict);
        }
        let (id, fence, endpoint) = (claimed.id, claimed.fence, claimed.endpoint.clone());
        let attempt = counts.then_some(attempt);
        SettleDelivery { id, fence, endpoint, verdict, effect, attempt }
    }

    /// What an attempt means for the delivery and for its endpoint.
    ///
    /// | answer | delivery | endpoint |
    /// |---|---|---|
    /// | 2xx | delivered | well |
    /// | 410, unless it is tried until it answers 2xx | dead | gone: disabled |
    /// | 429, 502, 503, 504 | again, not before `Retry-After` | failed, and left alone for a while |
    /// | another, redirects among them | again | failed |
    /// | none | again | failed |
    /// | the request can't be made here: no payload in time, a sealed secret that was changed, an id that can't be signed, a type that no header can hold | again | nothing is known |
    /// | there is nothing to be sent any more | cancelled | nothing is known |
    /// | none, as this machine could not send, or has no key for a sealed secret | again shortly | nothing is known |
    ///
    /// "Again" is dead after the last attempt of the schedule, unless the endpoint is tried until it answers
    /// 2xx. "Again shortly" counts no attempt: a machine that is short of something would use up those of all that
    /// is due.
    fn judge(&self, claimed: &Claimed, result: &Result<Response, Failed>) -> (Verdict, Effect) {
        match result {
            Ok(response) if is_success(response.status) => (Verdict::Delivered, Effect::Well),
            Ok(response) if response.status == 410 && !claimed.endpoint.until_delivered => {
                (Verdict::Dead, Effect::Gone)
            }
            Ok(response) => {
                let overloaded = breaker::overloaded(response.status, response.retry_after);
                (self.again(claimed, response.retry_after), Effect::Failed { open_for: overloaded })
            }
            Err(Failed::Endpoint(_)) => (self.again(claimed, None), Effect::Failed { open_for: None }),
            Err(Failed::Unmade(_)) => (self.again(claimed, None), Effect::None),
            Err(Failed::Unwanted) => (Verdict::Cancelled, Effect::None),
            Err(Failed::Local(_)) => (self.shortly(), Effect::None),
        }
    }

    fn again(&self, claimed: &Claimed, retry_after: Option<Duration>) -> Verdict {
        let random = (self.chance)();
        if claimed.endpoint.until_delivered {
            return Verdict::Retry { after: self.schedule.after_for_ever(claimed.step, retry_after, random) };
        }
        let after = self.schedule.after(claimed.step, retry_after, random);
        after.map_or(Verdict::Dead, |after| Verdict::Retry { after })
    }

    fn shortly(&self) -> Verdict {
        Verdict::Retry { after: SHORTLY.mul_f64(1.0 + (self.chance)()) }
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// An id or a type that the scheme can't carry is the message's. All else is the endpoint's: its keys, its URL, a scheme
/// that asks for more than messages have.
fn unsigned(error: SignError) -> Failed {
    match error {
        SignError::InvalidId => Failed::Unmade(error.to_string()),
        _ => Failed::Endpoint(error.to_string()),
    }
}

/// Checks that what the message itself puts into headers can be sent.
fn check_values(headers: &[(String, String)], message: &Message) -> Result<(), String> {
    let Message { id, event_type: kind, content_type, traceparent, .. } = message;
    let own = [Some(id), Some(kind), Some(content_type), traceparent.as_ref()];
    let cannot = |value: &String| own.contains(&Some(value)) && !is_header_value(value);
    match headers.iter().find(|(_, value)| cannot(value)) {
        Some((name, _)) => Err(format!("the message's value of the header {name} can't be sent")),
        None => Ok(()),
    }
}

/// Keeps the digest of what is sent, and the bytes where they aren't the message's own.
fn record_payload(attempt: &mut Attempt, payload: &Payload, body: &Bytes) {
    attempt.payload_digest = Some(countersign::sha256(body));
    if matches!(payload, Payload::Reference(_)) {
        attempt.payload = Some(body.clone());
    }
}

/// The headers as they are recorded: neither a token that is the secret itself, nor what the endpoint's
/// owner has added, which is often a credential.
fn shown(
    headers: &[(String, String)],
    endpoint: &Endpoint,
    signer: &EndpointSigner,
) -> Vec<(String, String)> {
    let hidden = |name: &str| (name.to_owned(), "…".to_owned());
    let ours = headers.iter().map(|(name, value)| match signer.shows_token() && name != "content-type" {
        true => hidden(name),
        false => (name.clone(), value.clone()),
    });
    ours.chain(endpoint.headers.iter().map(|(name, _)| hidden(name))).collect()
}

fn span(claimed: &Claimed) -> Span {
    error_span!(
        target: "countersign",
        "webhook.attempt",
        endpoint = &*claimed.endpoint.id,
        message_id = &*claimed.message.id,
        event_type = &*claimed.message.event_type,
        attempt = claimed.attempt,
        status = Empty,
        outcome = Empty,
    )
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Delivered => "delivered",
        Verdict::Retry { .. } => "retry",
        Verdict::Dead => "dead",
        Verdict::Cancelled => "cancelled",
    }
}

fn tell(attempt: &Attempt, verdict: Verdict, span: &Span) {
    span.record("outcome", name(verdict));
    // A field that is recorded without a value leaves a gap in a log's lines.
    if let Some(status) = attempt.status {
        span.record("status", status);
    }
    let ms = u64::try_from(attempt.latency.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match &attempt.error {
        None => info!(target: "countersign", ms, "webhook delivered"),
        Some(reason) if verdict == Verdict::Cancelled => {
            info!(target: "countersign", reason, ms, "webhook cancelled")
        }
        Some(reason) => {
            warn!(target: "countersign", reason, ms, "webhook not delivered")
        }
    });
}

fn count(attempt: &Attempt, verdict: Verdict) {
    counter!("countersign_attempts_total", "outcome" => name(verdict)).increment(1);
    histogram!("countersign_attempt_seconds").record(attempt.latency);
}

/// How long a delivery waits at least that this machine could not send, and at most twice as long.
const SHORTLY: Duration = Duration::from_secs(5);
