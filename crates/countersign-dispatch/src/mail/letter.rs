//! What a mail says: what happened, since when, how much waits, and what to do.

use std::time::Duration;

use countersign_store::outbox::{DisabledBecause, Endpoint, Message};

use crate::{OperationalEvent, clock::rfc3339, event::origin};

/// A mail about an event, as plain text.
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
}

/// How many deliveries of the event's endpoint there are, where that could be counted.
#[derive(Clone, Copy, Default)]
pub(super) struct Facts {
    pub(super) waiting: Option<u64>,
    pub(super) given_up: Option<u64>,
}

impl Letter {
    pub(super) fn of(event: &OperationalEvent, facts: Facts) -> Letter {
        match event {
            OperationalEvent::EndpointWarned { endpoint, failing_for, disabled_in } => {
                warned(endpoint, *failing_for, *disabled_in, facts)
            }
            OperationalEvent::EndpointDisabled { endpoint, because: DisabledBecause::Gone } => {
                gone(endpoint, facts)
            }
            OperationalEvent::EndpointDisabled { endpoint, .. } => disabled(endpoint, facts),
            OperationalEvent::DeliveryExhausted { delivery, message, endpoint, attempts } => {
                exhausted(*delivery, message, endpoint, *attempts, facts)
            }
        }
    }
}

fn warned(endpoint: &Endpoint, failing_for: Duration, disabled_in: Duration, facts: Facts) -> Letter {
    let facts = [
        format!("Failing:  for {}{}", span(failing_for), since(endpoint)),
        format!("Disabled: in {}, if it goes on failing", span(disabled_in)),
        waiting(facts, "tried again by themselves"),
        given_up(facts),
    ];
    let to_do = [
        "Look at the last attempts of its deliveries: they hold what it answered.",
        "Mend the endpoint, or tell its owner.",
        "Once it answers 2xx, what waits is delivered by itself.",
        "Redeliver what was given up.",
    ];
    let subject = format!("Endpoint {} is failing and will be disabled", name(endpoint));
    letter(subject, "An endpoint is failing.", endpoint, &facts, &to_do)
}

fn disabled(endpoint: &Endpoint, facts: Facts) -> Letter {
    let what = "An endpoint was disabled, because it has been failing for too long.";
    let facts = [
        format!("Failing:  without a success{}", since(endpoint)),
        waiting(facts, "kept until it is enabled"),
        given_up(facts),
    ];
    let to_do = [
        "Look at the last attempts of its deliveries: they hold what it answered.",
        "Mend the endpoint, or tell its owner.",
        "Enable it: what waits is delivered by itself.",
        "Redeliver what was given up.",
    ];
    letter(format!("Endpoint {} was disabled", name(endpoint)), what, endpoint, &facts, &to_do)
}

fn gone(endpoint: &Endpoint, facts: Facts) -> Letter {
    let what = "An endpoint was disabled, because it answered 410 Gone: it wants no more.";
    let facts = [waiting(facts, "kept until it is enabled"), given_up(facts)];
    let to_do = [
        "Ask its owner whether it has moved, or isn't wanted any more.",
        "Where it has moved, correct its URL and enable it: what waits is delivered.",
        "Where it isn't wanted, delete it: what waits for it is deleted, too.",
    ];
    letter(format!("Endpoint {} was disabled", name(endpoint)), what, endpoint, &facts, &to_do)
}

fn exhausted(delivery: i64, message: &Message, endpoint: &Endpoint, attempts: u32, facts: Facts) -> Letter {
    let what = "A delivery was given up. For a while, no other mail tells of this endpoint's.";
    let facts = [
        format!("Delivery: {delivery}, after {}", number(attempts.into(), "attempt")),
        format!("Message:  {} ({})", shown(&message.id), shown(&message.event_type)),
        format!("Failing:  {}", endpoint.health.failing_since.map_or("just now".to_owned(), since_when)),
        waiting(facts, "tried by themselves"),
        given_up(facts),
    ];
    let to_do = [
        "Look at the attempts of the delivery: they hold what was answered.",
        "Mend the endpoint, or tell its owner.",
        "Redeliver what was given up. It arrives under the same id as before.",
    ];
    letter(format!("A delivery to endpoint {} was given up", name(endpoint)), what, endpoint, &facts, &to_do)
}

fn letter(subject: String, what: &str, endpoint: &Endpoint, facts: &[String], to_do: &[&str]) -> Letter {
    let (who, origin, facts) = (who(endpoint), origin(endpoint), facts.join("\n"));
    let mut text = format!("{what}\n\nEndpoint: {who}\nAddress:  {origin}\n{facts}\n\nWhat to do:\n");
    for (number, step) in (1..).zip(to_do) {
        text.push_str(&format!("{number}. {step}\n"));
    }
    Letter { subject: format!("[webhooks] {subject}"), text }
}

/// The endpoint, as a person and as the operator's tools know it.
fn who(endpoint: &Endpoint) -> String {
    let tenant = endpoint.tenant.as_ref().map(|tenant| format!(", tenant {}", shown(tenant)));
    format!("{} (id {}{})", name(endpoint), shown(&endpoint.id), tenant.unwrap_or_default())
}

fn name(endpoint: &Endpoint) -> String {
    format!("\"{}\"", shown(&endpoint.name))
}

