//! Stores do what a model does that is so simple that it is plainly right, in any order of steps.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use arbitrary::{Arbitrary, Unstructured};

mod claims;
mod outbox;

#[derive(Arbitrary, Debug)]
enum Input {
    Claims(Vec<claims::Step>),
    Outbox(Vec<outbox::Step>),
}

/// Takes the steps in a store and in its model.
///
/// # Panics
/// Where the two differ.
pub fn target(data: &[u8]) {
    match Input::arbitrary_take_rest(Unstructured::new(data)) {
        Ok(Input::Claims(steps)) => claims::compare(&steps[..steps.len().min(MAX_STEPS)]),
        Ok(Input::Outbox(steps)) => outbox::compare(&steps[..steps.len().min(MAX_STEPS)]),
        Err(_) => {}
    }
}

/// So few that no step of at most 255 seconds comes near to the hour after which a store in memory
/// forgets a claim that nobody has settled.
const MAX_STEPS: usize = 200;

/// The outcome of a call of a store in memory, which waits for nothing.
fn done<T>(call: impl Future<Output = T>) -> T {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("a store in memory waits for nothing"),
    }
}
