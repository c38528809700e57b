//! What BillRun sends: one URL for each module and action, unsigned ([`catalog::BILLRUN`]).
//!
//! Documented are the modules and their actions, and that a webhook is created with `webhook_module`,
//! `webhook_action` and `webhook_url`. What it then sends is not: the body
//! `{webhook_module, webhook_action, data}`, the entity being the data, is our choice.
//!
//! No id is sent, so a receiver knows a retry by its body, and takes two events with the same body for one:
//! put what tells them apart into the data.

use countersign::{
    catalog,
    events::{
        TypedEvent,
        billrun::{EventType, Module},
    },
};
use countersign_store::outbox::{Endpoint, NewMessage};
use serde_core::Serialize;

use super::{ProfileError, body::Body, endpoint, message};

/// An endpoint that is given one action of one module.
///
/// # Security
/// Nothing tells the receiver who has sent an event: its URL should be one that can't be guessed.
///
/// # Errors
/// Where the module doesn't have the action, or the URL can't be used.
pub fn endpoint(id: &str, url: &str, wanted: &EventType) -> Result<Endpoint, ProfileError> {
    check(wanted)?;
    endpoint::unsigned(id, url, &catalog::BILLRUN, vec![wanted.to_string()])
}

/// The message of an event: `{webhook_module, webhook_action, data}`. Its id is the message's, and like its
/// time isn't sent.
///
/// # Errors
/// Where the module doesn't have the action, or the data can't be written as JSON. The module `collection`
/// has what steps its installation defines.
pub fn message<T: Serialize>(event: &TypedEvent<EventType, T>) -> Result<NewMessage, ProfileError> {
    check(&event.event_type)?;
    let mut body = Body::default();
    body.put("webhook_module", event.event_type.module.as_str())?;
    body.put("webhook_action", event.event_type.action.as_str())?;
    body.put("data", &event.data)?;
    message::of_body(event, &body)
}

fn check(kind: &EventType) -> Result<(), ProfileError> {
    let step = kind.action.as_str();
    let is_a_step = kind.module == Module::Collection && !step.is_empty() && endpoint::is_exact(step);
    match kind.is_documented() || is_a_step {
        true => Ok(()),
        false => Err(ProfileError::unknown("BillRun", kind)),
    }
}
