//! Endpoints as BillRun knows them: webhooks, each for one action of one module.

use countersign::events::billrun::{Action, EventType, Module};
use countersign_store::outbox::{Endpoint, OutboxStore};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    Operator,
    draft::{EndpointChange, EndpointDraft},
    new_id,
};
use crate::{
    Caller, host,
    refusal::{Refusal, RefusalKind},
    text,
};

/// A webhook, as BillRun's API shows it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Webhook {
    pub(crate) webhook_id: String,
    pub(crate) webhook_module: String,
    pub(crate) webhook_action: String,
    pub(crate) webhook_url: String,
}

/// What is said about a webhook.
#[derive(Default)]
pub(crate) struct WebhookDraft {
    pub(crate) id: Option<String>,
    pub(crate) module: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) url: Option<String>,
}

impl<S: OutboxStore> Operator<S> {
    /// Makes a webhook, of the id that is wanted or of a new one.
    pub(crate) async fn create_webhook(
        &self,
        caller: &Caller,
        draft: WebhookDraft,
    ) -> Result<Webhook, Refusal> {
        let kind = event_type(
            &required("webhook_module", draft.module)?,
            &required("webhook_action", draft.action)?,
        )?;
        let mut endpoint = EndpointDraft::new(required("webhook_url", draft.url)?);
        (endpoint.scheme, endpoint.events) = (SCHEME.to_owned(), Some(vec![kind.to_string()]));
        let id = match &draft.id {
            Some(wanted) => self.free_id(caller, wanted).await?,
            None => new_id("ep"),
        };
        endpoint.name = draft.id;
        let (endpoint, _) = self.create_endpoint_as(caller, id, endpoint).await?;
        Webhook::of(endpoint, caller).ok_or_else(Refusal::not_found)
    }

    /// The webhook of this id.
    pub(crate) async fn webhook(&self, caller: &Caller, id: &str) -> Result<Webhook, Refusal> {
        Webhook::of(self.endpoint_of_webhook(caller, id).await?, caller).ok_or_else(Refusal::not_found)
    }

    /// Changes a webhook: what is given.
    pub(crate) async fn change_webhook(
        &self,
        caller: &Caller,
        id: &str,
        draft: WebhookDraft,
    ) -> Result<Webhook, Refusal> {
        let endpoint = self.endpoint_of_webhook(caller, id).await?;
        let id = endpoint.id.clone();
        let known = Webhook::of(endpoint, caller).ok_or_else(Refusal::not_found)?;
        let module = draft.module.unwrap_or(known.webhook_module);
        let action = draft.action.unwrap_or(known.webhook_action);
        let events = Some(vec![event_type(&module, &action)?.to_string()]);
        let change = EndpointChange { url: draft.url, events, ..EndpointChange::default() };
        let changed = self.change_endpoint(caller, &id, change).await?;
        Webhook::of(changed, caller).ok_or_else(Refusal::not_found)
    }

    /// Deletes a webhook.
    pub(crate) async fn delete_webhook(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        let endpoint = self.endpoint_of_webhook(caller, id).await?;
        let (id, webhook) = (endpoint.id.clone(), Webhook::of(endpoint, caller));
        webhook.ok_or_else(Refusal::not_found)?;
        self.delete_endpoint(caller, &id).await
    }

    /// The endpoint whose id this is, or that was made for it.
    async fn endpoint_of_webhook(&self, caller: &Caller, id: &str) -> Result<Endpoint, Refusal> {
        match self.endpoint(caller, id).await {
            Err(refusal) if refusal.kind == RefusalKind::NotFound => {
                self.endpoint(caller, &chosen(caller.tenant(), id)).await
            }
            found => found,
        }
    }

    /// The endpoint's id for an id that a caller has chosen, if there is no webhook of it yet.
    async fn free_id(&self, caller: &Caller, wanted: &str) -> Result<String, Refusal> {
        text::check(wanted).map_err(|mistake| Refusal::field("webhook_id", mistake))?;
        match self.endpoint_of_webhook(caller, wanted).await {
            Ok(_) => {
                Err(Refusal::new(RefusalKind::Conflict, "there is a webhook of this id: choose another"))
            }
            Err(refusal) if refusal.kind == RefusalKind::NotFound => Ok(chosen(caller.tenant(), wanted)),
            Err(refusal) => Err(refusal),
        }
    }
}

impl Webhook {
    /// The webhook that an endpoint is, as the caller is shown it; `None` of one that wants more than one action
    /// of one module.
    fn of(endpoint: Endpoint, caller: &Caller) -> Option<Self> {
        let [event] = endpoint.events.as_slice() else { return None };
        let (module, action) = event.split_once('.')?;
        let (webhook_module, webhook_action) = (module.to_owned(), action.to_owned());
        let webhook_url = if caller.may_change() { endpoint.url } else { host::shown(&endpoint.url) };
        let was_chosen = chosen(endpoint.tenant.as_deref(), &endpoint.name) == endpoint.id;
        let webhook_id = if was_chosen { endpoint.name } else { endpoint.id };
        Some(Webhook { webhook_id, webhook_module, webhook_action, webhook_url })
    }
}

/// The endpoint's id for an id that callers of a tenant chose: what one tenant has chosen says nothing about another.
fn chosen(tenant: Option<&str>, id: &str) -> String {
    let mut digest = Sha256::new();
    digest.update([u8::from(tenant.is_some())]);
    digest.update((tenant.unwrap_or_default().len() as u64).to_be_bytes());
    digest.update(tenant.unwrap_or_default());
    digest.update(id);
    format!("br_{}", hex::encode(&digest.finalize()[..16]))
}

/// The event type of an action of a module, as BillRun documents them; collection has steps of its own besides.
fn event_type(module: &str, action: &str) -> Result<EventType, Refusal> {
    let kind = EventType::new(module, action);
    let is_step = kind.module == Module::Collection && matches!(kind.action, Action::Other(_));
    match kind.module {
        Module::Other(_) => Err(Refusal::field("webhook_module", "is none of BillRun's modules")),
        _ if kind.is_documented() => Ok(kind),
        _ if is_step && !action.is_empty() => {
            let checked = text::check_event_type(&kind.to_string()).map(|()| kind);
            checked.map_err(|mistake| Refusal::field("webhook_action", mistake))
        }
        _ => Err(Refusal::field("webhook_action", "is no action of the module")),
    }
}

fn required(field: &str, value: Option<String>) -> Result<String, Refusal> {
    value.ok_or_else(|| Refusal::field(field, "is missing"))
}

/// BillRun signs nothing.
const SCHEME: &str = "billrun";
