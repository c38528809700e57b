//! Tenants, as they are found: by the names that endpoints and messages bear. Each is looked for behind the one before
//! in two indexes, so that a page costs its rows, however much these have.

use countersign_store::{StoreError, outbox::Tenant};

/// The first name that is `$than` another, among endpoints and messages.
macro_rules! first_name {
    ($than:literal) => {
        concat!(
            "(SELECT min(name) FROM (
                SELECT min(tenant) AS name FROM countersign_endpoints WHERE tenant ",
            $than,
            " UNION ALL SELECT min(tenant) FROM countersign_messages WHERE tenant ",
            $than,
            ") AS first)"
        )
    };
}

/// The names from one on, and what is known of each: at most as many as the second parameter says.
macro_rules! page_of_tenants {
    ($from:literal) => {
        concat!(
            "WITH RECURSIVE tenants (name, place) AS (
                SELECT ",
            first_name!($from),
            ", 1 UNION ALL
                SELECT ",
            first_name!("> tenants.name"),
            ", place + 1 FROM tenants WHERE name IS NOT NULL AND place < $2)",
            known!(),
            " WHERE name IS NOT NULL AND place <= $2 ORDER BY place"
        )
    };
}

/// What is known of each of the names.
macro_rules! known {
    () => {
        " SELECT name,
            (SELECT count(*) FROM countersign_endpoints WHERE tenant = tenants.name),
            (SELECT created_at FROM countersign_messages WHERE tenant = tenants.name ORDER BY seq DESC LIMIT 1)
        FROM tenants"
    };
}

/// A tenant as it is read.
pub(crate) type Row = (String, i64, Option<i64>);

/// The tenant of a row.
pub(crate) fn tenant((name, endpoints, last_message_at): Row) -> Result<Tenant, StoreError> {
    let mut tenant = Tenant::default();
    tenant.endpoints = u64::try_from(endpoints).map_err(StoreError::invalid)?;
    (tenant.name, tenant.last_message_at) = (name, last_message_at);
    Ok(tenant)
}

pub(crate) const FIRST_PAGE: &str = page_of_tenants!(">= $1");
pub(crate) const PAGE_BEHIND: &str = page_of_tenants!("> $1");
pub(crate) const ONE: &str = concat!(
    "WITH tenants (name) AS (SELECT $1)",
    known!(),
    " WHERE EXISTS (SELECT 1 FROM countersign_endpoints WHERE tenant = tenants.name)
        OR EXISTS (SELECT 1 FROM countersign_messages WHERE tenant = tenants.name)"
);

pub(crate) const DISABLE_ENDPOINTS: &str = "
    UPDATE countersign_endpoints SET state = 'operator', revision = revision + 1
    WHERE tenant = $1 AND state = 'enabled'";
/// Some of its messages, the oldest first.
macro_rules! some_messages {
    () => {
        "SELECT id FROM countersign_messages WHERE tenant = $1 ORDER BY seq LIMIT $2"
    };
}
pub(crate) use some_messages;

pub(crate) const DELETE_ENDPOINTS: &str = "DELETE FROM countersign_endpoints WHERE tenant = $1 RETURNING id";
