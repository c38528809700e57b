//! What a case is.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    answer::{Answer, Answers, REPLAYED},
    endpoint::Endpoint,
    server::Server,
};

/// A row of the table.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) talks: Vec<Vec<Step>>,
    pub(crate) order: Order,
    expected: Expected,
    exceptions: Vec<Exception>,
}

/// What a client does on its connection.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes bytes, all at once.
    Send(Vec<u8>),
    /// Writes bytes one by one, and waits after each.
    Trickle(Vec<u8>, Duration),
    /// Writes a piece again and again until the server hangs up.
    Endless(Vec<u8>),
    Wait(Duration),
    /// Waits for the next answer.
    Hear,
    /// Waits until nothing is remembered.
    Forgotten,
    /// Says that nothing more will be written.
    Finish,
    /// Is gone, without a word.
    Reset,
    /// Is gone as soon as the handler has been called.
    ResetOnceHandled,
}

/// How the connections of a case follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    OneAfterTheOther,
    /// The first is held by the handler until all others have been answered.
    WhileTheFirstIsHandled,
}

/// What must come of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// The answers on each connection.
    pub(crate) answers: Vec<Vec<Answer>>,
    /// The bodies that the handler is given.
    pub(crate) handled: Vec<Bytes>,
    /// How many events are remembered in the end.
    pub(crate) records: usize,
}

/// What comes of a case on one server, where that differs.
#[derive(Clone)]
struct Exception {
    server: Server,
    /// For those who read the table.
    why: &'static str,
    expected: Expected,
}

impl Case {
    pub(crate) fn new(name: impl Into<String>) -> Case {
        Case {
            name: name.into(),
            endpoint: Endpoint::standard(),
            talks: Vec::new(),
            order: Order::OneAfterTheOther,
            expected: Expected::default(),
            exceptions: Vec::new(),
        }
    }

    pub(crate) fn at(mut self, endpoint: Endpoint) -> Case {
        self.endpoint = endpoint;
        self
    }

    /// A connection, and what is answered on it.
    pub(crate) fn talk(mut self, steps: impl Into<Steps>, answers: impl Into<Answers>) -> Case {
        self.talks.push(steps.into().0);
        self.expected.answers.push(answers.into().into_vec());
        self
    }

    /// What the handler is given, each of which is remembered.
    pub(crate) fn handles<B: AsRef<[u8]>>(mut self, bodies: impl IntoIterator<Item = B>) -> Case {
        self.expected = self.expected.handling(bodies);
        self
    }

    /// How many events are remembered, where it isn't each that was handled.
    pub(crate) fn remembers(mut self, records: usize) -> Case {
        self.expected.records = records;
        self
    }

    pub(crate) fn while_the_first_is_handled(mut self) -> Case {
        self.order = Order::WhileTheFirstIsHandled;
        self
    }

    /// What comes of it on one server, and why.
    pub(crate) fn but_on(mut self, server: Server, why: &'static str, expected: Expected) -> Case {
        self.exceptions.push(Exception { server, why, expected });
        self
    }

    /// What must come of it, and why it differs here if it does.
    pub(crate) fn expected_on(&self, server: Server) -> (Expected, &'static str) {
        let exception = self.exceptions.iter().find(|exception| exception.server == server.beneath());
        let (expected, why) = match exception {
            Some(exception) => (&exception.expected, exception.why),
            None => (&self.expected, ""),
        };
        match server {
            Server::Inbox => (expected.clone().stored(), why),
            _ => (expected.clone(), why),
        }
    }
}

/// The steps of a client: often a single request.
pub(crate) struct Steps(Vec<Step>);

impl From<Vec<u8>> for Steps {
    fn from(request: Vec<u8>) -> Steps {
        Steps(vec![Step::Send(request)])
    }
}

impl<const N: usize> From<[Step; N]> for Steps {
    fn from(steps: [Step; N]) -> Steps {
        Steps(steps.into())
    }
}

impl Expected {
    /// One connection with these answers, and nothing handled.
    pub(crate) fn answered(answers: impl Into<Answers>) -> Expected {
        Expected { answers: vec![answers.into().into_vec()], ..Expected::default() }
    }

    /// And these bodies handled, each of which is remembered.
    pub(crate) fn handling<B: AsRef<[u8]>>(mut self, bodies: impl IntoIterator<Item = B>) -> Expected {
        self.handled = bodies.into_iter().map(|body| Bytes::copy_from_slice(body.as_ref())).collect();
        self.records = self.handled.len();
        self
    }

    /// The same where events are stored instead of handled: a copy is acknowledged like the first.
    fn stored(mut self) -> Expected {
        self.answers.iter_mut().flatten().for_each(|answer| answer.without(REPLAYED));
        self
    }
}
