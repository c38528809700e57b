//! The most specific pattern that matches.

use alloc::vec::Vec;
use core::{cmp::Reverse, fmt};

use super::{EventFilter, FilterError, FilterErrorKind};

/// Values by patterns of event types, of which the most specific that matches is found.
///
/// An exact type is more specific than any prefix, a longer prefix than a shorter one, and `*` is
/// the least; the order of insertion is of no account. See the [module's page](super) for an
/// example.
#[derive(Clone)]
pub struct EventTable<T> {
    /// The most specific first.
    entries: Vec<(EventFilter, T)>,
}

impl<T> EventTable<T> {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        EventTable { entries: Vec::new() }
    }

    /// Puts a value under a pattern.
    ///
    /// # Errors
    /// Where the text is no pattern, or the pattern is in the table already.
    pub fn insert(&mut self, pattern: &str, value: T) -> Result<(), FilterError> {
        let filter = EventFilter::parse(pattern)?;
        match self.entries.binary_search_by_key(&Reverse(&filter), |(other, _)| Reverse(other)) {
            Ok(_) => Err(FilterError::new(FilterErrorKind::Duplicate, pattern)),
            Err(place) => {
                self.entries.insert(place, (filter, value));
                Ok(())
            }
        }
    }

    /// The value of the most specific pattern that matches this type.
    #[must_use]
    pub fn find(&self, kind: &str) -> Option<&T> {
        self.entries.iter().find(|(filter, _)| filter.matches(kind)).map(|(_, value)| value)
    }

    /// The patterns, the most specific first.
    pub fn filters(&self) -> impl Iterator<Item = &EventFilter> {
        self.entries.iter().map(|(filter, _)| filter)
    }
}

impl<T> Default for EventTable<T> {
    fn default() -> Self {
        EventTable::new()
    }
}

/// Shows the patterns, not the values.
impl<T> fmt::Debug for EventTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.filters().map(EventFilter::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const PATTERNS: [&str; 5] = ["*", "invoice.*", "invoice.item.*", "invoice.paid", "/invoice/*"];

    fn table(patterns: impl Iterator<Item = &'static str>) -> EventTable<&'static str> {
        let mut table = EventTable::new();
        patterns.for_each(|pattern| table.insert(pattern, pattern).expect("a new pattern"));
        table
    }

    #[test]
    fn the_most_specific_pattern_is_found_whatever_the_order() {
        let cases = [
            ("invoice.paid", "invoice.paid"),
            ("invoice.paid.late", "invoice.*"),
            ("invoice.item.added", "invoice.item.*"),
            ("invoice.item", "invoice.*"),
            ("invoice", "*"),
            ("/invoice/update/state", "/invoice/*"),
            ("", "*"),
        ];
        for first in 0..PATTERNS.len() {
            let turned = PATTERNS.iter().copied().cycle().skip(first).take(PATTERNS.len());
            for table in [table(turned.clone()), table(turned.collect::<Vec<_>>().into_iter().rev())] {
                for (kind, expected) in cases {
                    assert_eq!(table.find(kind), Some(&expected), "{kind}");
                }
            }
        }
    }

    #[test]
    fn without_a_match_nothing_is_found() {
        assert_eq!(table(["invoice.*"].into_iter()).find("customer.created"), None);
        assert_eq!(EventTable::<()>::new().find("invoice.paid"), None);
    }

    #[test]
    fn a_pattern_that_is_there_or_is_none_is_refused_and_changes_nothing() {
        let mut table = table(PATTERNS.into_iter());
        for pattern in PATTERNS {
            let error = table.insert(pattern, "other").expect_err("it is there");
            assert_eq!(error.kind(), FilterErrorKind::Duplicate);
        }
        assert_eq!(table.insert("x*", "x").map_err(|e| e.kind()), Err(FilterErrorKind::Wildcard));
        assert_eq!(table.find("invoice.paid"), Some(&"invoice.paid"));
        assert_eq!(table.filters().count(), PATTERNS.len());
    }

    #[test]
    fn it_shows_its_patterns() {
        assert_eq!(format!("{:?}", table(["*", "a.b"].into_iter())), r#"{"a.b", "*"}"#);
    }
}
