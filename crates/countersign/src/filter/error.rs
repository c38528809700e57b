//! What is wrong with a pattern of event types.

use alloc::string::String;
use core::fmt;

/// A pattern of event types that is refused.
#[derive(Clone, PartialEq, Eq)]
pub struct FilterError {
    kind: FilterErrorKind,
    pattern: String,
}

/// What is wrong with a pattern of event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterErrorKind {
    /// There is no pattern, or an empty one.
    Empty,
    /// The pattern is longer than [`EventFilter::MAX_LEN`](super::EventFilter::MAX_LEN).
    TooLong,
    /// There are more than [`EventFilters::MAX_PATTERNS`](super::EventFilters::MAX_PATTERNS).
    TooMany,
    /// White space stands before or behind the pattern, or a control character in it.
    Space,
    /// Several patterns stand in one text.
    List,
    /// A `*` stands where none can.
    Wildcard,
    /// The pattern is in the table already.
    Duplicate,
}

impl FilterErrorKind {
    const fn advice(self) -> &'static str {
        match self {
            FilterErrorKind::Empty => "is empty: write an event type such as `invoice.paid`, or `*` for all",
            FilterErrorKind::TooLong => "is longer than 255 bytes",
            FilterErrorKind::TooMany => "is one too many: give at most 256, or a prefix such as `invoice.*`",
            FilterErrorKind::Space => "has white space around it or a control character in it: remove it",
            FilterErrorKind::List => "holds a comma: give each pattern on its own",
            FilterErrorKind::Wildcard => {
                "has a `*` where none can stand: write `*` alone, or at the end behind a name and `.`, `/` or \
                 `:`, as in `invoice.*`"
            }
            FilterErrorKind::Duplicate => "is there already: give each pattern once",
        }
    }
}

impl FilterError {
    pub(super) fn new(kind: FilterErrorKind, pattern: &str) -> Self {
        FilterError { kind, pattern: pattern.chars().take(MAX_SHOWN).collect() }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> FilterErrorKind {
        self.kind
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event pattern {:?} {}", self.pattern, self.kind.advice())
    }
}

/// As a sentence, for `main` prints an error so.
impl fmt::Debug for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilterError({self})")
    }
}

impl core::error::Error for FilterError {}

/// How many characters of a pattern its error shows.
const MAX_SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use crate::EventFilter;

    #[test]
    fn an_error_names_the_pattern_and_what_to_write() {
        let text = |pattern: &str| EventFilter::parse(pattern).expect_err("no pattern").to_string();
        assert!(text("invoice*").starts_with("event pattern \"invoice*\" has a `*` where none can stand"));
        assert!(text("invoice*").ends_with("as in `invoice.*`"));
        assert!(text("a\nb").contains("\"a\\nb\""));
        assert!(text(&"x".repeat(100_000)).len() < 200);
    }
}
