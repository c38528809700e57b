//! What an operator sees of an outbox, and how long it is kept.

use std::time::Duration;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The id of the last row of the page before; `None` for the first page.
    pub after: Option<String>,
    /// How many rows, at most 1,000.
    pub limit: u32,
}

impl Page {
    /// How many rows a page can have.
    pub const MAX: u32 = 1_000;

    /// How many rows this page has, at most.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.limit.min(Self::MAX)
    }
}

impl Default for Page {
    fn default() -> Self {
        Page { after: None, limit: 100 }
    }
}

/// Whose things are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum TenantFilter {
    /// Everybody's, and those of no tenant.
    #[default]
    Any,
    /// Those of no tenant.
    Without,
    /// Those of this tenant.
    Is(String),
}

impl TenantFilter {
    /// Those of exactly this tenant; of none, where it is `None`.
    #[must_use]
    pub fn exactly(tenant: Option<&str>) -> Self {
        tenant.map_or(TenantFilter::Without, |tenant| TenantFilter::Is(tenant.to_owned()))
    }

    /// Whether what belongs to `tenant` is meant.
    #[must_use]
    pub fn takes(&self, tenant: Option<&str>) -> bool {
        match self {
            TenantFilter::Any => true,
            TenantFilter::Without => tenant.is_none(),
            TenantFilter::Is(name) => tenant == Some(name),
        }
    }
}

/// Which messages are meant: those that match everything that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageFilter {
    /// Its tenant.
    pub tenant: TenantFilter,
    /// Its event type.
    pub event_type: Option<String>,
    /// Enqueued at this time or later, in microseconds.
    pub from: Option<i64>,
    /// Enqueued before this time, in microseconds.
    pub until: Option<i64>,
}

/// How much waits to be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// Deliveries that wait until they are due.
    pub pending: u64,
    /// Deliveries of which an attempt is under way.
    pub leased: u64,
    /// For how long the oldest has been due that an enabled endpoint could be given, one whose circuit is open only
    /// from when it closes.
    pub oldest_due: Option<Duration>,
}

/// Which attempts are counted, and in what steps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActivityFilter {
    /// Those of this endpoint; of all, where it is `None`.
    pub endpoint_id: Option<String>,
    /// At the endpoints that are this tenant's now.
    pub tenant: TenantFilter,
    /// Made at this time or later, in microseconds: the first step begins here.
    pub from: i64,
    /// Made before this time, in microseconds.
    pub until: i64,
    /// How long a step is.
    pub step: Duration,
}

impl ActivityFilter {
    /// All attempts between two times (microseconds) in steps of this length.
    #[must_use]
    pub fn new(from: i64, until: i64, step: Duration) -> Self {
        ActivityFilter { endpoint_id: None, tenant: TenantFilter::Any, from, until, step }
    }

    /// The length of a step in microseconds, at least one.
    #[must_use]
    pub fn step_micros(&self) -> i64 {
        i64::try_from(self.step.as_micros()).unwrap_or(i64::MAX).max(1)
    }
}

/// The attempts of one step of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When the step begins, in microseconds.
    pub at: i64,
    /// How many attempts were answered 2xx.
    pub succeeded: u64,
    /// How many were not.
    pub failed: u64,
}

/// A tenant, as far as an outbox knows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tenant {
    /// The name that its endpoints and messages bear.
    pub name: String,
    /// How many endpoints it has, enabled or not.
    pub endpoints: u64,
    /// When its newest message was enqueued, in microseconds; `None` where it has none.
    pub last_message_at: Option<i64>,
}

/// For how long messages are kept that have nothing left to deliver.
///
/// What a disabled endpoint has yet to be given is something left, for as long as it is disabled: for it to be forgotten,
/// delete the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Until they are this old.
    pub age: Duration,
    /// Until there are so many newer ones.
    pub messages: u64,
}

impl Default for Retention {
    /// 30 days, and a million messages.
    fn default() -> Self {
        Retention { age: Duration::from_secs(30 * 86_400), messages: 1_000_000 }
    }
}
