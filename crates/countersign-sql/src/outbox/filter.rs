//! Conditions that a filter sets.

use countersign_store::{
    StoreError,
    outbox::{DeliveryFilter, DeliveryState, MessageFilter, TenantFilter},
};
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::delivery;

/// The beginning of a statement whose conditions are added one by one.
pub(crate) struct Conditions<D: Database> {
    pub(crate) sql: QueryBuilder<D>,
    any: bool,
}

impl<D: Database> Conditions<D>
where
    i64: for<'q> Encode<'q, D> + Type<D>,
    String: for<'q> Encode<'q, D> + Type<D>,
{
    pub(crate) fn new(statement: &'static str) -> Self {
        Conditions { sql: QueryBuilder::new(statement), any: false }
    }

    /// The conditions of a filter of deliveries.
    pub(crate) fn deliveries(mut self, filter: &DeliveryFilter) -> Self {
        self.number("id =", filter.id);
        self.number("id >", filter.after);
        self.text("message_id =", filter.message_id.as_deref());
        self.text("endpoint_id =", filter.endpoint_id.as_deref());
        self.tenant(&filter.tenant);
        self.text("kind =", filter.event_type.as_deref());
        self.state(filter.state);
        self.number("created_at >=", filter.from);
        self.number("created_at <", filter.until);
        self
    }

    /// Of those that match, those that wait: no attempt is under way, and one will be. Those that are due first, and so many
    /// at most.
    pub(crate) fn waiting(mut self, now: i64, limit: u32) -> QueryBuilder<D> {
        // Both states by name, for the sake of the index.
        self.and().push("state IN ('pending', 'leased') AND (state = 'pending' OR due_at <= ");
        self.sql.push_bind(now).push(")");
        self.limit(" ORDER BY due_at, id", limit.into())
    }

    /// The conditions of a filter of messages.
    pub(crate) fn messages(mut self, filter: &MessageFilter) -> Self {
        self.tenant(&filter.tenant);
        self.text("kind =", filter.event_type.as_deref());
        self.number("created_at >=", filter.from);
        self.number("created_at <", filter.until);
        self
    }

    pub(crate) fn number(&mut self, condition: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.and().push(condition).push(" ").push_bind(value);
        }
    }

    pub(crate) fn text(&mut self, condition: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.and().push(condition).push(" ").push_bind(value.to_owned());
        }
    }

    /// As a word of the statement: an index of one state alone isn't used for a parameter.
    fn state(&mut self, state: Option<DeliveryState>) {
        if let Some(state) = state {
            self.and().push("state = '").push(delivery::state(state)).push("'");
        }
    }

    pub(crate) fn tenant(&mut self, tenant: &TenantFilter) {
        match tenant {
            TenantFilter::Any => {}
            TenantFilter::Without => drop(self.and().push("tenant IS NULL")),
            TenantFilter::Is(tenant) => self.text("tenant =", Some(tenant)),
        }
    }

    /// What belongs to the endpoints of a tenant.
    pub(crate) fn endpoints_of(&mut self, tenant: &TenantFilter) {
        const WHERE: &str = "endpoint_id IN (SELECT id FROM countersign_endpoints WHERE tenant ";
        match tenant {
            TenantFilter::Any => {}
            TenantFilter::Without => drop(self.and().push(WHERE).push("IS NULL)")),
            TenantFilter::Is(tenant) => {
                self.and().push(WHERE).push("= ").push_bind(tenant.clone()).push(")");
            }
        }
    }

    /// Goes on to the next condition, which the caller writes.
    pub(crate) fn and(&mut self) -> &mut QueryBuilder<D> {
        let word = if self.any { " AND " } else { " WHERE " };
        self.any = true;
        self.sql.push(word)
    }

    /// The end of the statement: an order, and how many rows at most.
    pub(crate) fn limit(mut self, order: &str, limit: i64) -> QueryBuilder<D> {
        self.sql.push(order).push(" LIMIT ").push_bind(limit);
        self.sql
    }
}

/// The order of a list of deliveries. Few are leased at a time: it is less to sort them than to look for them among
/// all, which the order by the id itself would make a database do.
pub(crate) fn newest_first(state: Option<DeliveryState>) -> &'static str {
    match state {
        Some(DeliveryState::Leased) => " ORDER BY id + 0 DESC",
        _ => " ORDER BY id DESC",
    }
}

/// The id of the last row of the page before, where rows have numbers.
pub(crate) fn number(after: Option<&str>) -> Result<Option<i64>, StoreError> {
    after.map(str::parse).transpose().map_err(StoreError::invalid)
}
