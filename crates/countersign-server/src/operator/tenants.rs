//! Tenants: whose endpoints and messages there are.

use countersign_store::outbox::{OutboxStore, Tenant};

use super::{Operator, Rows, Wanted, known_form};
use crate::{Caller, refusal::Refusal};

impl<S: OutboxStore> Operator<S> {
    /// The tenants that the caller sees, by name: themselves alone, where they are one.
    pub(crate) async fn tenants(&self, caller: &Caller, wanted: &Wanted) -> Result<Rows<Tenant>, Refusal> {
        let page = wanted.page()?;
        let found = match caller.tenant() {
            None => self.store().tenants(&page).await?,
            Some(own) => {
                let is_behind =
                    |tenant: &Tenant| page.after.as_ref().is_none_or(|after| tenant.name > *after);
                self.store().tenant(own).await?.into_iter().filter(is_behind).collect()
            }
        };
        Ok(Rows::of(&page, found, |tenant| tenant.name.clone()))
    }

    /// A tenant that the caller sees.
    pub(crate) async fn tenant(&self, caller: &Caller, name: &str) -> Result<Tenant, Refusal> {
        let found = match caller.sees(Some(name)) {
            true => self.store().tenant(known_form(name)?).await?,
            false => None,
        };
        found.ok_or_else(Refusal::not_found)
    }

    /// Forgets what a tenant has, for ever, one step: the keys that the store holds for it, then some of its messages,
    /// and at last its endpoints, to which nothing is sent from the first step on. Says how many messages and endpoints
    /// it has forgotten, and whether any are left.
    pub(crate) async fn forget_tenant(&self, caller: &Caller, name: &str) -> Result<(u64, bool), Refusal> {
        caller.check_is_admin()?;
        self.tenant(caller, name).await?;
        self.remove_api_keys_of(name).await?;
        let forgotten = self.store().forget_tenant(name).await?;
        self.audit(caller, "tenant.forgotten", name);
        Ok((forgotten, self.store().tenant(name).await?.is_some()))
    }
}
