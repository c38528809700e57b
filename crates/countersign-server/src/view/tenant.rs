//! Tenants, as callers are shown them.

use countersign_store::outbox::Tenant;
use serde::Serialize;
use utoipa::ToSchema;

use crate::time::Time;

/// A tenant: it is there from its first endpoint or message on.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(crate) struct TenantView {
    /// The name that its endpoints and messages bear.
    #[schema(example = "acme")]
    name: String,
    /// How many endpoints it has.
    endpoints: u64,
    /// When its newest message was enqueued; null where it has none.
    last_message_at: Option<Time>,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        TenantView {
            name: tenant.name,
            endpoints: tenant.endpoints,
            last_message_at: tenant.last_message_at.map(Time),
        }
    }
}
