//! Bodies that are too large, too slow, or not whole. Time is tokio's, paused.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use countersign::ErrorKind;
use countersign_tower::{Rejection, WebhookLayer};
use http::{HeaderMap, HeaderValue, Request};
use http_body::{Body, Frame};
use http_body_util::Limited;
use tokio::time::{Instant, Sleep, sleep};

use crate::support::{BODY, layer, refusal, request, send, signed};

/// What a body does next.
#[derive(Debug)]
enum Step {
    Piece(Bytes),
    Trailers(HeaderMap),
    Wait(Duration),
    Break,
}

/// A body that follows a script.
#[derive(Debug, Default)]
struct Script {
    steps: VecDeque<Step>,
    forever: Option<Bytes>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl From<Bytes> for Script {
    fn from(bytes: Bytes) -> Self {
        script([Step::Piece(bytes)])
    }
}

fn script(steps: impl IntoIterator<Item = Step>) -> Script {
    Script { steps: steps.into_iter().collect(), ..Script::default() }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(waiting) = &mut self.waiting {
                std::task::ready!(waiting.as_mut().poll(cx));
                self.waiting = None;
            }
            match self.steps.pop_front() {
                Some(Step::Wait(time)) => self.waiting = Some(Box::pin(sleep(time))),
                Some(Step::Piece(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Some(Step::Break) => return Poll::Ready(Some(Err(io::Error::other("reset")))),
                None => return Poll::Ready(self.forever.clone().map(|bytes| Ok(Frame::data(bytes)))),
            }
        }
    }
}

fn scripted(body: Script) -> Request<Script> {
    request(&signed(BODY), Bytes::new()).map(|_| body)
}

/// What the log says of a refusal.
async fn reason<B>(layer: &WebhookLayer, request: Request<B>) -> String
where
    B: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<tower::BoxError>,
{
    let (response, _) = send(layer, request).await;
    response.extensions().get::<Rejection>().expect("a refusal").to_string()
}

fn pieces(size: usize) -> Vec<Step> {
    BODY.chunks(size).map(|piece| Step::Piece(Bytes::from_static(piece))).collect()
}

#[tokio::test]
async fn a_body_in_pieces_is_verified_as_it_arrives() {
    for size in 1..=BODY.len() {
        let (response, calls) = send(&layer(), scripted(script(pieces(size)))).await;
        assert_eq!(response.status(), 200);
        assert_eq!(calls.last().body, BODY);
    }
}

#[tokio::test]
async fn adv_54_the_limit_holds_to_the_byte() {
    for (limit, status) in [(BODY.len(), 200), (BODY.len() - 1, 413)] {
        let layer = layer().body_limit(limit);
        assert_eq!(send(&layer, scripted(script(pieces(7)))).await.0.status(), status);
        assert_eq!(send(&layer, request(&signed(BODY), BODY)).await.0.status(), status);
    }
}

#[tokio::test]
async fn adv_54_an_endless_body_is_refused_at_the_limit() {
    let body = Script { forever: Some(Bytes::from(vec![b'x'; 64 * 1024])), ..Script::default() };
    let (response, calls) = send(&layer(), scripted(body)).await;
    assert_eq!((response.status().as_u16(), calls.count()), (413, 0));
    assert_eq!(response.headers()["connection"], "close");
}

#[tokio::test(start_paused = true)]
async fn adv_54_an_endless_body_of_empty_pieces_ends_in_time() {
    let mut steps = Vec::new();
    for _ in 0..100 {
        steps.extend([Step::Piece(Bytes::new()), Step::Wait(Duration::from_secs(1))]);
    }
    let started = Instant::now();
    assert_eq!(refusal(&layer(), scripted(script(steps))).await.1, ErrorKind::BodyTimeout);
    assert_eq!(started.elapsed().as_secs(), 10);
}

/// On the real clock, because a body that is always ready leaves tokio's no time to move.
#[tokio::test]
async fn adv_54_an_endless_body_that_is_always_ready_ends_in_time() {
    let body = Script { forever: Some(Bytes::new()), ..Script::default() };
    let layer = layer().body_timeout(Duration::from_millis(50));
    assert_eq!(refusal(&layer, scripted(body)).await.1, ErrorKind::BodyTimeout);
}

#[tokio::test]
async fn adv_54_a_length_above_the_limit_is_refused_before_a_byte_is_read() {
    let mut request = scripted(script([Step::Break]));
    request.headers_mut().insert("content-length", HeaderValue::from_static("99999999999"));
    assert_eq!(refusal(&layer(), request).await.1, ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn adv_54_a_limit_outside_of_the_layer_is_413_too() {
    let body = scripted(script(pieces(7))).map(|body| Outer(Limited::new(body, 10)));
    assert_eq!(refusal(&layer(), body).await.1, ErrorKind::BodyTooLarge);
}

/// As `tower_http::limit` and axum wrap a body.
#[derive(Debug)]
struct Outer(Limited<Script>);

impl From<Bytes> for Outer {
    fn from(bytes: Bytes) -> Self {
        Outer(Limited::new(bytes.into(), usize::MAX))
    }
}

impl Body for Outer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx).map_err(|error| io::Error::other(Wrapped(error)))
    }
}

