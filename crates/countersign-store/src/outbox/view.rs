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
    /// The most rows that a page can have.
    pub const MAX: u32 = 1_000;

    /// The most rows that this page has.
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

/// Selects by tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum TenantFilter {
    /// Whatever tenant something belongs to, or none.
    #[default]
    Any,
    /// What belongs to no tenant.
    Without,
    /// What belongs to this tenant.
    Is(String),
}

impl TenantFilter {
    /// What belongs to exactly this tenant. `None`: what belongs to no tenant.
    #[must_use]
    pub fn exactly(tenant: Option<&str>) -> Self {
        tenant.map_or(TenantFilter::Without, |tenant| TenantFilter::Is(tenant.to_owned()))
    }

    /// Whether it selects what belongs to `tenant`.
    #[must_use]
    pub fn takes(&self, tenant: Option<&str>) -> bool {
        match self {
            TenantFilter::Any => true,
            TenantFilter::Without => tenant.is_none(),
            TenantFilter::Is(name) => tenant == Some(name),
        }
    }
}

/// Selects messages: those that match everything that is set. Times are microseconds since 1970 (UTC).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageFilter {
    /// Its tenant.
    pub tenant: TenantFilter,
    /// Its event type.
    pub event_type: Option<String>,
    /// Enqueued at this time or later.
    pub from: Option<i64>,
    /// Enqueued before this time.
    pub until: Option<i64>,
}

/// How much waits to be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// Deliveries that wait until they are due.
    pub pending: u64,
    /// Deliveries with an attempt under way.
    pub leased: u64,
    /// How long the oldest has been due that could be delivered: to an enabled endpoint, and counted from when its
    /// circuit closes.
    pub oldest_due: Option<Duration>,
}

/// Which attempts are counted, and in what steps. Times are microseconds since 1970 (UTC).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActivityFilter {
    /// Those at this endpoint. `None`: at every endpoint.
    pub endpoint_id: Option<String>,
    /// Those at the endpoints that belong to this tenant now.
    pub tenant: TenantFilter,
    /// Made at this time or later: the first step begins here.
    pub from: i64,
    /// Made before this time.
    pub until: i64,
    /// The length of a step.
    pub step: Duration,
}

impl ActivityFilter {
    /// All attempts between two times, in steps of this length.
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
    /// When the step begins, in microseconds since 1970 (UTC).
    pub at: i64,
    /// How many attempts were answered 2xx.
    pub succeeded: u64,
    /// How many were not, or not at all.
    pub failed: u64,
}

/// A tenant, as far as an outbox knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tenant {
    /// The name that its endpoints and messages bear.
    pub name: String,
    /// How many endpoints it has, enabled or not.
    pub endpoints: u64,
    /// When its newest message was enqueued, in microseconds since 1970 (UTC). `None`: it has none.
    pub last_message_at: Option<i64>,
}

/// How long messages are kept that have nothing left to deliver.
///
/// What waits for a disabled endpoint is something left to deliver, however long that is disabled. To have it forgotten,
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
