//! The time in which a body must arrive.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use countersign::{Error, ErrorKind};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::body::Limits;

/// The time in which a body must arrive, whole and piece by piece.
///
/// There is one timer for a body, set when something has to be waited for: most requests have none, and
/// no room for one. A piece that arrives doesn't set it anew: that is done when it goes off too early. Nor is
/// the clock read for a body that is there in one piece, as most are.
pub(crate) struct Deadline {
    limits: Limits,
    /// Whether something had to be waited for.
    waited: bool,
    times: Option<Times>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// When a body was first waited for or arrived in part, and when the latest piece came.
#[derive(Clone, Copy)]
struct Times {
    started: Instant,
    latest: Instant,
}

impl From<Instant> for Times {
    fn from(now: Instant) -> Self {
        Times { started: now, latest: now }
    }
}

impl Times {
    /// When the time for the whole body is over, and when the silence since the latest piece has been too long. A
    /// limit beyond what a clock can tell is none.
    fn ends(self, limits: Limits) -> (Option<Instant>, Option<Instant>) {
        (self.started.checked_add(limits.total), self.latest.checked_add(limits.idle))
    }
}

impl Deadline {
    pub(crate) fn new(limits: Limits) -> Self {
        Deadline { limits, waited: false, times: None, timer: None }
    }

    /// What `poll` gives, as long as there is time.
    pub(crate) async fn bound<T>(
        &mut self,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Error> {
        poll_fn(|cx| match poll(cx) {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending => self.wait(cx).map(|()| Err(self.too_slow())),
        })
        .await
    }

    /// Notes that a piece has arrived, and that there are others. They may always be ready, and then no timer
    /// would end it.
    pub(crate) fn note(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let times = self.times.get_or_insert(Times::from(now));
        times.latest = now;
        match now.duration_since(times.started) < self.limits.total {
            true => Ok(()),
            false => Err(self.too_slow()),
        }
    }

    /// Says which of the two limits it was.
    fn too_slow(&self) -> Error {
        let Limits { total, idle, .. } = self.limits;
        let ends = self.times.map(|times| times.ends(self.limits));
        Error::new(ErrorKind::BodyTimeout).because(match ends {
            Some((whole, Some(silence))) if whole.is_none_or(|whole| silence < whole) => {
                format!("nothing came for {idle:?}")
            }
            _ => format!("its end had not come after {total:?}"),
        })
    }

    /// Ready once there is no time left.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A server may ask for the answer a moment before it hands over the body that it has: asking again once
        // costs less than a timer.
        if !mem::replace(&mut self.waited, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let times = self.times.get_or_insert_with(|| Times::from(Instant::now()));
        let (whole, silence) = times.ends(self.limits);
        let Some(end) = whole.into_iter().chain(silence).min() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}
