//! Whose turn it is, where more is due than there are places.

use std::collections::HashMap;

/// Counts the turns of tenants, so that each has as many deliveries under way as another, whatever waits for it and
/// however many endpoints it has. An endpoint without a tenant counts as one.
///
/// Every store claims by this rule: it gives a [`Turn`] to what is due, of each tenant in the order of its endpoints' turns,
/// and the first turns a place, of equal ones those that have been due for longest.
#[derive(Clone, Debug, Default)]
pub struct TurnCount<'e>(HashMap<Taker<'e>, Turn>);

/// Whose turn it is: first who has had fewer, and of those who was served longest ago, or never. So nobody who comes new
/// waits for all that others have left waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    had: usize,
    served_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Taker<'e> {
    Tenant(&'e str),
    Endpoint(&'e str),
}

impl<'e> TurnCount<'e> {
    /// Counts deliveries that are under way to the endpoint of this tenant and id, enabled or not.
    pub fn add(&mut self, tenant: Option<&'e str>, endpoint: &'e str, under_way: usize) {
        self.of(tenant, endpoint).had += under_way;
    }

    /// Notes when an attempt was made last at the endpoint of this tenant and id, in microseconds.
    pub fn served(&mut self, tenant: Option<&'e str>, endpoint: &'e str, at: Option<i64>) {
        let turn = self.of(tenant, endpoint);
        turn.served_at = turn.served_at.max(at);
    }

    /// The turn that a delivery to the endpoint has, behind those that were counted before.
    pub fn next(&mut self, tenant: Option<&'e str>, endpoint: &'e str) -> Turn {
        let next = self.of(tenant, endpoint);
        let turn = *next;
        next.had += 1;
        turn
    }

    fn of(&mut self, tenant: Option<&'e str>, endpoint: &'e str) -> &mut Turn {
        self.0.entry(tenant.map_or(Taker::Endpoint(endpoint), Taker::Tenant)).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_endpoints_share_its_turns_and_one_without_a_tenant_has_its_own() {
        let mut turns = TurnCount::default();
        turns.add(Some("one"), "c", 2);
        turns.add(None, "d", 1);
        let numbers =
            [(Some("one"), "a"), (Some("one"), "b"), (None, "one"), (None, "d"), (Some("two"), "a")];
        assert_eq!(numbers.map(|(tenant, endpoint)| turns.next(tenant, endpoint).had), [2, 3, 0, 1, 0]);
    }

    #[test]
    fn of_those_who_have_had_as_many_who_was_served_longest_ago_is_first() {
        let mut turns = TurnCount::default();
        for (tenant, endpoint, at) in [
            (Some("busy"), "a", None),
            (Some("busy"), "b", Some(9)),
            (None, "c", Some(5)),
            (Some("new"), "d", None),
        ] {
            turns.served(tenant, endpoint, at);
        }
        let [busy, alone, new] = [(Some("busy"), "a"), (None, "c"), (Some("new"), "d")]
            .map(|(tenant, endpoint)| turns.next(tenant, endpoint));
        assert!(new < alone && alone < busy && busy < turns.next(Some("new"), "d"));
    }
}
