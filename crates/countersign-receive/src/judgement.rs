//! What was found out about a request.

use countersign::{Error, Greeting, scheme::Scheme};
use countersign_store::{Accepted, Answer};

use crate::{Decided, Handling, Next, Reply, Verified};

/// What was found out about a request, and so what becomes of it.
pub(crate) enum Judgement {
    Handle(Verified, Handling),
    Queued(Verified, Accepted),
    Replay(Verified, Answer),
    Greet(Greeting),
    Refuse(Option<Verified>, Error),
}

/// The status of an event that is stored for later.
const QUEUED: u16 = 200;

impl Judgement {
    pub(crate) fn outcome(&self) -> Decided {
        match self {
            Judgement::Handle(..) => Decided::Accepted,
            Judgement::Queued(_, Accepted::New) => Decided::Queued,
            Judgement::Queued(_, Accepted::Duplicate | Accepted::GivenUp) | Judgement::Replay(..) => {
                Decided::Duplicate
            }
            Judgement::Greet(_) => Decided::Handshake,
            Judgement::Refuse(..) => Decided::Refused,
        }
    }

    pub(crate) fn verified(&self) -> Option<&Verified> {
        match self {
            Judgement::Handle(verified, _)
            | Judgement::Queued(verified, _)
            | Judgement::Replay(verified, _) => Some(verified),
            Judgement::Refuse(verified, _) => verified.as_ref(),
            Judgement::Greet(_) => None,
        }
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        match self {
            Judgement::Refuse(_, error) => Some(error),
            _ => None,
        }
    }

    /// Whether it is a copy of an event that an inbox has given up.
    pub(crate) fn is_given_up(&self) -> bool {
        matches!(self, Judgement::Queued(_, Accepted::GivenUp))
    }

    /// The status, where the handler isn't called.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Judgement::Handle(..) => None,
            Judgement::Queued(..) => Some(QUEUED),
            Judgement::Replay(_, answer) => Some(answer.status),
            Judgement::Greet(greeting) => Some(greeting.status),
            Judgement::Refuse(_, error) => Some(error.status()),
        }
    }

    pub(crate) fn into_next(self, scheme: &Scheme) -> Next {
        match self {
            Judgement::Handle(verified, handling) => Next::Handle(verified, handling),
            Judgement::Queued(..) => Next::Answer(Reply::empty(QUEUED)),
            Judgement::Replay(_, answer) => Next::Answer(Reply::replayed(answer)),
            Judgement::Greet(greeting) => Next::Answer(Reply::greeting(greeting, scheme)),
            Judgement::Refuse(_, error) => Next::Answer(Reply::refusal(error, scheme)),
        }
    }
}
