//! What is counted, under labels that only the configuration can make more.

use std::{borrow::Cow, time::Duration};

use countersign::Verifier;
use metrics::{Key, Label, Level, Metadata, with_recorder};

use crate::Decided;

/// The names of a receiver's metrics, with their labels. Those that most requests need are made once.
#[derive(Debug)]
pub(crate) struct Meters {
    labels: Vec<Label>,
    accepted: Key,
    handled: Key,
    seconds: Key,
}

/// What came of handling an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// The handler answered 2xx.
    Done,
    /// It answered anything else.
    Failed,
    /// It didn't answer.
    Dropped,
}

static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

const RECEIVED: &str = "countersign_received_total";
const HANDLED: &str = "countersign_handled_total";

impl Handled {
    pub(crate) fn of(status: u16) -> Self {
        match status {
            200..300 => Handled::Done,
            _ => Handled::Failed,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Handled::Done => "done",
            Handled::Failed => "failed",
            Handled::Dropped => "dropped",
        }
    }
}

impl Meters {
    pub(crate) fn new(verifier: &Verifier) -> Self {
        let scheme = Label::new("scheme", verifier.scheme().name.clone());
        let endpoint = verifier.endpoint().map(|name| Label::new("endpoint", name.to_owned()));
        let labels: Vec<_> = [scheme].into_iter().chain(endpoint).collect();
        Meters {
            accepted: with_outcome(RECEIVED, &labels, Decided::Accepted.as_str()),
            handled: with_outcome(HANDLED, &labels, Handled::Done.as_str()),
            seconds: Key::from_parts("countersign_receive_seconds", labels.clone()),
            labels,
        }
    }

    /// Counts a decision and how long it took.
    pub(crate) fn decided(&self, outcome: &'static str, took: Duration) {
        let total = match outcome == Decided::Accepted.as_str() {
            true => Cow::Borrowed(&self.accepted),
            false => Cow::Owned(with_outcome(RECEIVED, &self.labels, outcome)),
        };
        with_recorder(|recorder| {
            recorder.register_counter(&total, &METADATA).increment(1);
            recorder.register_histogram(&self.seconds, &METADATA).record(took);
        });
    }

    /// Counts what came of handling an event.
    pub(crate) fn handled(&self, outcome: Handled) {
        let total = match outcome {
            Handled::Done => Cow::Borrowed(&self.handled),
            Handled::Failed | Handled::Dropped => {
                Cow::Owned(with_outcome(HANDLED, &self.labels, outcome.as_str()))
            }
        };
        with_recorder(|recorder| recorder.register_counter(&total, &METADATA).increment(1));
    }
}

fn with_outcome(name: &'static str, labels: &[Label], outcome: &'static str) -> Key {
    let outcome = Label::new("outcome", outcome);
    Key::from_parts(name, labels.iter().cloned().chain([outcome]).collect::<Vec<_>>())
}
