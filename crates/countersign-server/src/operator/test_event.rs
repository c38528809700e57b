//! A test of an endpoint.

use countersign_store::outbox::{
    Delivery, DeliveryFilter, Endpoint, EndpointState, NewMessage, OutboxStore, Page,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Operator, new_id};
use crate::{
    Caller,
    contract::Contract,
    refusal::{Refusal, RefusalKind},
    text,
    time::Time,
};

/// A test of an endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewTest)]
pub(crate) struct TestDraft {
    /// The event type: `test.webhook`, where it is left out.
    #[serde(rename = "type")]
    #[schema(default = "test.webhook", min_length = 1, max_length = 255)]
    pub(crate) kind: String,
}

impl<S: OutboxStore> Operator<S> {
    /// Sends a test event to an endpoint, and to no other: a message like every other, which the dispatcher
    /// delivers and the history shows.
    pub(crate) async fn send_test(
        &self,
        caller: &Caller,
        id: &str,
        draft: TestDraft,
    ) -> Result<Delivery, Refusal> {
        let endpoint = self.endpoint_to_change(caller, id).await?;
        text::check_event_type(&draft.kind).map_err(|mistake| Refusal::field("type", mistake))?;
        if endpoint.state != EndpointState::Enabled {
            return Err(Refusal::new(RefusalKind::Conflict, "the endpoint is disabled: enable it first"));
        }
        self.take_resend(caller)?;
        let message = self.test_message(&endpoint, draft.kind)?;
        let enqueued = self.settings().outbox.enqueue(&[message]).await?;
        self.audit(caller, "endpoint.tested", &endpoint.id);
        let mut filter = DeliveryFilter::default();
        filter.message_id = enqueued.into_iter().next().map(|enqueued| enqueued.id);
        let page = Page { after: None, limit: 1 };
        let found = self.store().deliveries(&filter, &page).await?;
        // Somebody has deleted the endpoint meanwhile.
        found.into_iter().next().ok_or_else(Refusal::not_found)
    }

    /// The message of a test, with its id in the body where receivers by the endpoint's scheme look for it.
    fn test_message(&self, endpoint: &Endpoint, kind: String) -> Result<NewMessage, Refusal> {
        let contract = Contract::of(&endpoint.scheme).map_err(|mistake| Refusal::field("scheme", mistake))?;
        let id = new_id("msg");
        let body = contract.sample(&id, &kind, Time(self.now())).to_string();
        let mut message = NewMessage::new(kind, body);
        (message.id, message.endpoint_id) = (Some(id), Some(endpoint.id.clone()));
        message.tenant.clone_from(&endpoint.tenant);
        Ok(message)
    }
}

impl Default for TestDraft {
    fn default() -> Self {
        TestDraft { kind: "test.webhook".to_owned() }
    }
}
