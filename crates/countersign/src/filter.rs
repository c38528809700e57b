//! Which events somebody wants: patterns of event types.
//!
//! | pattern | matches | and not |
//! |---|---|---|
//! | `invoice.paid` | that type | any other |
//! | `invoice.*` | `invoice.paid`, `invoice.item.added` | `invoice`, `invoices.paid` |
//! | `/invoice/*` | `/invoice/update/state` | `/invoice`, `invoice.paid` |
//! | `*` | every type | |
//!
//! A `*` stands alone or at the end, behind one of the separators `.`, `/` and `:`, which are those
//! that providers write between the parts of a type (`invoice.paid`, `orders/create`, `repo:push`).
//! Types are compared byte for byte, so upper and lower case differ.
//!
//! An [`EventFilter`] is one pattern, [`EventFilters`] several of which one must match, and an
//! [`EventTable`] finds the most specific pattern that matches:
//!
//! ```
//! use countersign::filter::{EventFilters, EventTable};
//!
//! let wanted = EventFilters::parse(["invoice.*", "payment.received"])?;
//! assert!(wanted.matches("invoice.paid"));
//! assert!(!wanted.matches("payment.failed"));
//!
//! let mut table = EventTable::new();
//! table.insert("*", "the rest")?;
//! table.insert("invoice.*", "invoices")?;
//! table.insert("invoice.paid", "money")?;
//! assert_eq!(table.find("invoice.paid"), Some(&"money"));
//! assert_eq!(table.find("invoice.item.added"), Some(&"invoices"));
//! assert_eq!(table.find("customer.created"), Some(&"the rest"));
//! # Ok::<(), countersign::filter::FilterError>(())
//! ```

use alloc::{borrow::ToOwned, collections::BTreeSet, string::String};
use core::{cmp::Ordering, fmt, str::FromStr};

pub use self::{
    error::{FilterError, FilterErrorKind},
    table::EventTable,
};

mod error;
mod table;

/// A pattern of event types: one type, all under a prefix, or all.
///
/// What a pattern can be stands on the [module's page](self). The order is from the least specific
/// to the most: `*`, then prefixes by length, then exact types.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventFilter(String);

impl EventFilter {
    /// The longest pattern, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Reads a pattern.
    ///
    /// # Errors
    /// Where the text is no pattern; the error says what to write.
    pub fn parse(pattern: &str) -> Result<EventFilter, FilterError> {
        match mistake(pattern) {
            Some(kind) => Err(FilterError::new(kind, pattern)),
            None => Ok(EventFilter(pattern.to_owned())),
        }
    }

    /// Whether an event of this type is wanted.
    #[must_use]
    pub fn matches(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            None => self.0 == kind,
            Some("") => true,
            Some(prefix) => kind.len() > prefix.len() && kind.starts_with(prefix),
        }
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_exact(&self) -> bool {
        !self.0.ends_with('*')
    }
}

impl Ord for EventFilter {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |filter: &Self| (filter.is_exact(), filter.0.len());
        rank(self).cmp(&rank(other)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for EventFilter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for EventFilter {
    type Err = FilterError;

    fn from_str(pattern: &str) -> Result<Self, FilterError> {
        EventFilter::parse(pattern)
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventFilter({:?})", self.0)
    }
}

/// Several patterns of event types, of which one must match.
///
/// There is always at least one, so that nobody has to guess whether none means nothing or
/// everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventFilters(BTreeSet<EventFilter>);

impl EventFilters {
    /// The most patterns that are kept together.
    pub const MAX_PATTERNS: usize = 256;

    /// Reads patterns. One that is given twice is kept once.
    ///
    /// # Errors
    /// Where a text is no pattern, where there is none, or where there are more than
    /// [`MAX_PATTERNS`](EventFilters::MAX_PATTERNS).
    pub fn parse<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<EventFilters, FilterError> {
        let mut filters = BTreeSet::new();
        for pattern in patterns {
            filters.insert(EventFilter::parse(pattern.as_ref())?);
            if filters.len() > Self::MAX_PATTERNS {
                return Err(FilterError::new(FilterErrorKind::TooMany, pattern.as_ref()));
            }
        }
        match filters.is_empty() {
            true => Err(FilterError::new(FilterErrorKind::Empty, "")),
            false => Ok(EventFilters(filters)),
        }
    }

    /// Whether an event of this type is wanted.
    #[must_use]
    pub fn matches(&self, kind: &str) -> bool {
        self.0.iter().any(|filter| filter.matches(kind))
    }

    /// The patterns, the least specific first.
    pub fn iter(&self) -> impl Iterator<Item = &EventFilter> {
        self.0.iter()
    }
}

/// What is wrong with a pattern.
fn mistake(pattern: &str) -> Option<FilterErrorKind> {
    let name = pattern.strip_suffix('*').unwrap_or(pattern);
    let is_wildcard = name.len() < pattern.len();
    match pattern {
        "" => Some(FilterErrorKind::Empty),
        _ if pattern.len() > EventFilter::MAX_LEN => Some(FilterErrorKind::TooLong),
        _ if pattern.trim() != pattern || pattern.contains(char::is_control) => Some(FilterErrorKind::Space),
        _ if pattern.contains(',') => Some(FilterErrorKind::List),
        _ if name.contains('*') || (is_wildcard && !is_prefix(name)) => Some(FilterErrorKind::Wildcard),
        _ => None,
    }
}

/// Whether a `*` can stand behind this: behind nothing, or behind a name and its separator.
fn is_prefix(name: &str) -> bool {
    match name.strip_suffix(SEPARATORS) {
        // Types that are paths begin with `/`; none begins with another separator, `.*` least of all.
        Some("") => name == "/",
        Some(_) => true,
        None => name.is_empty(),
    }
}

/// What providers write between the parts of an event type.
pub(crate) const SEPARATORS: [char; 3] = ['.', '/', ':'];

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec, vec::Vec};

