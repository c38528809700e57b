//! Endpoints: made, seen, changed, deleted.

use countersign::scheme::Text;
use countersign_store::outbox::{DisabledBecause, Endpoint, EndpointState, Health, OutboxStore};

use super::{
    Operator, Rows, Wanted,
    draft::{EndpointChange, EndpointDraft},
    known_form, new_id,
    secrets::Secret,
};
use crate::{
    Caller,
    contract::Contract,
    refusal::{Faults, Refusal},
};

impl<S: OutboxStore> Operator<S> {
    /// The endpoints that the caller sees, by id; those of one tenant, where it is given.
    pub(crate) async fn endpoints(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        wanted: &Wanted,
    ) -> Result<Rows<Endpoint>, Refusal> {
        let (tenant, page) = (caller.narrow(tenant)?, wanted.page()?);
        let found = self.store().endpoints(&tenant, &page).await?;
        Ok(Rows::of(&page, found, |endpoint| endpoint.id.clone()))
    }

    /// An endpoint that the caller sees.
    pub(crate) async fn endpoint(&self, caller: &Caller, id: &str) -> Result<Endpoint, Refusal> {
        let found = self.store().endpoint(known_form(id)?).await?;
        let seen = found.filter(|endpoint| caller.sees(endpoint.tenant.as_deref()));
        seen.ok_or_else(Refusal::not_found)
    }

    /// Makes an endpoint. Its secret is given once, now; there is none where its scheme signs nothing.
    pub(crate) async fn create_endpoint(
        &self,
        caller: &Caller,
        draft: EndpointDraft,
    ) -> Result<(Endpoint, Option<Secret>), Refusal> {
        self.create_endpoint_as(caller, new_id("ep"), draft).await
    }

    /// Makes an endpoint of this id, which must be nobody's.
    pub(crate) async fn create_endpoint_as(
        &self,
        caller: &Caller,
        id: String,
        mut draft: EndpointDraft,
    ) -> Result<(Endpoint, Option<Secret>), Refusal> {
        caller.check_may_change()?;
        let mut faults = Faults::default();
        let tenant = faults.take(caller.tenant_of_new(draft.tenant.take()))?;
        let secret = Secret::of_scheme(&draft.scheme, draft.secret.take(), self.now());
        let (secret, reserved) = faults.take(secret)?;
        let mut endpoint = Endpoint::new(id, "", std::mem::take(&mut draft.scheme));
        if !draft.enabled {
            endpoint.state = EndpointState::Disabled(DisabledBecause::Operator);
        }
        let change = draft.change();
        change.check(&reserved, &self.settings().policy, &mut faults);
        faults.finish()?;
        change.apply(&mut endpoint);
        (endpoint.tenant, endpoint.created_at) = (tenant, self.now());
        if let Some(secret) = &secret {
            endpoint.keys = vec![self.seal(&endpoint.id, secret).await?];
        }
        self.keep(&mut endpoint).await?;
        self.audit(caller, "endpoint.created", &endpoint.id);
        Ok((endpoint, secret))
    }

    /// Changes an endpoint, but for its tenant, scheme and secrets.
    pub(crate) async fn change_endpoint(
        &self,
        caller: &Caller,
        id: &str,
        change: EndpointChange,
    ) -> Result<Endpoint, Refusal> {
        let read = self.endpoint_to_change(caller, id).await?;
        let mut endpoint = read.clone();
        if change.revision.is_some_and(|read| read != endpoint.revision) {
            return Err(Refusal::changed_meanwhile());
        }
        let mut faults = Faults::default();
        change.check(&reserved(&endpoint.scheme), &self.settings().policy, &mut faults);
        change.check_move(&endpoint, &mut faults);
        faults.finish()?;
        change.apply(&mut endpoint);
        if endpoint == read {
            return Ok(endpoint);
        }
        self.keep(&mut endpoint).await?;
        self.audit(caller, "endpoint.changed", id);
        Ok(endpoint)
    }

    /// Deletes an endpoint with its history, for ever.
    pub(crate) async fn delete_endpoint(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        self.endpoint_to_change(caller, id).await?;
        match self.store().delete_endpoint(id).await? {
            true => {
                self.audit(caller, "endpoint.deleted", id);
                Ok(())
            }
            false => Err(Refusal::not_found()),
        }
    }

    /// Enables an endpoint, which sets its failure clock back: what waits for it goes out.
    pub(crate) async fn enable_endpoint(&self, caller: &Caller, id: &str) -> Result<Endpoint, Refusal> {
        self.set_state(caller, id, EndpointState::Enabled, "endpoint.enabled").await
    }

    /// Disables an endpoint: its deliveries are kept, and wait.
    pub(crate) async fn disable_endpoint(&self, caller: &Caller, id: &str) -> Result<Endpoint, Refusal> {
        let state = EndpointState::Disabled(DisabledBecause::Operator);
        self.set_state(caller, id, state, "endpoint.disabled").await
    }

    /// An endpoint that the caller may change.
    pub(super) async fn endpoint_to_change(&self, caller: &Caller, id: &str) -> Result<Endpoint, Refusal> {
        caller.check_may_change()?;
        self.endpoint(caller, id).await
    }

    /// Stores an endpoint, unless it was changed since it was read.
    pub(super) async fn keep(&self, endpoint: &mut Endpoint) -> Result<(), Refusal> {
        self.store().put_endpoint_if_unchanged(endpoint).await?;
        endpoint.revision += 1;
        Ok(())
    }

    async fn set_state(
        &self,
        caller: &Caller,
        id: &str,
        state: EndpointState,
        action: &'static str,
    ) -> Result<Endpoint, Refusal> {
        let endpoint = self.endpoint_to_change(caller, id).await?;
        // Who has read the endpoint, and is about to change it, is not in the way of a change of nothing.
        if endpoint.state == state && (state != EndpointState::Enabled || is_set_back(&endpoint.health)) {
            return Ok(endpoint);
        }
        self.store().set_state(id, state).await?;
        self.settings().outbox.wake();
        self.audit(caller, action, id);
        self.endpoint(caller, id).await
    }
}

/// Whether the failure clock is set back, so that enabling the endpoint would change nothing about it.
fn is_set_back(health: &Health) -> bool {
    (health.failing_since, health.failures, health.warned_at, health.open_until) == (None, 0, None, None)
}

/// The names of the headers that a scheme writes; none of what is no scheme.
fn reserved(scheme: &str) -> Vec<Text> {
    Contract::of(scheme).map(|contract| contract.headers()).unwrap_or_default()
}
