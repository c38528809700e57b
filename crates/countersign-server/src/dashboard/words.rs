//! What became of a delivery or an attempt, and what a key is for, in words.

use countersign_store::{
    api_keys::Scope,
    outbox::{Attempt, Delivery, DeliveryState, DisabledBecause, Endpoint, EndpointState, Trigger},
};

/// Where a delivery stands.
pub(super) fn state(delivery: &Delivery) -> &'static str {
    match delivery.state {
        DeliveryState::Pending if delivery.attempts > 0 => "retrying",
        DeliveryState::Pending => "waiting",
        DeliveryState::Leased => "under way",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Dead => "given up",
        DeliveryState::Cancelled => "cancelled",
    }
}

/// How that is coloured.
pub(super) fn tone(delivery: &Delivery) -> &'static str {
    match delivery.state {
        DeliveryState::Delivered => "good",
        DeliveryState::Dead => "bad",
        DeliveryState::Pending if delivery.attempts > 0 => "warn",
        _ => "calm",
    }
}

/// Why an attempt was made.
pub(super) fn trigger(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "it was due",
        Trigger::Redelivery => "somebody asked for it",
    }
}

/// Why an endpoint is disabled; nothing, where it isn't.
pub(super) fn disabled(state: EndpointState) -> Option<&'static str> {
    match state {
        EndpointState::Enabled => None,
        EndpointState::Disabled(DisabledBecause::Operator) => Some("somebody has disabled it"),
        EndpointState::Disabled(DisabledBecause::Gone) => {
            Some("it has answered 410 Gone, which asks for no more messages")
        }
        EndpointState::Disabled(DisabledBecause::Failing) => Some("it had been failing for too long"),
        EndpointState::Disabled(_) => Some("for a reason that this version doesn't know"),
    }
}

/// Until when nothing is sent to an endpoint that is enabled; nothing, where that is over.
pub(super) fn left_alone(endpoint: &Endpoint, now: i64) -> Option<i64> {
    let is_enabled = endpoint.state == EndpointState::Enabled;
    endpoint.health.open_until.filter(|until| is_enabled && *until > now)
}

/// Why an attempt failed, and what to do about it; nothing, where it succeeded.
pub(super) fn failure(attempt: &Attempt) -> Option<String> {
    let error = attempt.error.as_deref()?;
    Some(match attempt.status {
        None => format!("There was no answer: {error}."),
        Some(status) => format!("The receiver answered {status}: {}", answered(status)),
    })
}

/// What the holder of an API key may do.
pub(super) fn scope(scope: &Scope) -> &'static str {
    SCOPES.iter().find(|(name, _)| *name == scope.name()).map_or("", |(_, words)| *words)
}

/// What a status that isn't 2xx means here.
fn answered(status: u16) -> &'static str {
    match status {
        300..400 => {
            "it sends us to another address. Redirections are not followed: write that address as the URL."
        }
        400 | 422 => "it doesn't understand the message. Its log should say what it misses.",
        401 | 403 => {
            "it doesn't accept the signature, or wants credentials. Compare the secret on both sides, and whether \
             the receiver checks the body as it arrived."
        }
        404 => "there is nothing at this path. Compare the URL with the receiver's routes.",
        405 => "it doesn't take POST at this path.",
        408 | 425 => "it wants to be asked again later.",
        410 => {
            "it wants no more messages, so the endpoint was disabled unless it is tried until it answers 2xx."
        }
        413 => "the message is too large for it. Raise its limit for bodies.",
        415 => "it doesn't take this Content-Type.",
        429 => "it is asked too often. Lower the limits of the endpoint.",
        502..=504 => "it, or what stands before it, is overloaded or down. It is left alone for a while.",
        500..600 => "it failed while it handled the message. Its log should say why.",
        _ => "this is not 2xx, which alone means that a message has arrived.",
    }
}

/// The scopes of API keys, by name, the least first.
pub(super) const SCOPES: [(&str, &str); 3] =
    [("read", "Seeing, and changing nothing"), ("app", "Everything of one tenant"), ("admin", "Everything")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_words() {
        let tenant = || "acme".to_owned();
        for known in [Scope::Admin, Scope::App { tenant: tenant() }, Scope::Read { tenant: None }] {
            assert!(!scope(&known).is_empty(), "{known:?}");
        }
    }

    #[test]
    fn every_failure_is_explained_and_success_is_not() {
        let mut attempt = Attempt::new(1, 0, Trigger::Schedule);
        assert_eq!(failure(&attempt), None);
        attempt.error = Some("the host's certificate has expired".to_owned());
        assert_eq!(
            failure(&attempt).as_deref(),
            Some("There was no answer: the host's certificate has expired.")
        );
        for status in 100..600 {
            attempt.status = Some(status);
            let words = failure(&attempt).expect("words");
            assert!(words.contains(&status.to_string()) && words.ends_with('.'), "{words}");
        }
    }
}
