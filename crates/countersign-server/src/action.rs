//! What callers have done, for an audit.

/// Something that a caller has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Action<'a> {
    /// The label of the caller.
    pub caller: &'a str,
    /// What was done: `endpoint.created`, `endpoint.changed`, `endpoint.deleted`, `endpoint.enabled`,
    /// `endpoint.disabled`, `endpoint.tested`, `secret.rotated`, `delivery.redelivered`, `delivery.cancelled`,
    /// `deliveries.replayed`, `deliveries.cancelled`, `key.created`, `key.removed`,
    /// `tenant.forgotten`.
    pub name: &'static str,
    /// The id of what it was done to; of many deliveries, what was asked for and how many they were.
    pub subject: &'a str,
}

impl Action<'_> {
    pub(crate) fn log(&self) {
        let Action { caller, name, subject } = self;
        tracing::info!(target: "countersign", caller, action = name, subject, "an operator has changed something");
    }
}