    use super::*;

    fn filter(pattern: &str) -> EventFilter {
        EventFilter::parse(pattern).expect("a pattern")
    }

    #[test]
    fn an_exact_pattern_matches_its_type_alone() {
        let filter = filter("invoice.paid");
        assert!(filter.matches("invoice.paid"));
        for other in ["", "invoice", "invoice.paid.", "invoice.paid.late", "Invoice.paid", " invoice.paid"] {
            assert!(!filter.matches(other), "{other}");
        }
    }

    #[test]
    fn a_prefix_matches_what_is_under_it_and_not_itself() {
        let cases = [
            ("invoice.*", "invoice.paid", true),
            ("invoice.*", "invoice.item.added", true),
            ("invoice.*", "invoice", false),
            ("invoice.*", "invoice.", false),
            ("invoice.*", "invoices.x", false),
            ("invoice.*", "invoice/paid", false),
            ("invoice.item.*", "invoice.paid", false),
            ("/invoice/*", "/invoice/update/state", true),
            ("/invoice/*", "/invoice", false),
            ("/invoice/*", "invoice/update", false),
            ("/*", "/invoice/update/state", true),
            ("/*", "invoice.paid", false),
            ("repo:*", "repo:push", true),
            ("bills.*", "bills.afterChargeSuccess", true),
        ];
        for (pattern, kind, expected) in cases {
            assert_eq!(filter(pattern).matches(kind), expected, "{pattern} on {kind}");
        }
    }

    #[test]
    fn a_star_matches_every_type() {
        for kind in ["invoice.paid", "/invoice/update/state", "Push Hook", ""] {
            assert!(filter("*").matches(kind), "{kind}");
        }
    }

    #[test]
    fn a_pattern_is_shown_as_it_is_written() {
        for pattern in ["invoice.paid", "invoice.*", "/invoice/*", "*", "Push Hook", "счёт.оплачен"]
        {
            let filter = filter(pattern);
            assert_eq!(filter.to_string(), pattern);
            assert_eq!(filter.to_string().parse(), Ok(filter.clone()));
            assert_eq!(filter.as_str(), pattern);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_its_reason() {
        let long = "x".repeat(EventFilter::MAX_LEN + 1);
        let cases = [
            ("", FilterErrorKind::Empty),
            (long.as_str(), FilterErrorKind::TooLong),
            (" invoice.paid", FilterErrorKind::Space),
            ("invoice.paid\n", FilterErrorKind::Space),
            ("invoice\0.paid", FilterErrorKind::Space),
            ("invoice.paid,invoice.created", FilterErrorKind::List),
            ("invoice*", FilterErrorKind::Wildcard),
            ("*.paid", FilterErrorKind::Wildcard),
            ("invoice.*.added", FilterErrorKind::Wildcard),
            ("invoice.**", FilterErrorKind::Wildcard),
            ("**", FilterErrorKind::Wildcard),
            (".*", FilterErrorKind::Wildcard),
            (":*", FilterErrorKind::Wildcard),
        ];
        for (pattern, kind) in cases {
            assert_eq!(EventFilter::parse(pattern).map_err(|error| error.kind()), Err(kind), "{pattern}");
        }
        assert!(EventFilter::parse(&long[1..]).is_ok());
    }

    #[test]
    fn exact_is_above_the_longest_prefix_and_that_above_the_star() {
        let sorted = ["*", "/*", "invoice.*", "payment.*", "invoice.item.*", "a", "z", "invoice.paid"];
        let mut filters: Vec<_> = sorted.iter().rev().map(|pattern| filter(pattern)).collect();
        filters.sort();
        assert_eq!(filters.iter().map(EventFilter::as_str).collect::<Vec<_>>(), sorted);
    }

    #[test]
    fn of_several_patterns_one_must_match() {
        let filters = EventFilters::parse(["payment.received", "invoice.*", "invoice.*"]).expect("patterns");
        assert!(filters.matches("payment.received") && filters.matches("invoice.paid"));
        assert!(!filters.matches("payment.failed") && !filters.matches(""));
        let shown: Vec<_> = filters.iter().map(ToString::to_string).collect();
        assert_eq!(shown, vec!["invoice.*", "payment.received"]);
    }

    #[test]
    fn no_pattern_a_bad_one_or_too_many_are_refused() {
        let kind = |patterns: &[String]| EventFilters::parse(patterns).map_err(|error| error.kind());
        let numbered = |count: usize| (0..count).map(|n| alloc::format!("type.{n}")).collect::<Vec<_>>();
        assert_eq!(kind(&[]), Err(FilterErrorKind::Empty));
        assert_eq!(kind(&["*".into(), "x*".into()]), Err(FilterErrorKind::Wildcard));
        assert!(kind(&numbered(EventFilters::MAX_PATTERNS)).is_ok());
        assert_eq!(kind(&numbered(EventFilters::MAX_PATTERNS + 1)), Err(FilterErrorKind::TooMany));
    }
}
