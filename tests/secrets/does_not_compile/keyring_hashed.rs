//! A keyring is no key of a map: its hash would be a comparison.

use std::collections::HashSet;

use countersign::Keyring;

fn main() {
    let _ = |keyring: Keyring| HashSet::from([keyring]);
}
