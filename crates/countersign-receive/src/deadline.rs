//! The time in which a body must arrive.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use countersign::{Error, ErrorKind};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::body::Limits;

/// The time in which a body must arrive, whole and piece by piece.
///
/// There is one timer for a body, set when something has to be waited for: most requests have none, and
/// no room for one. A piece that arrives doesn't set it anew: that is done when it goes off too early.
pub(crate) struct Deadline {
    limits: Limits,
    started: Instant,
    latest: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    pub(crate) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Deadline { limits, started: now, latest: now, timer: None }
    }

    /// What `poll` gives, as long as there is time.
    pub(crate) async fn bound<T>(
        &mut self,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Error> {
        poll_fn(|cx| match poll(cx) {
            Poll::Ready(value) => Poll::Ready(self.note().map(|()| value)),
            Poll::Pending => self.wait(cx).map(|()| Err(Error::new(ErrorKind::BodyTimeout))),
        })
        .await
    }

    /// Notes that something has arrived. A body may always be ready, and then no timer would end it.
    fn note(&mut self) -> Result<(), Error> {
        self.latest = Instant::now();
        match self.latest.duration_since(self.started) < self.limits.total {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::BodyTimeout)),
        }
    }

    /// Ready once there is no time left.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A limit beyond what a clock can tell is none.
        let ends = [self.started.checked_add(self.limits.total), self.latest.checked_add(self.limits.idle)];
        let Some(end) = ends.into_iter().flatten().min() else { return Poll::Pending };
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
