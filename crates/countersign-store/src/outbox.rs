//! The contract of a store that keeps messages until they are delivered.
//!
//! A [`NewMessage`] is enqueued, in the application's own transaction where the store offers that, and
//! with it one delivery for each [`Endpoint`] that wants it. A worker claims due deliveries, sends
//! them, and settles them with a record of the attempt:
//!
//! ```text
//!            enqueue            claim            Verdict::Delivered
//! message  ──────────▶ pending ──────▶ leased ───────────────────────▶ delivered
//!                      │ ▲  ▲            │ │ ├──── Verdict::Dead ─────▶ dead ───┐
//!                      │ │  └─ the lease ┘ │ └──── Verdict::Cancelled ▶ cancelled
//!                      │ │       ends      │                              ▲     │
//!                      │ ├─ Verdict::Retry ┘                              │     │
//!                      │ └──────────────────── redeliver ─────────────────┼─────┘
//!                      └────────────────────── cancel ────────────────────┘
//! ```
//!
//! What a store promises:
//!
//! - A message and its deliveries commit together, or not at all. What [`OutboxStore::enqueue`] has
//!   answered is durable.
//! - One message of a tenant has an idempotency key: who enqueues it again is given the first.
//! - A delivery is leased to one worker at a time. The attempt is counted when it is leased, so that a
//!   payload that kills its worker is seen to. A worker whose lease has ended and was given to another
//!   settles nothing.
//! - [`OutboxStore::claim`] is fair: no endpoint is given more places than its limit, whatever waits for it. Tenants take
//!   turns, and the endpoints of each do: whoever has fewer deliveries under way goes first, and of those who have as
//!   many, who was served longest ago. An endpoint without a tenant is like a tenant of its own.
//! - Attempt, delivery and the endpoint's health are settled in one commit. An attempt that ends after its endpoint was
//!   given another URL says nothing about the endpoint.
//! - Deliveries of an endpoint that is disabled are kept, and not claimed.
//!
//! Times are microseconds since 1970-01-01T00:00:00Z.

use std::{future::Future, time::Duration};

pub use self::{
    delivery::{
        Attempt, Claimed, Delivery, DeliveryFilter, DeliveryState, Redelivered, SettleDelivery, Trigger,
        Verdict,
    },
    endpoint::{DisabledBecause, Effect, Endpoint, EndpointKey, EndpointState, Health, HealthChange, Limits},
    memory::MemoryOutbox,
    message::{Enqueued, Message, NewMessage, Payload},
    subscription::Subscription,
    turn::{Turn, TurnCount},
    view::{Activity, ActivityFilter, Depth, MessageFilter, Page, Retention, Tenant, TenantFilter},
};
use crate::{Settlement, StoreError};

mod delivery;
mod endpoint;
mod memory;
mod message;
mod subscription;
mod turn;
mod view;

