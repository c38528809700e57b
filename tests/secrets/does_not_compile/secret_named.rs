//! The bytes of a secret have no name outside of the crate.

use countersign::secret::Secret;

fn main() {
    let _: Secret;
}
