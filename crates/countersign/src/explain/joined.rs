//! Pieces that are signed one after the other, with a sign between them.

use alloc::vec::Vec;

use crate::scheme::Part;

/// `before` and then `after`, and the other way round, with the same sign between all: each sign in turn.
pub(crate) fn joined(before: &[Part], after: &[Part]) -> Vec<Vec<Part>> {
    let orders = [[before, after].concat(), [after, before].concat()];
    let with = |order: &Vec<Part>, sign: &'static str| {
        let mut parts = Vec::new();
        for part in order {
            if !parts.is_empty() && !sign.is_empty() {
                parts.push(Part::Literal(sign.into()));
            }
            parts.push(part.clone());
        }
        parts
    };
    orders.iter().flat_map(|order| SIGNS.map(|sign| with(order, sign))).collect()
}

/// What stands between two pieces.
const SIGNS: [&str; 7] = [".", "", ":", "\n", "|", ",", "-"];