#[derive(Debug)]
struct Wrapped(tower::BoxError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("wrapped")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_which_limit_it_was() {
    let slow = |time| {
        let steps =
            pieces(10).into_iter().flat_map(move |piece| [Step::Wait(Duration::from_secs(time)), piece]);
        scripted(script(steps))
    };
    let announced = |length| {
        let mut request = scripted(script(pieces(10)));
        request.headers_mut().insert("content-length", HeaderValue::from_static(length));
        request
    };
    let layer = layer().body_limit(50);
    let around = scripted(script(pieces(7))).map(|body| Outer(Limited::new(body, 10)));
    for (reason, said) in [
        (reason(&layer, announced("51")).await, "51 bytes are announced, and 50 are allowed"),
        (reason(&layer.clone().body_limit(15), slow(0)).await, "20 bytes have come, and 15 are allowed"),
        (reason(&layer, around).await, "it is set by something around this layer"),
        (reason(&layer, announced("49")).await, "44 bytes of 49: does something before this read the body?"),
        (reason(&layer, slow(6)).await, "nothing came for 5s"),
        (reason(&layer, slow(4)).await, "its end had not come after 10s"),
    ] {
        assert!(reason.ends_with(&format!(": {said}")), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn adv_55_a_silence_of_five_seconds_is_408() {
    let silent = |time| {
        let mut steps = pieces(7);
        steps.insert(1, Step::Wait(time));
        scripted(script(steps))
    };
    assert_eq!(send(&layer(), silent(Duration::from_millis(4_999))).await.0.status(), 200);
    let started = Instant::now();
    let (response, calls) = send(&layer(), silent(Duration::from_secs(3600))).await;
    assert_eq!((response.status().as_u16(), calls.count()), (408, 0));
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn adv_55_a_byte_a_second_is_408_after_ten() {
    let steps = pieces(1).into_iter().flat_map(|piece| [Step::Wait(Duration::from_secs(1)), piece]);
    let started = Instant::now();
    assert_eq!(refusal(&layer(), scripted(script(steps))).await.1, ErrorKind::BodyTimeout);
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn adv_55_the_limits_of_time_are_settings() {
    let slow = || {
        let steps = pieces(10).into_iter().flat_map(|piece| [Step::Wait(Duration::from_secs(4)), piece]);
        scripted(script(steps))
    };
    let patient = layer().body_timeout(Duration::MAX);
    assert_eq!(send(&patient, slow()).await.0.status(), 200);
    assert_eq!(
        refusal(&patient.clone().idle_timeout(Duration::from_secs(3)), slow()).await.1,
        ErrorKind::BodyTimeout
    );
    assert_eq!(
        refusal(&patient.body_timeout(Duration::from_secs(9)), slow()).await.1,
        ErrorKind::BodyTimeout
    );
}

#[tokio::test]
async fn adv_56_trailers_are_neither_verified_nor_passed_on() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-anything", HeaderValue::from_static("1"));
    let mut steps = pieces(7);
    steps.push(Step::Trailers(trailers));
    let (response, calls) = send(&layer(), scripted(script(steps))).await;
    assert_eq!(response.status(), 200);
    assert!(calls.last().trailers.is_none());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_even_where_all_that_is_signed_arrived() {
    let mut steps = pieces(7);
    steps.push(Step::Break);
    let (status, kind) = refusal(&layer(), scripted(script(steps))).await;
    assert_eq!((status.as_u16(), kind), (400, ErrorKind::BodyIncomplete));
}

#[tokio::test]
async fn adv_33_a_body_that_was_read_before_is_noticed() {
    let mut request = request(&signed(b""), Bytes::new());
    request.headers_mut().insert("content-length", HeaderValue::from_static("44"));
    assert_eq!(refusal(&layer(), request).await.1, ErrorKind::BodyIncomplete);
}