fn since(endpoint: &Endpoint) -> String {
    let since = endpoint.health.failing_since.map(since_when);
    since.map(|since| format!(", {since}")).unwrap_or_default()
}

fn waiting(facts: Facts, and: &str) -> String {
    match facts.waiting {
        Some(0) => "Waiting:  nothing".to_owned(),
        Some(count) => format!("Waiting:  {}; none is lost, they are {and}", number(count, "delivery")),
        None => format!("Waiting:  could not be counted; none is lost, they are {and}"),
    }
}

fn given_up(facts: Facts) -> String {
    match facts.given_up {
        Some(0) => "Given up: nothing".to_owned(),
        Some(count) => format!("Given up: {} in all", number(count, "delivery")),
        None => "Given up: could not be counted".to_owned(),
    }
}

/// A number of things, each of which is called `noun`.
fn number(count: u64, noun: &str) -> String {
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "delivery") => format!("{count} deliveries"),
        _ => format!("{count} {noun}s"),
    }
}

/// A length of time in the unit that a person would take.
fn span(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match minutes {
        2880.. => number(minutes / 1440, "day"),
        120.. => number(minutes / 60, "hour"),
        _ => number(minutes, "minute"),
    }
}

/// A time as a person reads it: `since 2026-03-14 09:26:53 UTC`.
fn since_when(micros: i64) -> String {
    format!("since {}", rfc3339(micros).replace('T', " ").replace('Z', " UTC"))
}

/// What others have written, on one line and not endless.
fn shown(text: &str) -> String {
    let line = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    line.take(LONGEST).collect()
}

/// How much of a name is shown, in characters.
const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use countersign_store::outbox::NewMessage;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn endpoint() -> Endpoint {
        let mut endpoint = Endpoint::new("ep_1", "https://acme.example/hooks/canary", "github");
        (endpoint.name, endpoint.tenant) = ("Acme".to_owned(), Some("acme".to_owned()));
        endpoint.health.failing_since = Some(1_764_000_000_000_000);
        endpoint
    }

    const FACTS: Facts = Facts { waiting: Some(12), given_up: Some(1) };

    #[test]
    fn a_warning_says_what_since_when_how_much_waits_and_what_to_do() {
        let event = OperationalEvent::EndpointWarned {
            endpoint: endpoint(),
            failing_for: 5 * DAY,
            disabled_in: Duration::from_secs(47 * 3600),
        };
        let letter = Letter::of(&event, FACTS);
        assert_eq!(letter.subject, "[webhooks] Endpoint \"Acme\" is failing and will be disabled");
        let expected = "\
An endpoint is failing.

Endpoint: \"Acme\" (id ep_1, tenant acme)
Address:  https://acme.example
Failing:  for 5 days, since 2025-11-24 16:00:00 UTC
Disabled: in 47 hours, if it goes on failing
Waiting:  12 deliveries; none is lost, they are tried again by themselves
Given up: 1 delivery in all

What to do:
1. Look at the last attempts of its deliveries: they hold what it answered.
2. Mend the endpoint, or tell its owner.
3. Once it answers 2xx, what waits is delivered by itself.
4. Redeliver what was given up.
";
        assert_eq!(letter.text, expected);
    }

    #[test]
    fn one_that_was_disabled_says_why_and_that_what_waits_is_kept() {
        for (because, why) in
            [(DisabledBecause::Gone, "410 Gone"), (DisabledBecause::Failing, "failing for too long")]
        {
            let letter =
                Letter::of(&OperationalEvent::EndpointDisabled { endpoint: endpoint(), because }, FACTS);
            assert_eq!(letter.subject, "[webhooks] Endpoint \"Acme\" was disabled");
            assert!(letter.text.contains(why) && letter.text.contains("kept until it is enabled"));
        }
    }

    #[test]
    fn a_delivery_that_was_given_up_is_named() {
        let message = Message::stored(&NewMessage::new("invoice.paid", "canary"), "msg_1", 0);
        let event =
            OperationalEvent::DeliveryExhausted { delivery: 17, message, endpoint: endpoint(), attempts: 10 };
        let letter = Letter::of(&event, Facts::default());
        assert_eq!(letter.subject, "[webhooks] A delivery to endpoint \"Acme\" was given up");
        for part in ["Delivery: 17, after 10 attempts", "msg_1 (invoice.paid)", "could not be counted"] {
            assert!(letter.text.contains(part), "{}", letter.text);
        }
        assert!(!letter.text.contains("canary"));
    }

    #[test]
    fn what_others_have_written_stays_on_one_line_and_is_not_endless() {
        let mut endpoint = endpoint();
        endpoint.name = format!("Acme\r\nBcc: all@example.com{}", "x".repeat(1000));
        let letter = Letter::of(
            &OperationalEvent::EndpointDisabled { endpoint, because: DisabledBecause::Gone },
            FACTS,
        );
        assert!(!letter.subject.contains(['\r', '\n']) && letter.subject.len() < 200, "{}", letter.subject);
        assert_eq!(letter.text.lines().filter(|line| line.starts_with("Bcc")).count(), 0);
    }

    #[test]
    fn spans_are_told_in_the_unit_that_a_person_would_take() {
        let told = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(
            [59, 60, 7199, 7200, 172_800].map(told),
            ["0 minutes", "1 minute", "119 minutes", "2 hours", "2 days"]
        );
    }
}
