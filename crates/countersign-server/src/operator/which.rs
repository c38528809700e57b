//! Which deliveries somebody means who doesn't name each.

use countersign_store::outbox::{DeliveryFilter, DeliveryState, OutboxStore};

use super::{Operator, owned};
use crate::{
    Caller,
    refusal::Refusal,
    time::{self, Time},
};

/// Declares a filter of deliveries: the fields that every one has, and more.
macro_rules! filter {
    ($(#[$about:meta])* $name:ident { $($more:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
        #[serde(deny_unknown_fields, default)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name {
            /// The endpoint's id.
            #[param(min_length = 1, max_length = 4096)]
            #[schema(min_length = 1, max_length = 4096)]
            pub(crate) endpoint: Option<String>,
            /// The message's id.
            #[param(min_length = 1, max_length = 4096)]
            #[schema(min_length = 1, max_length = 4096)]
            pub(crate) message: Option<String>,
            /// The event type.
            #[serde(rename = "type")]
            #[param(rename = "type", min_length = 1, max_length = 4096)]
            #[schema(min_length = 1, max_length = 4096)]
            pub(crate) kind: Option<String>,
            $($more)*
            /// Enqueued at this time or later.
            pub(crate) from: Option<$crate::time::Time>,
            /// Enqueued before this time.
            pub(crate) until: Option<$crate::time::Time>,
            /// The tenant.
            #[param(min_length = 1, max_length = 4096)]
            #[schema(min_length = 1, max_length = 4096)]
            pub(crate) tenant: Option<String>,
        }

        impl $name {
            fn which(&self) -> $crate::operator::which::Which<'_> {
                $crate::operator::which::Which {
                    endpoint: self.endpoint.as_deref(),
                    message: self.message.as_deref(),
                    kind: self.kind.as_deref(),
                    span: (self.from, self.until),
                    tenant: self.tenant.as_deref(),
                }
            }
        }
    };
}
pub(super) use filter;

/// What every filter says.
pub(super) struct Which<'a> {
    pub(super) endpoint: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) kind: Option<&'a str>,
    pub(super) span: (Option<Time>, Option<Time>),
    pub(super) tenant: Option<&'a str>,
}

impl Which<'_> {
    /// Those of them that the caller sees and that stand so, or anyhow.
    ///
    /// # Errors
    /// It would be nearly all, or nothing that there can be.
    pub(super) fn filter(
        &self,
        caller: &Caller,
        state: Option<DeliveryState>,
    ) -> Result<DeliveryFilter, Refusal> {
        if self.endpoint.is_none() && self.message.is_none() && self.span.0.is_none() {
            let advice = "is missing: give an endpoint, a message, or the time `from`";
            return Err(Refusal::field("endpoint", advice));
        }
        let mut filter = DeliveryFilter::default();
        filter.tenant = caller.narrow(self.tenant)?;
        filter.endpoint_id = owned("endpoint", self.endpoint)?;
        filter.message_id = owned("message", self.message)?;
        filter.event_type = owned("type", self.kind)?;
        filter.state = state;
        (filter.from, filter.until) = time::span(self.span.0, self.span.1);
        Ok(filter)
    }

    /// What was asked for, and how many deliveries it was, for the audit.
    pub(super) fn subject(&self, count: u64) -> String {
        let [from, until] = [self.span.0, self.span.1].map(|time| time.map(Time::render));
        let parts = [
            ("tenant", self.tenant),
            ("endpoint", self.endpoint),
            ("message", self.message),
            ("type", self.kind),
            ("from", from.as_deref()),
            ("until", until.as_deref()),
        ];
        let parts = parts.iter().filter_map(|(name, value)| Some(format!("{name}={} ", (*value)?)));
        format!("{}count={count}", parts.collect::<String>())
    }
}

impl<S: OutboxStore> Operator<S> {
    /// Checks that there are the endpoint and the message that are named: of those that aren't there is nothing to count,
    /// and a name that is mistyped would look like it.
    ///
    /// # Errors
    /// One that the caller doesn't see, by its field.
    pub(super) async fn check_named(&self, caller: &Caller, which: &Which<'_>) -> Result<(), Refusal> {
        if let Some(id) = which.endpoint {
            self.endpoint(caller, id).await.map_err(|refusal| refusal.named_by("endpoint"))?;
        }
        if let Some(id) = which.message {
            self.message(caller, id).await.map_err(|refusal| refusal.named_by("message"))?;
        }
        Ok(())
    }
}

/// How many deliveries a step takes.
///
/// # Errors
/// None, or more than a step can.
pub(super) fn check_step(limit: u32) -> Result<(), Refusal> {
    match (1..=MOST).contains(&limit) {
        true => Ok(()),
        false => Err(Refusal::field("limit", format!("is not from 1 to {MOST}"))),
    }
}

/// The most deliveries of one step.
pub(crate) const MOST: u32 = 1_000;
