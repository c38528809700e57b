//! Whose turn it is, where more is due than there are places.

use std::collections::HashMap;

/// Counts the turns of tenants, so that each has as many deliveries under way as another, whatever waits for it and
/// however many endpoints it has. An endpoint without a tenant counts as one.
///
/// Every store claims by this rule: it numbers what is due, of each tenant in the order of its endpoints' turns, and gives
/// the lowest numbers a place, of equal ones those that have been due for longest.
#[derive(Clone, Debug, Default)]
pub struct TurnCount<'e>(HashMap<Taker<'e>, usize>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Taker<'e> {
    Tenant(&'e str),
    Endpoint(&'e str),
}

impl<'e> TurnCount<'e> {
    /// Counts deliveries that are under way to the endpoint of this tenant and id, enabled or not.
    pub fn add(&mut self, tenant: Option<&'e str>, endpoint: &'e str, under_way: usize) {
        *self.of(tenant, endpoint) += under_way;
    }

    /// The number of the turn that a delivery to the endpoint has: how many were counted before.
    pub fn next(&mut self, tenant: Option<&'e str>, endpoint: &'e str) -> usize {
        let count = self.of(tenant, endpoint);
        let turn = *count;
        *count += 1;
        turn
    }

    fn of(&mut self, tenant: Option<&'e str>, endpoint: &'e str) -> &mut usize {
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
        assert_eq!(numbers.map(|(tenant, endpoint)| turns.next(tenant, endpoint)), [2, 3, 0, 1, 0]);
    }
}