/// Keeps endpoints, messages, deliveries and attempts; see the [module's page](self).
pub trait OutboxStore: Send + Sync + 'static {
    /// Writes an endpoint, new or changed, by its id.
    ///
    /// The store keeps its health, except that an endpoint with another URL starts anew: the failure clock is reset, and
    /// the circuit closed. It keeps the time of creation; 0 means now. Everything else becomes what is given: a disabled
    /// endpoint is enabled again, and keys that were changed in between are lost. An application that declares its
    /// endpoint at each start uses [`put_endpoint_if_unchanged`](Self::put_endpoint_if_unchanged), which can write new
    /// ones only. Only the length of names is checked here: `check_endpoint` of `countersign-dispatch` checks the rest.
    ///
    /// # Errors
    /// Where the store can't be reached, or the endpoint [can't be kept](Endpoint::check).
    fn put_endpoint(&self, endpoint: &Endpoint) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes an endpoint as [`put_endpoint`](Self::put_endpoint) does, if its [revision](Endpoint::revision) is still the
    /// one given: of two callers that have read the same endpoint, one writes. With the revision 0 it must be new. What is
    /// written has the next revision.
    ///
    /// # Errors
    /// [`Changed`](crate::StoreErrorKind::Changed) if it was written or deleted since it was read or, with the revision 0,
    /// exists: nothing is written. If the store can't be reached, or the endpoint [can't be kept](Endpoint::check).
    fn put_endpoint_if_unchanged(
        &self,
        endpoint: &Endpoint,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The endpoint of this id.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn endpoint(&self, id: &str) -> impl Future<Output = Result<Option<Endpoint>, StoreError>> + Send;

    /// The endpoints of a tenant whose id is above `page.after`, by id.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn endpoints(
        &self,
        tenant: &TenantFilter,
        page: &Page,
    ) -> impl Future<Output = Result<Vec<Endpoint>, StoreError>> + Send;

    /// Whether any endpoint has a key whose stored secret begins with this text. It tells whether secrets are sealed.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn any_secret_begins(&self, with: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes an endpoint with its deliveries and attempts. `false`: there is none with this id.
    ///
    /// The endpoint goes first, and what belongs to it follows in steps. What can't be deleted at that moment, because a
    /// step fails or a worker settles it, goes when the call is made again, or with the next
    /// [`prune_outbox`](Self::prune_outbox).
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn delete_endpoint(&self, id: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Enables or disables an endpoint; enabling resets its failure clock. `false`: there is none with this id.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn set_state(
        &self,
        id: &str,
        state: EndpointState,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Stores messages, each with a delivery for every endpoint of its tenant that subscribes to it, all in one commit. The
    /// result has one entry for each message, in the same order. A message whose idempotency key is known is not stored
    /// again, whatever its id.
    ///
    /// # Errors
    /// Where the store can't be reached, an id is taken, or a message [can't be kept](NewMessage::check): nothing is
    /// stored.
    fn enqueue(
        &self,
        messages: &[NewMessage],
    ) -> impl Future<Output = Result<Vec<Enqueued>, StoreError>> + Send;

    /// The message of this id.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn message(&self, id: &str) -> impl Future<Output = Result<Option<Message>, StoreError>> + Send;

    /// The messages that match and are older than the one whose id is `page.after` (all, where it is
    /// `None`): the newest first.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn messages(
        &self,
        filter: &MessageFilter,
        page: &Page,
    ) -> impl Future<Output = Result<Vec<Message>, StoreError>> + Send;

    /// Leases up to `limit` due deliveries of enabled endpoints for `lease`, fairly. What was leased by a call whose result
    /// nobody received, because it was dropped or the store went away, can be claimed again soon. A delivery that can't be
    /// read, or whose message or endpoint can't, is left out until the lease ends, and doesn't count.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn claim(
        &self,
        limit: u32,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Claimed>, StoreError>> + Send;

    /// Settles claimed deliveries with their attempts, all in one commit. The answer has one entry for
    /// each, in its order.
    ///
    /// # Errors
    /// Where the store can't be reached: nothing is settled.
    fn settle(
        &self,
        settled: &[SettleDelivery],
    ) -> impl Future<Output = Result<Vec<Settlement>, StoreError>> + Send;

    /// How long until the next delivery is due. Zero: one is due now. `None`: none waits.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn next_due(&self) -> impl Future<Output = Result<Option<Duration>, StoreError>> + Send;

    /// Turns the failure clocks: marks endpoints as warned that have been failing for `warn_after`, and disables those that
    /// have been failing for `disable_after`. Each change is returned to one caller, once.
    ///
    /// It also repairs what only a clock that was ahead can have written. Leases and open circuits that last for
    /// [longer than a day](crate::TOO_FAR) from now end. What has been failing since a time so far ahead has been failing since
    /// now. What was enqueued to be sent at once, or attempted and put off, at a time that is [yet to come](crate::AHEAD), is
    /// due now; what was enqueued for a later time waits for that.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn turn_failure_clocks(
        &self,
        warn_after: Duration,
        disable_after: Duration,
    ) -> impl Future<Output = Result<Vec<HealthChange>, StoreError>> + Send;

    /// The deliveries that match, with an id below `page.after` (any, where it is `None`): the newest
    /// first.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> impl Future<Output = Result<Vec<Delivery>, StoreError>> + Send;

    /// How many deliveries match, exactly.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn count(&self, filter: &DeliveryFilter) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The attempts of a delivery with a number below `page.after` (any, where it is `None`): the last first.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn attempts(
        &self,
        delivery: i64,
        page: &Page,
    ) -> impl Future<Output = Result<Vec<Attempt>, StoreError>> + Send;

    /// Makes settled deliveries pending again, due at once: those that match, the oldest first, at most `limit`. Their
    /// attempts are numbered on, and they begin the schedule anew. To continue where a call stopped, ask for those
    /// [after](DeliveryFilter::after) its last.
    ///
    /// If the filter asks for what is [pending](DeliveryState::Pending), deliveries that wait for a later time become due at
    /// once instead. They stay at their step of the schedule.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn redeliver(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> impl Future<Output = Result<Redelivered, StoreError>> + Send;

    /// Cancels deliveries that wait: those that match and are pending, or whose lease has ended, at most `limit`, those due
    /// first before others. Returns how many. An attempt under way is not stopped, and its delivery stays as it is: call
    /// again when it has ended.
    ///
    /// # Errors
    /// Where the store can't be reached: nothing is cancelled.
    fn cancel(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Returns when another process has enqueued something, as far as the store hears of it: a hint, in addition to
    /// polling. A store that can't know never returns.
    fn changed(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Finds out whether the store can be written now, and changes nothing.
    ///
    /// # Errors
    /// Where the store can't be reached, or only read.
    fn probe(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// How much waits.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn depth(&self) -> impl Future<Output = Result<Depth, StoreError>> + Send;

    /// How many attempts succeeded and failed in each step of time, in order; steps without attempts are left out.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn activity(
        &self,
        filter: &ActivityFilter,
    ) -> impl Future<Output = Result<Vec<Activity>, StoreError>> + Send;

    /// The tenants that have an endpoint or a message, with a name above `page.after` (any, where it is `None`), by
    /// name: byte by byte.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn tenants(&self, page: &Page) -> impl Future<Output = Result<Vec<Tenant>, StoreError>> + Send;

    /// The tenant of this name. `None`: it has neither an endpoint nor a message.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn tenant(&self, name: &str) -> impl Future<Output = Result<Option<Tenant>, StoreError>> + Send;

    /// Deletes what a tenant has, whatever is left to deliver. Disables its endpoints, and deletes a bounded number of its
    /// messages with their deliveries and attempts; once no message is left, deletes the endpoints. Returns how many
    /// messages and endpoints it has deleted: call it until there is [no such tenant](Self::tenant).
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn forget_tenant(&self, name: &str) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Deletes messages that have no delivery left to make and are older, or more, than `keep` allows, with their
    /// deliveries and attempts, and deliveries whose endpoint is gone. A bounded number per call:
    /// [`PRUNED_AT_ONCE`](crate::PRUNED_AT_ONCE), or more. Returns how many.
    ///
    /// # Errors
    /// Where the store can't be reached.
    fn prune_outbox(&self, keep: &Retention) -> impl Future<Output = Result<u64, StoreError>> + Send;
}
