//! The time in which a body must arrive.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use countersign::{Error, ErrorKind};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::body::Limits;

pin_project! {
    /// The time in which a body must arrive, whole and piece by piece.
    ///
    /// There is one timer for a body, set when something has to be waited for. A piece that arrives
    /// doesn't set it anew: that is done when it goes off too early.
    pub(crate) struct Deadline {
        limits: Limits,
        started: Instant,
        latest: Instant,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl Deadline {
    pub(crate) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Deadline { limits, started: now, latest: now, timer: None }
    }

    /// What `poll` gives, as long as there is time.
    pub(crate) async fn bound<T>(
        mut self: Pin<&mut Self>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Error> {
        poll_fn(|cx| match poll(cx) {
            Poll::Ready(value) => Poll::Ready(self.as_mut().note().map(|()| value)),
            Poll::Pending => self.as_mut().wait(cx).map(|()| Err(Error::new(ErrorKind::BodyTimeout))),
        })
        .await
    }

    /// Notes that something has arrived. A body may always be ready, and then no timer would end it.
    fn note(self: Pin<&mut Self>) -> Result<(), Error> {
        let this = self.project();
        *this.latest = Instant::now();
        match this.latest.duration_since(*this.started) < this.limits.total {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::BodyTimeout)),
        }
    }

    /// Ready once there is no time left.
    fn wait(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        // A limit beyond what a clock can tell is none.
        let ends = [this.started.checked_add(this.limits.total), this.latest.checked_add(this.limits.idle)];
        let Some(end) = ends.into_iter().flatten().min() else { return Poll::Pending };
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(end)));
        }
        let Some(mut timer) = this.timer.as_pin_mut() else { return Poll::Pending };
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}
