//! Interim answers: those of the status 1xx, of which any number may come before the answer (RFC 9110 §15.2).

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Request;
use tokio::sync::Notify;

/// What an attempt has been answered before the answer. A host that goes on for ever would be read as fast as it writes until
/// the time is up.
#[derive(Default)]
pub(super) struct Interim {
    count: AtomicUsize,
    too_many: Notify,
}

impl Interim {
    /// Counts those to a request by HTTP/1.1. hyper tells of none by HTTP/2, whose flood ends with the attempt's time.
    pub(super) fn of<B>(request: &mut Request<B>) -> Arc<Self> {
        let interim = Arc::new(Interim::default());
        let counted = interim.clone();
        hyper::ext::on_informational(request, move |_| {
            if counted.count.fetch_add(1, Ordering::Relaxed) == MOST {
                counted.too_many.notify_one();
            }
        });
        interim
    }

    /// Ends when there are more than a host with an answer has any use for.
    pub(super) fn too_many(&self) -> impl Future<Output = ()> {
        self.too_many.notified()
    }
}

const MOST: usize = 64;
