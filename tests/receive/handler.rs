//! The handler: does what its case wants, and notes what it was given.

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tokio::sync::watch;

/// What the handler does when it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Answer(u16),
    Panic,
    /// Waits until it is let go, and answers 200.
    Hold,
}

/// A handler that can be called from any server.
#[derive(Clone, Debug)]
pub(crate) struct Handler {
    acts: Arc<[Act]>,
    given: Arc<Mutex<Vec<Bytes>>>,
    calls: Arc<watch::Sender<usize>>,
    let_go: Arc<watch::Sender<bool>>,
}

impl Handler {
    /// Does `acts` one call after the other, and answers 200 from then on.
    pub(crate) fn new(acts: &[Act]) -> Handler {
        Handler {
            acts: acts.into(),
            given: Arc::default(),
            calls: Arc::new(watch::Sender::new(0)),
            let_go: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Handles an event, and gives the status of the answer.
    pub(crate) async fn handle(&self, body: Bytes) -> u16 {
        match self.note(body) {
            Act::Answer(status) => status,
            // Without the message, which nobody who reads the failing cases wants to see.
            Act::Panic => resume_unwind(Box::new("a handler that panics, as its case wants")),
            Act::Hold => {
                self.let_go.subscribe().wait_for(|go| *go).await.unwrap();
                200
            }
        }
    }

    fn note(&self, body: Bytes) -> Act {
        let mut given = self.given.lock().unwrap();
        given.push(body);
        let act = self.acts.get(given.len() - 1).copied().unwrap_or(Act::Answer(200));
        self.calls.send_replace(given.len());
        act
    }

    /// Lets those go that are held.
    pub(crate) fn let_go(&self) {
        self.let_go.send_replace(true);
    }

    /// Waits for the first call.
    pub(crate) async fn called(&self) {
        self.calls.subscribe().wait_for(|calls| *calls > 0).await.unwrap();
    }

    /// The bodies that it was given.
    pub(crate) fn given(&self) -> Vec<Bytes> {
        self.given.lock().unwrap().clone()
    }
}
