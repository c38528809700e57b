//! Answers: what must come, and what was heard.

use std::fmt;

/// An answer that must come: its status, its body, and its headers. Of [`Answer::TOLD`] there are
/// these and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
}

impl Answer {
    /// The headers that are compared. Others are the server's own.
    pub(crate) const TOLD: [&'static str; 5] =
        ["allow", "retry-after", REPLAYED, "www-authenticate", "x-content-type-options"];

    pub(crate) fn of(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: "" }
    }

    /// With this header.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Answer {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn without(&mut self, name: &str) {
        self.headers.retain(|(other, _)| *other != name);
    }

    pub(crate) fn saying(mut self, body: &'static str) -> Answer {
        self.body = body;
        self
    }

    /// After which the server says itself that it hangs up.
    pub(crate) fn closing(self) -> Answer {
        self.with("connection", "close")
    }

    pub(crate) fn is(&self, heard: &Heard) -> bool {
        let told =
            Answer::TOLD.iter().all(|name| heard.header(name).is_some() == self.header(name).is_some());
        let equal = |(name, value): &(&str, &str)| heard.header(name) == Some(value);
        self.status == heard.status && self.body == heard.body && told && self.headers.iter().all(equal)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

impl From<u16> for Answer {
    fn from(status: u16) -> Answer {
        Answer::of(status)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.headers.iter().try_for_each(|(name, value)| write!(f, " {name}: {value}"))?;
        match self.body {
            "" => Ok(()),
            body => write!(f, " {body:?}"),
        }
    }
}

/// The answers on a connection: often a single status.
pub(crate) struct Answers(Vec<Answer>);

impl Answers {
    pub(crate) const NONE: Answers = Answers(Vec::new());

    pub(crate) fn into_vec(self) -> Vec<Answer> {
        self.0
    }
}

impl<A: Into<Answer>> From<A> for Answers {
    fn from(answer: A) -> Answers {
        Answers(vec![answer.into()])
    }
}

impl<const N: usize> From<[u16; N]> for Answers {
    fn from(statuses: [u16; N]) -> Answers {
        Answers(statuses.map(Answer::of).into())
    }
}

/// An answer as it was heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }
}

/// The header of an answer that was recorded.
pub(crate) const REPLAYED: &str = "idempotency-replayed";
